"""What the signs of a picture mean: only of those that are in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from ..plan import Plan
from ..trace import Layer
from .glyphs import draw_bar, draw_label, draw_line, line_of, main_path, on_arc, thickness
from .svg import Pen, width_of

SIZE: Final = 12.5
ROW: Final = 26.0


class Entry(NamedTuple):
    """A sign and its meaning."""

    text: str
    shortcut: str | None = None
    """The shortcut whose line is the sign, and what is written on it."""
    label: str = ""
    layer: Layer | None = None
    """The layer whose bar is the sign."""

    @property
    def sign(self) -> float:
        """How wide the sign is."""
        if self.shortcut is not None:
            return 38.0
        return thickness(self.layer) if self.layer else 0.0

    @property
    def width(self) -> float:
        return self.sign + 7 + 0.9 * width_of(self.text, SIZE) + 14


def entries(plan: Plan) -> list[Entry]:
    """The signs of ``plan``, shortcuts first.

    >>> import resforge as rf
    >>> [entry.text for entry in entries(rf.plan(rf.load("resnet50")))][:5]
    ['projection shortcut', 'identity shortcut', 'conv 1×1', 'conv 3×3', 'conv 7×7']
    """
    blocks = {block.shortcut.kind: block for stage in plan.stages for block in stage}
    found = [
        Entry(f"{kind} shortcut", kind, on_arc(block.layers))
        for kind, block in blocks.items()
        if kind != "none"
    ]
    if "none" in blocks:
        found.append(Entry("no shortcut" if found else "no shortcuts"))
    bars = {_sort(layer): layer for layer in main_path(plan.layers) if layer.kind != "linear"}
    found += [Entry(text, layer=bars[order, text]) for order, text in sorted(bars)]
    return [*found, Entry("height: size of the map; tone: channels")]


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
    if entry.shortcut is not None:
        style = line_of(entry.shortcut)
        draw_line(pen, style, f"M{x:.2f} {y:.2f}h38")
        if entry.label:
            draw_label(pen, style, entry.label, x + 19, y)
    elif entry.layer is not None:
        layer, thick = entry.layer, entry.sign
        draw_bar(pen, layer.kind, layer.groups, x + thick / 2, y, thick, 18, "slate")


def _sort(layer: Layer) -> tuple[int, str]:
    """Where a bar stands in the legend, and what it is called there."""
    if layer.kind == "conv":
        name = f"conv {layer.kernel}×{layer.kernel}" + (" in groups" if layer.groups > 1 else "")
        return layer.kernel, name
    if layer.kind.endswith("_pool"):
        return 1_000, "pool"
    return 1_001, layer.kind.replace("_", " ")
