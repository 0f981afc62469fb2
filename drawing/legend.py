"""What the signs of a picture mean: only of those that are in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ..specs.axes import largest, number_text, sides_text
from ..specs.layer import Layer
from ..specs.operation import OPERATIONS
from ..specs.shortcut import Line
from .glyphs import Box, badge_width, draw_badge, draw_bar, thickness
from .marks import MARK
from .signs import POOL, Sign, Signs, Wiring
from .svg import Pen, width_of
from .wires import SPACE, draw_line, draw_signs, room

SIZE: Final = 12.5
ROW: Final = 26.0
_POOL: Final = 1_000, "pool"


class Entry(NamedTuple):
    """A sign and its meaning."""

    text: str
    line: Line | None = None
    """The line that is the sign, with the signs on it."""
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
    found = _of_arcs(wirings)
    joins = dict.fromkeys(wiring.legend for wiring in wirings if wiring.legend)
    found += [Entry(text) for text in joins]
    signs = [sign for box in boxes for sign in box.signs]
    # On an arc a sign may be explained by the name of the shortcut.
    signs += [sign for each in wirings for sign in each.arc if sign.legend not in each.name]
    found += _of_signs(sign for sign in signs if sign.text != POOL)
    layers = [layer for box in boxes for layer in box.layers if layer.kind != "linear"]
    bars = {_sort(layer): Entry(_sort(layer)[1], layer=layer) for layer in layers}
    pools = [sign for sign in signs if sign.text == POOL]
    if pools:
        bars.setdefault(_POOL, Entry("pool", signs=(pools[0],)))
    found += [bars[key] for key in sorted(bars)]
    if any(box.marked for box in boxes):
        found.append(Entry("not so in the other network", badge=MARK))
    return [*found, Entry("height: size of the map; tone: channels")]


def _of_arcs(wirings: Sequence[Wiring]) -> list[Entry]:
    """The lines of shortcuts, of each kind with the signs of the fullest arc: not all pool."""
    arcs: dict[str, Wiring] = {}
    for wiring in wirings:
        if wiring.line is not None:
            fullest = arcs.get(wiring.name, wiring)
            arcs[wiring.name] = max(fullest, wiring, key=lambda each: len(each.arc))
    found = [
        Entry(f"{name} shortcut", each.line, () if each.arcs_differ else each.arc)
        for name, each in arcs.items()
    ]
    if any(wiring.line is None for wiring in wirings):
        found.append(Entry("no shortcut" if found else "no shortcuts"))
    return found


def _of_signs(signs: Iterable[Sign]) -> list[Entry]:
    """The meanings of signs, in the order in which the language has its operations."""
    found = {sign.legend: sign.short for sign in signs if sign.legend}
    known = [op.legend for op in OPERATIONS.values() if op.legend in found]
    return [Entry(text, signs=(Sign(found[text]),)) for text in dict.fromkeys([*known, *found])]


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
        draw_line(pen, entry.line, f"M{x:.2f} {y:.2f}h{entry.sign:g}")
        start = x + (entry.sign - room(entry.signs) + SPACE) / 2
        draw_signs(pen, entry.signs, start, y, entry.line.colour)
    elif entry.layer is not None:
        draw_bar(pen, entry.layer, x + entry.sign / 2, y, 18, "slate")
    else:
        draw_signs(pen, entry.signs, x, y)


def _sort(layer: Layer) -> tuple[int, str]:
    """Where a bar stands in the legend, and what it is called there."""
    if layer.kind == "conv":
        name = f"conv {sides_text(layer.kernel, layer.dims, '×')}"
        name += " in groups" if layer.groups > 1 else ""
        name += f", dilation {number_text(layer.dilation)}" if layer.dilation != 1 else ""
        return largest(layer.kernel), name
    if layer.kind.endswith("_pool"):
        return _POOL
    return 1_001, layer.kind.replace("_", " ")
