"""What a part of a network looks like: a box, a bar for each convolution, an arc over it."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, log2, prod
from typing import Final, Literal, NamedTuple

from ..specs.axes import Axes
from ..specs.layer import Layer, Size
from .marks import MARK
from .signs import Part, Sign, Wiring
from .svg import Pen
from .wires import draw_arc, draw_signs, room, sign_width

FORK: Final = 6.0
"""From where a shortcut leaves to the box."""
JOIN: Final = 8.0
"""From the box to the sum."""
AFTER: Final = 6.0
"""From the sum to where the next part begins."""
ARC: Final = 15.0
"""An arc's height above its box."""
MAX_PARTS: Final = 12
"""Bars and signs of one box; of more, only the first are drawn."""
HOLLOW: Final = {"max_pool": "", "avg_pool": "", "zero_pad": "2 3"}
"""Layers without weights, and the dashes of their outlines."""
SHEETS: Final = 3
"""Boxes behind a folded one, and how far right and up each stands of the one before it."""
SHEET: Final = (6.0, 3.0)


class Box(NamedTuple):
    """One thing to draw: the stem, a block or the head."""

    parts: tuple[Part, ...]
    """Bars, of layers of the main path, and the signs between them."""
    colour: str
    tone: float
    """Strength of the colour, from 0 to 1: deep in channels, deep in colour."""
    heights: tuple[float, float]
    """At the input and at the output."""
    in_channels: int
    title: str
    wiring: Wiring = Wiring()
    copies: int = 1
    """Equal blocks that this box stands for."""
    form: Literal["box", "dots", "wire"] = "box"
    """Dots stand for blocks that are left out, however they look; on a wire are only signs."""
    marked: bool = False
    """Whether it is not so in the network that this one is held against."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that have a bar."""
        return tuple(part for part in self.parts if isinstance(part, Layer))

    @property
    def signs(self) -> tuple[Sign, ...]:
        """The signs in the box and beside it."""
        inside = tuple(part for part in self.parts if isinstance(part, Sign))
        return self.wiring.on_wire + inside

    @property
    def width(self) -> float:
        """The width of the box itself."""
        if self.form == "wire":
            return 0.0
        parts = [part_width(part) for part in self.parts[:MAX_PARTS]]
        return max(22.0, sum(parts) + 3.0 * (len(parts) - 1) + 12.0)

    @property
    def pitch(self) -> float:
        """The room that the box and its wires take."""
        return self.places.end

    @property
    def places(self) -> Places:
        wiring = self.wiring
        fork = 1.0 + room(wiring.before)
        left = fork + FORK - 1.0 + room(wiring.entry)
        right = left + self.width + self.behind + room(wiring.end)
        # An arc is as wide as its signs ask for.
        spread = max(0.0, room(wiring.arc) + 6.0 - (right + JOIN - fork)) / 2
        join = right + JOIN + 2 * spread
        end = join + AFTER if wiring.shortcut else right + FORK
        return Places(fork, left + spread, join, end + room(wiring.after))

    @property
    def behind(self) -> float:
        """The room that the boxes behind a folded one take."""
        return SHEETS * SHEET[0] if self.copies > 1 else 0.0

    @property
    def rise(self) -> float:
        """How far they stand above it."""
        return SHEETS * SHEET[1] if self.copies > 1 else 0.0


class Places(NamedTuple):
    """How far from the left edge a box's parts stand."""

    fork: float
    """Where the shortcut leaves."""
    left: float
    """The box itself."""
    join: float
    """The sum."""
    end: float


def part_width(part: Part) -> float:
    """The width of a bar or of a sign."""
    return thickness(part) if isinstance(part, Layer) else sign_width(part)


def thickness(layer: Layer) -> float:
    """A bar is as thick as its kernel is wide on the last axis, and thicker where its taps stand
    apart."""
    if layer.kind == "parameter":
        return 2.0
    if layer.kind == "zero_pad":
        return 5.0
    kernel = _last(layer.kernel)
    thick = min(1.0 + 2.0 * kernel, 16.0) if kernel > 1 else 3.0
    return thick + 3.0 * log2(_last(layer.dilation))


def _last(value: Axes) -> int:
    return value if isinstance(value, int) else value[-1]


