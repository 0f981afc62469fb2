"""RegNet: the widths of a network on a straight line, quantised.

Radosavovic et al. 2020, Designing Network Design Spaces (arXiv 2003.13678), section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from math import log
from typing import Any

from ..errors import Fault
from ..specs.paths import nearest
from .choices import Choices, Fields, Shown

#: Widths are multiples of this.
_QUANTUM = 8
NEEDED = ("depth", "w_0", "w_a", "w_m", "group_width")
DEFAULTS = {"ratio": 1, "stride": 2}


def regnet_stages(
    depth: int,
    w_0: int,
    w_a: float,
    w_m: float,
    group_width: int,
    ratio: int = 1,
    stride: int = 2,
) -> list[dict[str, Any]]:
    """The stages of a RegNetX of ``depth`` blocks, as a spec file has them.

    Block j has the width ``w_0 + w_a * j`` (equation 2), quantised to the nearest
    ``w_0 * w_m ** s`` with a whole s (equations 3 and 4) and rounded to a multiple of 8. Blocks of
    one width form a stage, whose width is then rounded to a whole number of groups.

    >>> [(s["depth"], s["width"]) for s in regnet_stages(13, 24, 36.44, 2.49, 8)]
    [(1, 24), (1, 56), (4, 152), (7, 368)]
    """
    steps = [round(log(1 + w_a * block / w_0) / log(w_m)) for block in range(depth)]
    widths = [round(w_0 * w_m**step / _QUANTUM) * _QUANTUM for step in steps]
    stages = []
    for width, blocks in groupby(widths):
        inner = max(1, width // ratio)
        group = min(group_width, inner)
        inner = round(inner / group) * group
        block = {"kind": "x", "group_width": group_width, "ratio": ratio}
        stages.append(
            {"depth": len(list(blocks)), "width": inner * ratio, "stride": stride, "block": block}
        )
    return stages


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
