"""RegNets of a design space: choices of the five numbers that their stages are computed from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from functools import partial
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
        """The index of parameters that give some stages: of several, that of the first ``w_0`` and
        ``w_m``, and the least ``w_a``."""
        if not isinstance(value, list) or not all(map(_is_regnet, value)) or not value:
            return None
        first = value[0]
        known = {"group_width": first["block"]["group_width"], "ratio": first["block"]["ratio"]}
        known |= {"depth": sum(stage["depth"] for stage in value), "stride": first["stride"]}
        asked = {name: known.get(name) for name in self.numbers.names}
        if any(DEFAULTS[name] != known[name] for name in {*DEFAULTS} - {*asked}):
            return None
        choices = {name: self._places(name, asked[name]) for name in self.numbers.names}
        for found in _fitting(choices, known, [(s["depth"], s["width"]) for s in value]):
            index = self.numbers.join([found[name] for name in self.numbers.names])
            if shown(index) == value:
                return index
        return None

    def _places(self, name: str, wanted: int | None) -> list[tuple[Any, int]]:
        """The values of a parameter, with their indexes, in ascending order; of one that is known,
        that value alone."""
        part = self.numbers.parts[self.numbers.names.index(name)]
        every = ((part.unrank(index), index) for index in range(part.size))
        return sorted(pair for pair in every if wanted in (None, pair[0]))

    def pick(self, ticket: int) -> int:
        return self.numbers.pick(ticket)

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        return self.numbers.steps(index)

    def cross(self, first: int, second: int, from_second: Callable[[], bool]) -> int:
        return self.numbers.cross(first, second, from_second)


def _is_regnet(stage: Any) -> bool:
    """Whether a stage is one of a RegNet, with its own block in full."""
    block = stage.get("block") if isinstance(stage, dict) else None
    numbers = (
        isinstance(block, dict) and block.get("kind") == "x" and isinstance(stage["depth"], int)
    )
    return numbers and isinstance(stage["width"], int)


def _fitting(
    choices: Mapping[str, list[tuple[Any, int]]],
    known: Mapping[str, int],
    stages: list[tuple[int, int]],
) -> Iterator[dict[str, int]]:
    """Parameters, by the indexes of their values, that give stages of some depths and widths.

    No width falls where ``w_a`` rises, and neither does their sum: where it is that of the stages,
    for some ``w_0`` and ``w_m``, they are these or none are.
    """
    if not all(choices.values()):
        return
    # The same for all: where a value is named twice, the first.
    fixed = {name: choices[name][0][1] for name in choices if name in known}
    total = sum(depth * width for depth, width in stages)
    slopes = choices["w_a"]

    def widths(w_0: int, w_m: float, place: int) -> list[tuple[int, int]]:
        numbers = {"w_0": w_0, "w_a": slopes[place][0], "w_m": w_m}
        return [(s["depth"], s["width"]) for s in regnet_stages(**numbers, **known)]

    def size(w_0: int, w_m: float, place: int) -> int:
        return sum(depth * width for depth, width in widths(w_0, w_m, place))

    for w_0, first in choices["w_0"]:
        # The first block has the width w_0, whatever the others.
        (only,) = regnet_stages(1, w_0, 0, 2.0, known["group_width"], known["ratio"])
        if only["width"] != stages[0][1]:
            continue
        for w_m, second in choices["w_m"]:
            place = bisect_left(range(len(slopes)), total, key=partial(size, w_0, w_m))
            if place < len(slopes) and widths(w_0, w_m, place) == stages:
                yield {**fixed, "w_0": first, "w_m": second, "w_a": slopes[place][1]}


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
