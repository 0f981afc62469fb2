"""What the signs of a picture mean: only of those that are in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ..specs.trace import Layer
from .glyphs import Box, badge_width, draw_badge, draw_bar, thickness
from .marks import MARK
from .signs import ACTIVATION, NORM, POOL, Signs, Wiring
from .svg import Pen, width_of
from .wires import LINES, SPACE, draw_line, draw_signs, room

SIZE: Final = 12.5
ROW: Final = 26.0
_SIGNS: Final = {
    NORM: "norm",
    ACTIVATION: "activation",
    "se": "squeeze and excitation",
    "eca": "efficient channel attention",
    "attention": "attention",
}
_POOL: Final = 1_000, "pool"


class Entry(NamedTuple):
    """A sign and its meaning."""

    text: str
    line: str | None = None
    """The shortcut whose line is the sign, with what stands on it."""
    signs: Signs = ()
    layer: Layer | None = None
    """The layer whose bar is the sign."""
    badge: str = ""

    @property
    def sign(self) -> float:
        """How wide the sign is."""
        if self.badge:
            return badge_width(self.badge)
        if self.line is not None:
            return max(38.0, room(self.signs) + 22.0)
        return thickness(self.layer) if self.layer else max(0.0, room(self.signs) - SPACE)

    @property
    def width(self) -> float:
        return self.sign + 7 + 0.9 * width_of(self.text, SIZE) + 14


def entries(boxes: Sequence[Box]) -> list[Entry]:
    """The signs of ``boxes``, shortcuts first.

    >>> import resforge as rf
    >>> from resforge.drawing.scene import Scene
    >>> boxes = Scene(rf.plan(rf.load("resnet50"))).boxes
    >>> [entry.text for entry in entries(boxes)][:5]
    ['projection shortcut', 'identity shortcut', 'conv 1×1', 'conv 3×3', 'conv 7×7']
    """
    wirings = [box.wiring for box in boxes if box.wiring.shortcut]
    arcs: dict[str, Wiring] = {}
    for wiring in wirings:
        text = _shortcut_text(wiring)
        # Of each kind the fullest arc: not all of them pool.
        arcs[text] = max(arcs.get(text, wiring), wiring, key=lambda each: len(each.arc))
    plain = arcs.pop("none shortcut", None)
    found = [Entry(text, wiring.line, wiring.arc) for text, wiring in arcs.items()]
    if plain:
        found.append(Entry("no shortcut" if found else "no shortcuts"))
    if any(wiring.shortcut == "gate" for wiring in wirings):
        found.append(Entry("g = sigmoid(conv 1×1)"))
    signs = {sign for box in boxes for sign in box.wiring.on_wire}
    found += [Entry(text, signs=(sign,)) for sign, text in _SIGNS.items() if sign in signs]
    layers = [layer for box in boxes for layer in box.layers if layer.kind != "linear"]
    bars = {_sort(layer): Entry(_sort(layer)[1], layer=layer) for layer in layers}
    if any(POOL in wiring.arc for wiring in wirings):
        bars.setdefault(_POOL, Entry("pool", signs=(POOL,)))
    found += [bars[key] for key in sorted(bars)]
    if any(box.marked for box in boxes):
        found.append(Entry("not so in the other network", badge=MARK))
    return [*found, Entry("height: size of the map; tone: channels")]


def _shortcut_text(wiring: Wiring) -> str:
    if wiring.shortcut in (wiring.line, "none"):
        return f"{wiring.shortcut} shortcut"
    return f"{wiring.shortcut} of {wiring.line} shortcut"


def rows_of(found: Iterable[Entry], width: float) -> list[list[Entry]]:
    """The entries in lines no wider than ``width``."""
    lines: list[list[Entry]] = [[]]
    for entry in found:
        if lines[-1] and sum(each.width for each in lines[-1]) + entry.width > width:
            lines.append([])
        lines[-1].append(entry)
    return lines


def draw_legend(pen: Pen, lines: Iterable[Iterable[Entry]], left: float, top: float) -> None:
    """Draw the entries from the left, line under line."""
    for row, line in enumerate(lines):
        x, y = left, top + ROW * row
        for entry in line:
            _sign(pen, entry, x, y)
            pen.text(x + entry.sign + (7 if entry.sign else 0), y + 4.2, entry.text, SIZE, "muted")
            x += entry.width


def _sign(pen: Pen, entry: Entry, x: float, y: float) -> None:
    if entry.badge:
        draw_badge(pen, entry.badge, x + entry.sign / 2, y)
    elif entry.line is not None:
        style = LINES[entry.line]
        draw_line(pen, style, f"M{x:.2f} {y:.2f}h{entry.sign:g}")
        start = x + (entry.sign - room(entry.signs) + SPACE) / 2
        draw_signs(pen, entry.signs, start, y, style.colour)
    elif entry.layer is not None:
        draw_bar(pen, entry.layer, x + entry.sign / 2, y, 18, "slate")
    else:
        draw_signs(pen, entry.signs, x, y)


def _sort(layer: Layer) -> tuple[int, str]:
    """Where a bar stands in the legend, and what it is called there."""
    if layer.kind == "conv":
        name = f"conv {layer.kernel}×{layer.kernel}"
        name += " in groups" if layer.groups > 1 else ""
        name += f", dilation {layer.dilation}" if layer.dilation > 1 else ""
        return layer.kernel, name
    if layer.kind.endswith("_pool"):
        return _POOL
    return 1_001, layer.kind.replace("_", " ")
