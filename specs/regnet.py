"""RegNet: the widths of a network on a straight line, quantised.

Radosavovic et al. 2020, Designing Network Design Spaces (arXiv 2003.13678), section 3.3.
"""

from __future__ import annotations

from itertools import groupby
from math import log
from typing import Any

#: Widths are multiples of this.
_QUANTUM = 8


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
    growth = log(w_m)
    steps = [round(log(1 + w_a * block / w_0) / growth) for block in range(depth)]
    widths = {step: round(w_0 * w_m**step / _QUANTUM) * _QUANTUM for step in {*steps}}
    block = {"kind": "x", "group_width": group_width, "ratio": ratio}
    stages = []
    for width, blocks in groupby(map(widths.__getitem__, steps)):
        inner = max(1, width // ratio)
        group = min(group_width, inner)
        inner = round(inner / group) * group
        depth, width = len([*blocks]), inner * ratio
        stages.append({"depth": depth, "width": width, "stride": stride, "block": block})
    return stages
