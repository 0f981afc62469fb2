"""What stands in a network's picture, from left to right, before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import prod
from typing import Final, NamedTuple

from ..planner.plan import BlockPlan, Plan
from ..specs.trace import Layer, Shape, Size
from .fold import block_text, repeats, shortcut_text
from .glyphs import Box, height_of, tone_of
from .marks import MARK
from .numbers import grouped, shape_text, short
from .signs import Wiring, closing_signs, wiring
from .svg import width_of
from .table import layer_text

TEXT: Final = 13.0
COLOURS: Final = {"basic": "blue", "bottleneck": "green", "d2l": "amber", "x": "orange"}
OTHER_COLOURS: Final = ("violet", "purple", "slate")
"""For registered kinds, in the order they come."""
FOLD: Final = 7
"""Equal blocks in a row that are still drawn one by one."""
PIECES: Final = 16
"""Boxes of one stage; of more, those in the middle are left out, and their number said."""


class Group(NamedTuple):
    """Boxes over one label."""

    label: str
    boxes: list[Box]

    @property
    def width(self) -> float:
        boxes = sum(box.pitch for box in self.boxes)
        return max(boxes, width_of(self.label, TEXT) + 6)


class Column(NamedTuple):
    """The input, the stem, a stage or the head: groups of boxes over lines of text."""

    name: str
    groups: list[Group]
    lines: list[str]

    @property
    def width(self) -> float:
        texts = [width_of(line, TEXT) + 6 for line in (self.name, *self.lines)]
        return max(sum(group.width for group in self.groups), *texts)


Piece = tuple[BlockPlan | None, int]
"""A block and how often it stands in a row; None for what is left out."""


class Scene:
    """The columns of a plan's picture.

    >>> import resforge as rf
    >>> columns = Scene(rf.plan(rf.load("resnet152"))).columns
    >>> [(column.name, column.groups[0].label) for column in columns][2:5]
    [('layer1', 'bottleneck ×3'), ('layer2', 'bottleneck ×8'), ('layer3', 'bottleneck ×36')]
    """

    def __init__(self, plan: Plan, marked: frozenset[str] = frozenset()) -> None:
        self.plan = plan
        self.marked = marked
        blocks = [block for stage in plan.stages for block in stage]
        channels = [block.out_channels for block in blocks]
        self._channels = min(channels), max(channels)
        sizes = [plan.input_shape[1:], *(feature.size for feature in plan.features)]
        self._largest = max(sizes, key=prod)
        self.orders = {block.spec.arrangement for block in blocks}
        kinds = {block.spec.kind: None for block in blocks}
        others = [kind for kind in kinds if kind not in COLOURS]
        self._colours = COLOURS | {
            kind: OTHER_COLOURS[index % len(OTHER_COLOURS)] for index, kind in enumerate(others)
        }
        self.columns = list(self._columns())

    @property
    def boxes(self) -> list[Box]:
        return [box for column in self.columns for group in column.groups for box in group.boxes]

    def _columns(self) -> Iterator[Column]:
        """Each column, from the input to the head."""
        plan, size = self.plan, self.plan.input_shape[1:]
        plate = Box((), "slate", 0.0, self._heights(size, size), plan.input_shape[0], "input")
        plate = plate._replace(marked="input" in self.marked)
        yield Column("input", [Group("", [plate])], [times(plan.input_shape)])
        stem = self._end("stem", plan.stem, plan.input_shape[0], size)
        shape = (plan.stem[-1].out_channels, *plan.stem[-1].out_size)
        yield Column(
            "stem", [Group(plan.spec.stem.kind, [stem])], [times(shape), *_cost(plan.stem)]
        )
        size = plan.stem[-1].out_size
        for stage, feature in zip(plan.stages, plan.features, strict=True):
            layers = [layer for block in stage for layer in block.layers]
            lines = [times((feature.channels, *feature.size)), *_cost(layers)]
            mark = f" {MARK}" if feature.name in self.marked else ""
            yield Column(feature.name + mark, list(self._groups(stage, size, feature.size)), lines)
            size = feature.size
        if signs := closing_signs(plan):
            name = "norm" if plan.closing else "act"
            name += f" {MARK}" if "closing" in self.marked else ""
            title = f"after the last stage: {', '.join(signs)}"
            bare = Box((), "slate", 0.0, (0.0, 0.0), 1, title, Wiring(entry=signs), form="wire")
            yield Column(name, [Group("", [bare])], _cost(plan.closing)[:1] if plan.closing else [])
        if plan.spec.head is not None:
            head = self._end("head", plan.head, plan.features[-1].channels, size)
            lines = [f"{plan.head[-1].out_channels} classes", *_cost(plan.head)]
            yield Column("head", [Group(plan.spec.head.kind, [head])], lines)

    def _groups(self, stage: Sequence[BlockPlan], size: Size, last: Size) -> Iterator[Group]:
        """A stage's boxes, over the kind that each run of them shares."""
        pieces = _pieces(stage, self.marked)
        for spec, run in groupby(pieces, key=lambda piece: piece[0] and piece[0].spec):
            boxes, total = [], 0
            for block, count in run:
                boxes.append(self._block(block, count, size, last))
                size, total = last, total + count
            if spec is None:
                yield Group(f"{total} more", boxes)
            else:
                label = f"{spec.kind} ×{total}" if total > 1 else spec.kind
                order = f", {spec.arrangement}" if len(self.orders) > 1 else ""
                yield Group(label + order, boxes)

    def _block(self, block: BlockPlan | None, count: int, size: Size, last: Size) -> Box:
        if block is None:
            return Box((), "slate", 0.0, self._heights(size, last), 1, f"{count} more", form="dots")
        return Box(
            _bars(block.branch),
            self._colours[block.spec.kind],
            tone_of(block.out_channels, *self._channels),
            self._heights(size, last),
            block.in_channels,
            _title(block, count),
            wiring(block, self.plan.spec.activation, self.orders != {"post"}),
            count,
            marked=block.name in self.marked,
        )

    def _end(self, name: str, layers: Sequence[Layer], in_channels: int, size: Size) -> Box:
        """The stem or the head."""
        heights = self._heights(size, layers[-1].out_size)
        text = ", ".join(map(layer_text, layers))
        box = Box(_bars(layers), "slate", 0.3, heights, in_channels, f"{name}: {text}")
        return box._replace(marked=name in self.marked)

    def _heights(self, size: Size, last: Size) -> tuple[float, float]:
        return height_of(size, self._largest), height_of(last, self._largest)


