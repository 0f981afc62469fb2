"""The learning curve of a run."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING

from ...drawing.canvas import BLUE, ORANGE, write_figure
from ..runs.record import Epoch, best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Largest loss, in medians of all losses, that a linear axis shows.
LINEAR = 10.0


def write_curve(path: Path, history: Sequence[Epoch]) -> None:
    """Write the losses and the accuracies of each epoch as a figure; the best epoch is marked.

    The axis of the losses is logarithmic where one of them would flatten the others.
    """
    best_epoch = best(history)
    losses = (
        ("training", BLUE, [epoch.train_loss for epoch in history]),
        ("validation", ORANGE, [epoch.val_loss for epoch in history]),
    )

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for label, colour, values in losses:
            _line(left, history, values, colour, label)
        left.set(title="loss", xlabel="epoch")
        if needs_logarithm([value for *_, values in losses for value in values]):
            _logarithmic(left)
        else:
            left.set_ylim(bottom=0)
        left.legend(frameon=False)
        if any(epoch.train_accuracy is not None for epoch in history):
            shown = [
                100 * (nan if epoch.train_accuracy is None else epoch.train_accuracy)
                for epoch in history
            ]
            _line(right, history, shown, BLUE, "training")
        accuracies = [100 * epoch.val_accuracy for epoch in history]
        _line(right, history, accuracies, ORANGE, "validation")
        if best_epoch is not None:
            _ring(right, best_epoch)
        right.set(title="accuracy, %", xlabel="epoch")
        right.legend(frameon=False, loc="lower right")
        _integers(left)
        _integers(right)

    write_figure(path, (8.0, 3.0), paint)


def needs_logarithm(losses: Sequence[float]) -> bool:
    """Whether the largest of ``losses`` is so far from most of them that a linear axis, which
    begins at 0, would show those as one line.

    >>> needs_logarithm([674.0, 0.9, 0.7, 0.5]), needs_logarithm([2.3, 0.9, 0.7, 0.5])
    (True, False)
    """
    shown = [loss for loss in losses if isfinite(loss) and loss > 0]
    return bool(shown) and max(shown) / LINEAR > median_low(shown)


def _line(
    axes: Axes, history: Sequence[Epoch], values: Sequence[float], colour: str, label: str
) -> None:
    numbers = [epoch.epoch for epoch in history]
    marker = "o" if len(numbers) < 30 else ""
    axes.plot(numbers, values, color=colour, label=label, linewidth=1.5, marker=marker, ms=3)


def _ring(axes: Axes, epoch: Epoch) -> None:
    """Mark the accuracy of the best epoch."""
    accuracy = 100 * epoch.val_accuracy
    label = f"best: {accuracy:.2f}% at epoch {epoch.epoch}"
    axes.plot(epoch.epoch, accuracy, "o", ms=9, mfc="none", mec=ORANGE, label=label)


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    axes.set(yscale="log", title="loss, logarithmic axis")
    # The formatter of this scale writes powers as mathematics, which the figures' style leaves out.
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _integers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.grid()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
