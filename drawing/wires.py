"""What stands between and over the boxes: the lines of shortcuts, sums, and small signs."""

from __future__ import annotations

from typing import Any, Final

from ..specs.shortcut import Line
from .signs import ACTIVATION, NORM, POOL, Sign, Signs, Wiring
from .svg import Pen

SPACE: Final = 4.0
"""Between signs."""
_WIDTHS: Final = {NORM: 12.0, ACTIVATION: 12.0, POOL: 6.0}
_HEIGHTS: Final = {NORM: 12.0, ACTIVATION: 12.0, POOL: 16.0}
# A bell and a ramp.
_CURVES: Final = {NORM: "c2.6 0 2.6 -6 4 -6s1.4 6 4 6", ACTIVATION: "h4l4 -6"}


def sign_width(sign: Sign) -> float:
    """The width of a plate, which depends on its text: an m is nearly two letters wide."""
    text = sign.text
    return _WIDTHS.get(text, 8.0 + 6.0 * len(text) + 4.0 * text.count("m"))


def room(signs: Signs) -> float:
    """What ``signs`` take of a wire, with the space after each."""
    return sum(sign_width(sign) + SPACE for sign in signs)


def draw_signs(pen: Pen, signs: Signs, x: float, y: float, colour: str = "slate") -> None:
    """Draw ``signs`` from ``x`` on: each a small plate with a text or a curve on it."""
    for sign in signs:
        text = sign.text
        width, height = sign_width(sign), _HEIGHTS.get(text, 15.0)
        looks = {"rx": min(3.5, width / 4), "stroke_width": 1.4, "data_sign": text}
        pen.rect(x, y - height / 2, width, height, "paper", colour, **looks)
        middle = x + width / 2
        if text in _CURVES:
            start = f"M{middle - 4:.2f} {y + 3:.2f}"
            pen.path(start + _CURVES[text], stroke=colour, stroke_width=1.4)
        elif text != POOL:
            pen.text(middle, y + 3.7, text, 10.5, colour, text_anchor="middle", font_weight=600)
        x += width + SPACE


def draw_line(pen: Pen, line: Line, d: str, **more: Any) -> None:
    """A stretch of a shortcut's line."""
    if line.dash != "none":
        more["stroke_dasharray"] = line.dash
    pen.path(d, stroke=line.colour, stroke_width=line.width, **more)


def draw_arc(pen: Pen, wiring: Wiring, start: float, end: float, top: float, axis: float) -> None:
    """The shortcut from ``start`` over ``top`` to the sum at ``end``."""
    arc = (
        f"M{start:.2f} {axis:.2f}V{top + 12:.2f}Q{start:.2f} {top:.2f} {start + 12:.2f} {top:.2f}"
        f"H{end - 12:.2f}Q{end:.2f} {top:.2f} {end:.2f} {top + 12:.2f}V{axis:.2f}"
    )
    line = wiring.line
    assert line is not None
    draw_line(pen, line, arc, data_shortcut=wiring.shortcut)
    first = (start + end - room(wiring.arc) + SPACE) / 2
    draw_signs(pen, wiring.arc, first, top, line.colour)
    pen.circle(end, axis, 5, "paper", "wire")
    pen.path(f"M{end - 3:.2f} {axis}h6m-3 -3v6", stroke="wire", stroke_width=1.3)
