"""What stands between and over the boxes: the lines of shortcuts, sums, and small signs."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from .signs import ACTIVATION, NORM, POOL, Signs, Wiring
from .svg import Pen

SPACE: Final = 4.0
"""Between signs."""
_WIDTHS: Final = {NORM: 12.0, ACTIVATION: 12.0, POOL: 6.0}
_HEIGHTS: Final = {NORM: 12.0, ACTIVATION: 12.0, POOL: 16.0}
# A bell and a ramp.
_CURVES: Final = {NORM: "c2.6 0 2.6 -6 4 -6s1.4 6 4 6", ACTIVATION: "h4l4 -6"}


class Line(NamedTuple):
    """How a kind of shortcut is drawn: apart from the others also without its colour."""

    colour: str
    width: float
    dash: str = "none"


LINES: Final = {
    "identity": Line("slate", 1.6),
    "projection": Line("orange", 2.8),
    "avg_projection": Line("orange", 2.8, "7 6"),
    "zero_pad": Line("purple", 2.0, "5 4"),
    "conv1x1": Line("violet", 2.2, "0.1 4.4"),
}


def sign_width(sign: str) -> float:
    return _WIDTHS.get(sign, 8.0 + 6.0 * len(sign))


def room(signs: Signs) -> float:
    """What ``signs`` take of a wire, with the space after each."""
    return sum(sign_width(sign) + SPACE for sign in signs)


def draw_signs(pen: Pen, signs: Signs, x: float, y: float, colour: str = "slate") -> None:
    """Draw ``signs`` from ``x`` on: each a small plate with a text or a curve on it."""
    for sign in signs:
        width, height = sign_width(sign), _HEIGHTS.get(sign, 15.0)
        looks = {"rx": min(3.5, width / 4), "stroke_width": 1.4, "data_sign": sign}
        pen.rect(x, y - height / 2, width, height, "paper", colour, **looks)
        middle = x + width / 2
        if sign in _CURVES:
            start = f"M{middle - 4:.2f} {y + 3:.2f}"
            pen.path(start + _CURVES[sign], stroke=colour, stroke_width=1.4)
        elif sign != POOL:
            pen.text(middle, y + 3.7, sign, 10.5, colour, text_anchor="middle", font_weight=600)
        x += width + SPACE


def draw_line(pen: Pen, line: Line, d: str, **more: Any) -> None:
    """A stretch of a shortcut."""
    if line.dash != "none":
        more["stroke_dasharray"] = line.dash
    pen.path(d, stroke=line.colour, stroke_width=line.width, **more)


def draw_arc(pen: Pen, wiring: Wiring, start: float, end: float, top: float, axis: float) -> None:
    """The shortcut from ``start`` over ``top`` to the sum at ``end``."""
    arc = (
        f"M{start:.2f} {axis:.2f}V{top + 12:.2f}Q{start:.2f} {top:.2f} {start + 12:.2f} {top:.2f}"
        f"H{end - 12:.2f}Q{end:.2f} {top:.2f} {end:.2f} {top + 12:.2f}V{axis:.2f}"
    )
    line = LINES[wiring.line]
    draw_line(pen, line, arc, data_shortcut=wiring.shortcut)
    first = (start + end - room(wiring.arc) + SPACE) / 2
    draw_signs(pen, wiring.arc, first, top, line.colour)
    pen.circle(end, axis, 5, "paper", "wire")
    pen.path(f"M{end - 3:.2f} {axis}h6m-3 -3v6", stroke="wire", stroke_width=1.3)
