"""What stands in a network's picture, from left to right, before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import prod
from typing import Final, NamedTuple

from ..planner.plan import Plan
from ..specs.axes import number_text
from ..specs.layer import Layer, Module, Shape, Size
from ..specs.layout import BlockPlan
from .fold import block_text, repeats, shortcut_text
from .glyphs import Box, height_of, tone_of
from .marks import MARK
from .numbers import grouped, shape_text, short
from .signs import (
    ACTIVATION,
    NORM,
    Wiring,
    closing_parts,
    has_bars,
    in_box,
    on_wire,
    other_lines,
    parts_of,
    wiring,
)
from .svg import COLOURS, width_of
from .table import layer_text, main_path

TEXT: Final = 13.0
OTHER_COLOURS: Final = ("violet", "purple", "slate")
"""For blocks without a colour of their own, in the order in which a network has them."""
FOLD: Final = 7
"""Equal blocks in a row that are still drawn one by one."""
PIECES: Final = 16
"""Boxes of one stage; of more, those in the middle are left out, and their number is shown."""
_CLOSING_NAMES: Final = {NORM: "norm", ACTIVATION: "act"}


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


Map = Shape
"""Channels, height and width."""
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
        self._colours = _colours(blocks)
        self._lines = other_lines(blocks)
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
        stem, shape = self._end("stem", plan.modules.stem, plan.input_shape)
        lines = [times(shape), *_cost(plan.stem)]
        yield Column("stem", [Group(plan.spec.stem.kind, [stem])], lines)
        size = shape[1:]
        for number, (stage, feature) in enumerate(zip(plan.stages, plan.features, strict=True), 1):
            if plan.before[number - 1]:
                column, shape = self._between(f"before{number}", plan.before[number - 1], shape)
                yield column
                size = shape[1:]
            layers = [layer for block in stage for layer in block.layers]
            lines = [times((feature.channels, *feature.size)), *_cost(layers)]
            mark = f" {MARK}" if feature.name in self.marked else ""
            yield Column(feature.name + mark, list(self._groups(stage, size, feature.size)), lines)
            size = feature.size
            shape = feature.channels, *size
        if closing_parts(plan):
            column, shape = self._between("closing", plan.modules.closing, shape)
            yield column
        if plan.spec.head is not None:
            head, shape = self._end("head", plan.modules.head, shape)
            last = list(main_path(plan.head))[-1:]
            classes = bool(last) and last[0].kind == "linear"
            lines = [f"{shape[0]} classes" if classes else times(shape), *_cost(plan.head)]
            yield Column("head", [Group(plan.spec.head.kind, [head])], lines)

    def _between(self, part: str, modules: Sequence[Module], shape: Map) -> tuple[Column, Map]:
        """What stands before a stage, or between the last one and the head: signs alone, or a
        box."""
        parts = parts_of(modules)
        layers = [layer for module in modules for layer in module.layers]
        mark = f" {MARK}" if part in self.marked else ""
        if has_bars(parts):
            box, after = self._end(part, modules, shape)
            lines = [times(after), *_cost(layers)]
            return Column(part, [Group("", [box._replace(marked=bool(mark))])], lines), after
        signs, closes = on_wire(parts), part == "closing"
        where = "after the last stage" if closes else f"before layer{part.removeprefix('before')}"
        title = f"{where}: {', '.join(sign.text for sign in signs)}"
        bare = Box((), "slate", 0.0, (0.0, 0.0), 1, title, Wiring(entry=signs), form="wire")
        name = _CLOSING_NAMES.get(signs[0].text, part) if closes else part
        lines = _cost(layers)[:1] if layers else []
        return Column(name + mark, [Group("", [bare])], lines), shape

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
                named = len(self.orders) > 1 and spec.arrangement
                order = f", {spec.arrangement}" if named else ""
                yield Group(label + order, boxes)

    def _block(self, block: BlockPlan | None, count: int, size: Size, last: Size) -> Box:
        if block is None:
            return Box((), "slate", 0.0, self._heights(size, last), 1, f"{count} more", form="dots")
        wired = wiring(block, self.orders != {"post"}, self._lines)
        return Box(
            wired.box,
            self._colours[block.spec.kind],
            tone_of(block.out_channels, *self._channels),
            self._heights(size, last),
            block.in_channels,
            _title(block, count),
            wired,
            count,
            marked=block.name in self.marked,
        )

    def _end(self, name: str, modules: Sequence[Module], start: Map) -> tuple[Box, Map]:
        """The box of the stem, the closing or the head, and the shape that it puts out."""
        layers = [layer for module in modules for layer in module.layers]
        shape = shape_after(layers, start)
        heights = self._heights(start[1:], shape[1:])
        text = ", ".join(map(layer_text, layers))
        box = Box(in_box(parts_of(modules)), "slate", 0.3, heights, start[0], f"{name}: {text}")
        return box._replace(marked=name in self.marked), shape

    def _heights(self, size: Size, last: Size) -> tuple[float, float]:
        return height_of(size, self._largest), height_of(last, self._largest)


def shape_after(layers: Iterable[Layer], start: Map) -> Map:
    """The shape that ``layers`` put out; ``start`` where there are none."""
    for layer in main_path(layers):
        start = layer.out_channels, *layer.out_size
    return start


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
    stride = f", stride {number_text(block.stride)}" if block.stride != 1 else ""
    rate = block.resolved.drop_rate
    drop = f"; left out in training at {rate:.3g}" if rate else ""
    return (
        f"{names}: {block_text(block.spec)}, {block.in_channels} to {block.out_channels} "
        f"channels{stride}; shortcut: {shortcut_text(block.shortcut)}{drop}; "
        f"{grouped(sum(layer.params for layer in block.layers))} parameters"
    )


def _colours(blocks: Iterable[BlockPlan]) -> dict[str, str]:
    """The colour of each kind of block."""
    kinds = {block.spec.kind: block.spec.colour or "" for block in blocks}
    others = [kind for kind, colour in kinds.items() if colour not in COLOURS]
    return kinds | {
        kind: OTHER_COLOURS[index % len(OTHER_COLOURS)] for index, kind in enumerate(others)
    }


def _cost(layers: Iterable[Layer]) -> list[str]:
    counts = [(layer.params, layer.macs) for layer in layers]
    params, macs = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return [f"{short(params)} params", f"{short(macs)} MACs"]
