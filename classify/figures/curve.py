"""The learning curve of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...drawing.canvas import BLUE, ORANGE, write_figure
from ..runs.record import Epoch, best

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_curve(path: Path, history: Sequence[Epoch]) -> None:
    """Write the loss and the accuracy of each epoch as a figure; the best epoch is marked."""
    numbers = [epoch.epoch for epoch in history]
    best_epoch = best([*history])

    def paint(figure: Figure) -> None:
        from matplotlib.ticker import MaxNLocator

        left, right = figure.subplots(1, 2)
        marker = "o" if len(numbers) < 30 else ""
        for label, colour, values in (
            ("training", BLUE, [epoch.train_loss for epoch in history]),
            ("validation", ORANGE, [epoch.val_loss for epoch in history]),
        ):
            left.plot(
                numbers, values, color=colour, label=label, linewidth=1.5, marker=marker, ms=3
            )
        left.set(title="loss", xlabel="epoch")
        left.set_ylim(bottom=0)
        left.legend(frameon=False)
        accuracies = [100 * epoch.val_accuracy for epoch in history]
        right.plot(numbers, accuracies, color=ORANGE, linewidth=1.5, marker=marker, ms=3)
        right.plot(
            best_epoch.epoch,
            100 * best_epoch.val_accuracy,
            "o",
            ms=9,
            mfc="none",
            mec=ORANGE,
            label=f"best: {100 * best_epoch.val_accuracy:.2f}% at epoch {best_epoch.epoch}",
        )
        right.set(title="validation accuracy, %", xlabel="epoch")
        right.legend(frameon=False, loc="lower right")
        for axes in (left, right):
            axes.grid()
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))

    write_figure(path, (8.0, 3.0), paint)
