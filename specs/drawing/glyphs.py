"""What a part of a network looks like: a box, a bar for each convolution, an arc for a shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, log2
from typing import Any, Final, NamedTuple

from ..trace import Layer, Size
from .svg import Pen

FORK: Final = 6.0
"""From where a shortcut leaves to the box."""
JOIN: Final = 8.0
"""From the box to the sum."""
AFTER: Final = 6.0
"""From the sum to where the next part begins."""
ARC: Final = 15.0
"""An arc's height above its box."""
MAX_BARS: Final = 12
SHEETS: Final = 3
"""Boxes behind a folded one, and how far right and up each stands of the one before it."""
SHEET: Final = (6.0, 3.0)


class Box(NamedTuple):
    """One thing to draw: the stem, a block or the head."""

    layers: tuple[Layer, ...]
    """The weighted and pooling layers of the main path."""
    colour: str
    tone: float
    """Strength of the colour, from 0 to 1: deep in channels, deep in colour."""
    heights: tuple[float, float]
    """At the input and at the output."""
    in_channels: int
    title: str
    shortcut: str | None = None
    """The kind of shortcut; None for a part that has no place for one."""
    label: str = ""
    """Written on the arc."""
    copies: int = 1
    """Equal blocks that this box stands for."""
    gap: bool = False
    """Whether it stands for blocks that are left out, however they look."""

    @property
    def width(self) -> float:
        bars = [thickness(layer) for layer in self.layers[:MAX_BARS]]
        return max(22.0, sum(bars) + 3.0 * (len(bars) - 1) + 12.0)

    @property
    def pitch(self) -> float:
        """The room that the box and its wires take."""
        return FORK + self.width + (JOIN + AFTER if self.shortcut else FORK) + self.behind

    @property
    def behind(self) -> float:
        """The room that the boxes behind a folded one take."""
        return SHEETS * SHEET[0] if self.copies > 1 else 0.0

    @property
    def rise(self) -> float:
        """How far they stand above it."""
        return SHEETS * SHEET[1] if self.copies > 1 else 0.0


class Line(NamedTuple):
    """How a kind of shortcut is drawn."""

    colour: str
    width: float
    dash: str = "none"


LINES: Final = {
    "identity": Line("slate", 1.6),
    "projection": Line("orange", 2.8),
    "zero_pad": Line("purple", 2.0, "5 4"),
}
OTHER_LINE: Final = Line("violet", 2.2, "9 4 1 4")
"""Any other kind of shortcut."""


def line_of(kind: str) -> Line:
    return LINES.get(kind, OTHER_LINE)


def thickness(layer: Layer) -> float:
    """A bar is as thick as its kernel is wide."""
    if layer.kind == "parameter":
        return 2.0
    return min(1.0 + 2.0 * layer.kernel, 16.0) if layer.kernel > 1 else 3.0


def draw_box(pen: Pen, box: Box, x: float, axis: float) -> None:
    """Draw ``box`` from ``x`` on, around the height ``axis``; its shortcut over it."""
    pen.open(box.title)
    left = x + FORK
    if box.gap:
        _dots(pen, left + box.width / 2, axis)
        pen.close()
        return
    if box.copies > 1:
        for step in range(SHEETS, 0, -1):
            _body(pen, box, left + SHEET[0] * step, axis - SHEET[1] * step, box.tone)
    _body(pen, box, left, axis, box.tone)
    _bars(pen, box, left, axis)
    if box.shortcut and box.shortcut != "none":
        _arc(pen, box, line_of(box.shortcut), x, axis)
    if box.copies > 1:
        _badge(pen, f"×{box.copies}", left + box.width / 2, axis + max(box.heights) / 2)
    pen.close()


def _body(pen: Pen, box: Box, left: float, axis: float, tone: float) -> None:
    """The outline, narrowing where the map does."""
    start, end = (height / 2 for height in box.heights)
    right = left + box.width
    corners = [
        (left, axis - start),
        (right, axis - end),
        (right, axis + end),
        (left, axis + start),
    ]
    outline = rounded(corners, 5.0)
    pen.path(outline, "paper", "paper", stroke_width=4)
    pen.path(outline, box.colour, fill_opacity=0.10 + 0.32 * tone)
    pen.path(outline, stroke=box.colour, stroke_width=1.4)


def rounded(corners: Sequence[tuple[float, float]], radius: float) -> str:
    """A closed outline through ``corners``, each of them cut round."""
    d = ""
    for index, (x, y) in enumerate(corners):
        ends = []
        for beside in (index - 1, (index + 1) % len(corners)):
            dx, dy = corners[beside][0] - x, corners[beside][1] - y
            share = radius / hypot(dx, dy)
            ends.append(f"{x + dx * share:.2f} {y + dy * share:.2f}")
        d += f"{'L' if d else 'M'}{ends[0]}Q{x:.2f} {y:.2f} {ends[1]}"
    return f"{d}Z"