def times(shape: Shape) -> str:
    """A shape with the sign of multiplication."""
    return shape_text(shape).replace("x", "×")


def _pieces(stage: Sequence[BlockPlan], marked: frozenset[str]) -> list[Piece]:
    pieces: list[Piece] = []
    for row in repeats(stage, marked):
        pieces += [(row[0], len(row))] if len(row) > FOLD else [(block, 1) for block in row]
    if len(pieces) <= PIECES:
        return pieces
    first, last = pieces[: PIECES // 2], pieces[-PIECES // 4 :]
    hidden = len(stage) - sum(count for _, count in (*first, *last))
    return [*first, (None, hidden), *last]


def _title(block: BlockPlan, count: int) -> str:
    names = f"{block.name} and {count - 1} more like it" if count > 1 else block.name
    stride = f", stride {block.stride}" if block.stride > 1 else ""
    drop = f"; left out in training at {block.what.drop_rate:.3g}" * bool(block.what.drop_rate)
    return (
        f"{names}: {block_text(block.spec)}, {block.in_channels} to {block.out_channels} "
        f"channels{stride}; shortcut: {shortcut_text(block.shortcut)}{drop}; "
        f"{grouped(sum(layer.params for layer in block.layers))} parameters"
    )


def _bars(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The layers that get a bar: those of the main path that mix pixels or channels."""
    return tuple(
        layer for layer in layers if layer.path == "main" and not layer.kind.endswith("_norm")
    )


def _cost(layers: Iterable[Layer]) -> list[str]:
    counts = [(layer.params, layer.macs) for layer in layers]
    params, macs = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return [f"{short(params)} params", f"{short(macs)} MACs"]
