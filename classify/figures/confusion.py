"""The confusion matrix as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...drawing.canvas import INK, RULE, write_figure
from ..evaluation import Evaluation
from .predictions import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Largest numbers of classes with a number in each cell, and with a name for each class.
NUMBERED, NAMED = 20, 60


def write_confusion(path: Path, evaluation: Evaluation, classes: Sequence[str]) -> None:
    """Write the confusion matrix: a row for each actual class, in fractions of it.

    The recall of each class stands beside its row, the precision above its column.
    """
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
                    number = int(counts[row, column])
                    dark = fractions[row, column] > 0.5
                    colour = "white" if dark else INK if number else RULE
                    axes.text(
                        column, row, str(number), ha="center", va="center", color=colour,
                        fontsize=7,
                    )  # fmt: skip
            _add_rates(axes, evaluation)
        if count <= NAMED:
            names, size = [shortened(name) for name in classes], 8 if count <= NUMBERED else 6
            axes.set_xticks(range(count), names, rotation=90, fontsize=size)
            axes.set_yticks(range(count), names, fontsize=size)
        axes.tick_params(length=0)
        axes.set(xlabel="predicted class", ylabel="actual class")
        title = f"accuracy {100 * evaluation.accuracy:.2f}% of {evaluation.count:,} pictures"
        axes.set_title(title, fontsize=10)
        bar = figure.colorbar(image, ax=axes, shrink=0.6, label="fraction of the actual class")
        bar.outline.set_visible(False)

    write_figure(path, (side + 0.8, side), paint)


def _add_rates(axes: Axes, evaluation: Evaluation) -> None:
    """Add the recall and the precision of each class as axes of their own."""
    rates = evaluation.per_class()
    right, top = axes.secondary_yaxis("right"), axes.secondary_xaxis("top")
    right.set_yticks(range(len(rates)), [_percent(recall) for _, recall, _ in rates], fontsize=7)
    top.set_xticks(
        range(len(rates)), [_percent(precision) for *_, precision in rates], fontsize=7, rotation=90
    )
    right.set_ylabel("recall")
    top.set_xlabel("precision")
    for side in (right, top):
        side.tick_params(length=0)
        for spine in side.spines.values():
            spine.set_visible(False)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f}%"