def _bars(pen: Pen, box: Box, left: float, axis: float) -> None:
    shown = box.layers[:MAX_BARS]
    widest = max([box.in_channels, *(layer.out_channels for layer in shown)])
    used = sum(map(thickness, shown)) + 3.0 * (len(shown) - 1)
    x = left + (box.width - used) / 2
    for layer in shown:
        thick = thickness(layer)
        x += thick / 2
        along = (x - left) / box.width
        room = box.heights[0] + (box.heights[1] - box.heights[0]) * along - 14
        # A fifth shorter for each halving of the channels.
        height = room * max(0.25, 1 - 0.2 * log2(widest / layer.out_channels))
        draw_bar(pen, layer.kind, layer.groups, x, axis, thick, height, box.colour)
        x += thick / 2 + 3.0


def draw_bar(
    pen: Pen,
    kind: str,
    groups: int,
    x: float,
    axis: float,
    thick: float,
    height: float,
    colour: str,
) -> None:
    """One layer: solid; in pieces where it is grouped; hollow where it has no weights."""
    top, bottom = axis - height / 2, axis + height / 2
    if kind.endswith("_pool"):
        pen.rect(x - thick / 2 + 0.6, top, thick - 1.2, height, stroke=colour, rx=1.5)
        return
    more: dict[str, Any] = {"stroke_dasharray": "5 2"} if groups > 1 else {}
    pen.path(
        f"M{x:.2f} {top:.2f}V{bottom:.2f}",
        stroke=colour,
        stroke_width=thick,
        stroke_linecap="butt",
        **more,
    )


def _arc(pen: Pen, box: Box, line: Line, x: float, axis: float) -> None:
    start, end = x + 1.0, x + FORK + box.width + box.behind + JOIN
    top = axis - max(box.heights) / 2 - ARC - box.rise
    arc = (
        f"M{start:.2f} {axis:.2f}V{top + 12:.2f}Q{start:.2f} {top:.2f} {start + 12:.2f} {top:.2f}"
        f"H{end - 12:.2f}Q{end:.2f} {top:.2f} {end:.2f} {top + 12:.2f}V{axis:.2f}"
    )
    draw_line(pen, line, arc, data_shortcut=box.shortcut)
    if box.label:
        draw_label(pen, line, box.label, (start + end) / 2, top)
    pen.circle(end, axis, 5, "paper", "wire")
    pen.path(f"M{end - 3:.2f} {axis}h6m-3 -3v6", stroke="wire", stroke_width=1.3)


def draw_line(pen: Pen, line: Line, d: str, **more: Any) -> None:
    """A stretch of a shortcut."""
    if line.dash != "none":
        more["stroke_dasharray"] = line.dash
    pen.path(d, stroke=line.colour, stroke_width=line.width, **more)


def draw_label(pen: Pen, line: Line, text: str, x: float, y: float) -> None:
    """The small box on a shortcut that computes something."""
    width = 7.0 + 6.0 * len(text)
    pen.rect(x - width / 2, y - 7.5, width, 15, "paper", line.colour, rx=3.5, stroke_width=1.4)
    pen.text(x, y + 3.7, text, 10.5, line.colour, text_anchor="middle", font_weight=600)


def _dots(pen: Pen, x: float, axis: float) -> None:
    pen.rect(x - 15, axis - 8, 30, 16, "paper")
    for step in (-8.0, 0.0, 8.0):
        pen.circle(x + step, axis, 2.2, "wire")


def _badge(pen: Pen, text: str, x: float, y: float) -> None:
    width = 12.0 + 7.5 * len(text)
    pen.rect(x - width / 2, y - 9, width, 18, "ink", "paper", rx=9, stroke_width=1.5)
    pen.text(x, y + 4.4, text, 12.5, "paper", text_anchor="middle", font_weight=700)


def tone_of(channels: int, fewest: int, most: int) -> float:
    """Where ``channels`` stands between the fewest and the most, in octaves."""
    return 0.5 if fewest == most else log2(channels / fewest) / log2(most / fewest)


def height_of(size: Size, largest: Size) -> float:
    """A map's height on paper: 24 less for each halving, down to 36."""
    octaves = log2(largest[0] * largest[1] / (size[0] * size[1])) / 2
    return max(36.0, 144.0 - 24.0 * octaves)


def main_path(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers that get a bar: those that mix pixels or channels, shortcuts apart."""
    return tuple(
        layer for layer in layers if not layer.shortcut and not layer.kind.endswith("_norm")
    )


def on_arc(layers: Sequence[Layer]) -> str:
    """What is written on a block's arc: the kernel of a shortcut that convolves."""
    kernels = [layer.kernel for layer in layers if layer.shortcut and layer.kind == "conv"]
    return f"{kernels[0]}×{kernels[0]}" if kernels else ""
