"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..evaluation import Evaluation
from .canvas import INK, write_figure
from .predictions import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Classes up to which each cell has its number, and each class its name.
NUMBERED, NAMED = 20, 60


def write_confusion(path: Path, found: Evaluation, classes: Sequence[str]) -> None:
    """The confusion matrix: a row for each true class, as shares of it. Needs matplotlib."""
    counts = found.confusion.double()
    shares = (counts / counts.sum(dim=1, keepdim=True).clamp(min=1)).numpy()
    count = len(classes)
    side = min(12.0, 2.2 + 0.36 * min(count, NUMBERED) + 0.1 * max(0, min(count, NAMED) - NUMBERED))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        if count <= NUMBERED:
            for row in range(count):
                for column in range(count):
                    if number := int(counts[row, column]):
                        dark = shares[row, column] > 0.5
                        colour = "white" if dark else INK
                        axes.text(
                            column, row, str(number), ha="center", va="center", color=colour,
                            fontsize=7,
                        )  # fmt: skip
        if count <= NAMED:
            names, size = [shortened(name) for name in classes], 8 if count <= NUMBERED else 6
            axes.set_xticks(range(count), names, rotation=90, fontsize=size)
            axes.set_yticks(range(count), names, fontsize=size)
        axes.tick_params(length=0)
        axes.set(xlabel="told as", ylabel="is")
        axes.set_title(f"{100 * found.accuracy:.2f}% of {found.count:,} right", fontsize=10)
        bar = figure.colorbar(image, ax=axes, shrink=0.6, label="share of the class")
        bar.outline.set_visible(False)

    write_figure(path, (side + 0.8, side), paint)
