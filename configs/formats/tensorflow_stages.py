"""The stages of TensorFlow's model garden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ...specs.blocks import BasicSpec, BottleneckSpec
from ..format import Tree
from ..keys import Keys
from ..words import WIDTHS

DEPTHS: Final = {
    10: ("basic", (1, 1, 1, 1)),
    18: ("basic", (2, 2, 2, 2)),
    26: ("basic", (3, 3, 3, 3)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
    200: ("bottleneck", (3, 24, 36, 3)),
    270: ("bottleneck", (4, 29, 53, 4)),
    350: ("bottleneck", (4, 36, 72, 4)),
    420: ("bottleneck", (4, 44, 87, 4)),
}
_WORDS: Final = {"basic": BasicSpec.usual(), "bottleneck": BottleneckSpec.usual()}
_MOST_REPEATS: Final = 6
#: The window of 2x2 of a shortcut that does not stride; TensorFlow counts no padding.
_STILL: Final = {
    "pool": "avg",
    "kernel": 2,
    "stride": 1,
    "padding": "same",
    "count_include_pad": False,
}


class Stage(NamedTuple):
    depth: int
    width: int
    stride: int
    dilation: int = 1
    rate: float = 0.0
    """Of its blocks, the share of branches that are left out in training."""
    grid: Sequence[int] = ()
    """Factors of the dilations of its blocks."""


def strided(keys: Keys) -> list[Stage]:
    """The stages of ``resnet``."""
    rows = zip(DEPTHS.get(keys["model_id"], DEPTHS[50])[1], WIDTHS, (1, 2, 2, 2), strict=True)
    return [
        Stage(depth, max(1, int(width * keys["depth_multiplier"])), stride, rate=rate)
        for (depth, width, stride), rate in zip(rows, _rates(keys, 4), strict=True)
    ]


def dilated(keys: Keys) -> list[Stage]:
    """The stages of ``dilated_resnet``: beyond its output stride they dilate, the last again and
    again."""
    depths = DEPTHS.get(keys["model_id"], DEPTHS[50])[1]
    more, grid = keys["last_stage_repeats"] - 1, keys["multigrid"]
    still = {4: 1, 8: 2, 16: 3, 32: 4}[keys["output_stride"]]
    if more > _MOST_REPEATS:
        keys.refuse("last_stage_repeats", f"a spec is made of {_MOST_REPEATS + 1} at most")
        more = 0
    if grid is not None and len(grid) != depths[3]:
        keys.refuse("multigrid", f"{len(grid)} numbers for {depths[3]} blocks")
    stages = []
    for index, rate in enumerate(_rates(keys, 4 + more)):
        last, dilates = min(index, 3), index >= still
        stages.append(
            Stage(
                depths[last],
                WIDTHS[last],
                1 if dilates or not index else 2,
                2 ** (index - still + 1) if dilates else 1,
                rate,
                grid if grid and dilates and index >= 3 else (),
            )
        )
    return stages


def _rates(keys: Keys, count: int) -> list[float]:
    """The rate of each stage, of which the stem is the first of two parts before them."""
    rate = keys["stochastic_depth_drop_rate"]
    if not 0 <= rate < 1:
        keys.refuse("stochastic_depth_drop_rate", "a rate of 0 or more, and less than 1")
    return [rate * (index + 2) / (count + 1) for index in range(count)]


def blocks(keys: Keys, kind: str, stages: Sequence[Stage], channels: int) -> Tree:
    """The stages after ``channels``, their blocks and their shortcuts.

    The first block of each stage projects, whatever its shape.
    """
    average = keys["resnetd_shortcut"] and kind == "bottleneck"
    words = [_block(keys, kind, stage) for stage in stages]
    alike = all(each == words[0] for each in words)
    trees = []
    for stage, block in zip(stages, words, strict=True):
        tree: Tree = {"depth": stage.depth, "width": stage.width, "stride": stage.stride}
        if not alike:
            tree["block"] = block
        if stage.dilation > 1:
            tree |= {"dilation": stage.dilation, "first_dilation": stage.dilation}
        change: Any = "avg_projection" if average else "projection"
        if average and stage.stride == 1:
            change = {"path": [_STILL, {"conv": 1}, "norm"]}
            tree["shortcut"] = {"match": "identity", "change": change}
        entries: list[Tree] = [{} for _ in range(stage.depth)]
        if stage.stride == 1 and channels == _out(kind, stage):
            entries[0]["shortcut"] = {"match": change, "change": change}
        for entry, times in zip(entries, stage.grid, strict=False):
            entry["dilation"] = stage.dilation * times
        if any(entries):
            del tree["depth"]
            tree["blocks"] = entries
        trees.append(tree)
        channels = _out(kind, stage)
    shortcut = "avg_projection" if average else "projection"
    return {"stages": trees, "block": words[0] if alike else kind, "shortcut": shortcut}


def _out(kind: str, stage: Stage) -> int:
    """The channels that a stage puts out."""
    return _WORDS[kind].out_channels(stage.width)


def _block(keys: Keys, kind: str, stage: Stage) -> Tree:
    """The block of a stage."""
    ratio, out = keys["se_ratio"], _out(kind, stage)
    attention: Tree = {}
    if 0 < ratio <= 1:
        reduced = max(1, int(out * ratio))
        whole = out // (out // reduced) == reduced
        attention = {"se": out // reduced} if whole else {"kind": "se", "width": reduced}
    if not stage.rate:
        return {"kind": kind} | ({"attention": attention} if attention else {})
    ones: list[Any] = [{"conv": 1}, "norm", "act"] if kind == "bottleneck" else []
    last: Tree = {"conv": 3}
    if kind == "bottleneck":
        last = {"conv": 1, "width": f"x{_out(kind, stage) // stage.width}"}
    strides = {"conv": 3, "stride": "block"}
    drop = {"drop_path": stage.rate, "mode": "row"}
    rest = [attention, drop] if attention else [drop]
    return {"branch": [*ones, strides, "norm", "act", last, "norm", *rest]}
