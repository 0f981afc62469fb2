"""RegNets of a design space: choices of the five numbers that their stages are computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import Fault
from ..specs.paths import nearest
from ..specs.regnet import regnet_stages
from .choices import Choices, Fields, Shown

NEEDED = ("depth", "w_0", "w_a", "w_m", "group_width")
DEFAULTS = {"ratio": 1, "stride": 2}


class RegNetStages(Choices):
    """The stages computed from a choice of the parameters."""

    def __init__(self, parts: Mapping[str, Choices]) -> None:
        self.numbers = Fields(parts)
        self.size, self.weight = self.numbers.size, self.numbers.weight

    def unrank(self, index: int) -> list[dict[str, Any]]:
        return regnet_stages(**self.numbers.unrank(index))

    def rank(self, value: Any, shown: Shown) -> int | None:
        """None: several choices of the parameters can give the same stages, and which did cannot be
        read off them."""
        return None

    def pick(self, ticket: int) -> int:
        return self.numbers.pick(ticket)

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        return self.numbers.steps(index)

    def cross(self, first: int, second: int, from_second: Callable[[], bool]) -> int:
        return self.numbers.cross(first, second, from_second)


def check_regnet(parts: Mapping[str, Choices]) -> Iterator[Fault]:
    """The faults in the parameters of a RegNet."""
    known = [*NEEDED, *DEFAULTS]
    for name, part in parts.items():
        if name not in known:
            close = nearest(name, known)
            help_ = f"did you mean {close!r}?" if close else f"allowed here: {', '.join(known)}"
            yield Fault("key", f"unknown key {name!r}", name, help_)
            continue
        least = 1.01 if name == "w_m" else 0 if name == "w_a" else 1
        for index in dict.fromkeys((0, part.size - 1)):
            value = part.unrank(index)
            types = (int, float) if name in ("w_a", "w_m") else (int,)
            if isinstance(value, bool) or not isinstance(value, types):
                kind = "a number" if float in types else "a whole number"
                yield Fault("type", f"{name} is not {kind}", name, f"write {name}: {{...}}")
            elif not least <= value <= 65_536:
                yield Fault("range", f"{name} is {value}", name, f"use at least {least}")
    for name in NEEDED:
        if name not in parts:
            yield Fault("missing", f"{name!r} is missing", "", f"write {name}: ...")
