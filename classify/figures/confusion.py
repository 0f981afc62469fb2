"""The confusion matrix as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...drawing.canvas import INK, write_figure
from ..evaluation import Evaluation
from .predictions import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Largest numbers of classes with a number in each cell, and with a name for each class.
NUMBERED, NAMED = 20, 60


def write_confusion(path: Path, evaluation: Evaluation, classes: Sequence[str]) -> None:
    """Write the confusion matrix: a row for each true class, in fractions of it."""
    counts = evaluation.confusion.double()
    fractions = (counts / counts.sum(dim=1, keepdim=True).clamp(min=1)).numpy()
    count = len(classes)
    side = min(12.0, 2.2 + 0.36 * min(count, NUMBERED) + 0.1 * max(0, min(count, NAMED) - NUMBERED))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        if count <= NUMBERED:
            for row in range(count):
                for column in range(count):
                    if number := int(counts[row, column]):
                        dark = fractions[row, column] > 0.5
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
        axes.set(xlabel="predicted class", ylabel="true class")
        title = f"accuracy {100 * evaluation.accuracy:.2f}% of {evaluation.count:,} pictures"
        axes.set_title(title, fontsize=10)
        bar = figure.colorbar(image, ax=axes, shrink=0.6, label="fraction of the class")
        bar.outline.set_visible(False)

    write_figure(path, (side + 0.8, side), paint)