def draw_box(pen: Pen, box: Box, x: float, axis: float) -> None:
    """Draw ``box`` from ``x`` on, around the height ``axis``; its shortcut over it."""
    pen.open(f"{MARK} {box.title}" if box.marked else box.title)
    wiring, places = box.wiring, box.places
    left = x + places.left
    if box.form == "dots":
        _dots(pen, left + box.width / 2, axis)
    if box.form == "box":
        for step in range(SHEETS if box.copies > 1 else 0, 0, -1):
            _body(pen, box, left + SHEET[0] * step, axis - SHEET[1] * step, box.tone)
        _body(pen, box, left, axis, box.tone)
        _parts(pen, box, left, axis)
    if wiring.line is not None:
        top = axis - max(box.heights) / 2 - ARC - box.rise
        draw_arc(pen, wiring, x + places.fork, x + places.join, top, axis)
    draw_signs(pen, wiring.before, x + 2, axis)
    draw_signs(pen, wiring.entry, x + places.fork + 4, axis)
    draw_signs(pen, wiring.end, left + box.width + box.behind + 4, axis)
    draw_signs(pen, wiring.after, x + places.join + 8, axis)
    if box.copies > 1:
        draw_badge(pen, f"×{box.copies}", left + box.width / 2, axis + max(box.heights) / 2)
    if box.marked:
        draw_badge(pen, MARK, left + box.width / 2, axis - sum(box.heights) / 4)
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
    pen.path(outline, stroke=box.colour, stroke_width=3.0 if box.marked else 1.4)


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


def _parts(pen: Pen, box: Box, left: float, axis: float) -> None:
    """The bars and the signs between them."""
    shown = box.parts[:MAX_PARTS]
    widest = max([box.in_channels, *(layer.out_channels for layer in box.layers[:MAX_PARTS])])
    used = sum(map(part_width, shown)) + 3.0 * (len(shown) - 1)
    x = left + (box.width - used) / 2
    for layer in shown:
        if isinstance(layer, Sign):
            draw_signs(pen, (layer,), x, axis)
            x += sign_width(layer) + 3.0
            continue
        thick = thickness(layer)
        x += thick / 2
        along = (x - left) / box.width
        room = box.heights[0] + (box.heights[1] - box.heights[0]) * along - 14
        # A fifth shorter for each halving of the channels.
        height = room * max(0.25, 1 - 0.2 * log2(widest / layer.out_channels))
        draw_bar(pen, layer, x, axis, height, box.colour)
        x += thick / 2 + 3.0


def draw_bar(pen: Pen, layer: Layer, x: float, axis: float, height: float, colour: str) -> None:
    """One layer: solid; in pieces where it is grouped, a comb where its taps stand apart; hollow
    where it has no weights."""
    top, bottom = axis - height / 2, axis + height / 2
    thick = thickness(layer)
    left = x - thick / 2
    if layer.kind in HOLLOW:
        dash = HOLLOW[layer.kind]
        more = {"stroke_dasharray": dash} if dash else {}
        pen.rect(left + 0.6, top, thick - 1.2, height, stroke=colour, rx=1.5, **more)
        return
    taps = _last(layer.kernel) if _last(layer.dilation) > 1 else 1
    width = thick if taps == 1 else 2.0
    step = (thick - width) / max(1, taps - 1)
    middles = [left + width / 2 + step * tap for tap in range(taps)]
    more = {"stroke_dasharray": "5 2"} if layer.groups > 1 else {}
    pen.path(
        "".join(f"M{middle:.2f} {top:.2f}V{bottom:.2f}" for middle in middles),
        stroke=colour,
        stroke_width=width,
        stroke_linecap="butt",
        **more,
    )


def _dots(pen: Pen, x: float, axis: float) -> None:
    pen.rect(x - 15, axis - 8, 30, 16, "paper")
    for step in (-8.0, 0.0, 8.0):
        pen.circle(x + step, axis, 2.2, "wire")


def draw_badge(pen: Pen, text: str, x: float, y: float) -> None:
    """A dark plate with ``text``, around ``(x, y)``."""
    width = badge_width(text)
    pen.rect(x - width / 2, y - 9, width, 18, "ink", "paper", rx=9, stroke_width=1.5)
    pen.text(x, y + 4.4, text, 12.5, "paper", text_anchor="middle", font_weight=700)


def badge_width(text: str) -> float:
    return 12.0 + 7.5 * len(text)


def tone_of(channels: int, fewest: int, most: int) -> float:
    """Where ``channels`` stands between the fewest and the most, in octaves."""
    return 0.5 if fewest == most else log2(channels / fewest) / log2(most / fewest)


def height_of(size: Size, largest: Size) -> float:
    """A map's height on paper: 24 less for each halving of its sides, down to 36."""
    octaves = log2(prod(largest) / prod(size)) / len(size)
    return max(36.0, 144.0 - 24.0 * octaves)
