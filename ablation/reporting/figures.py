"""Learning curves: a band over seeds and their mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..results.records import Records, TrialRecord
from .chart import SERIES_COLOURS, Chart, draw, log_ticks, series_colour
from .panels import Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
#: Panels drawn; a page of hundreds of charts is read by nobody.
MAX_PANELS = 24
_Points = tuple[tuple[float, float], ...]


def learning_curves(records: Records, found: Sequence[Panel]) -> list[Chart]:
    """Two charts for each panel: training loss and test error against steps.

    A line for the mean over seeds, in a band from the lowest to the highest seed. All charts of
    one quantity share their axes, so that panels can be compared. Needs matplotlib.
    """
    numbers = series_index(found)
    trials = [trial for group in records.trials.values() for trial in group]
    steps = max((trial.outcome.steps for trial in trials), default=0) or 1
    if not any(trial.outcome.train_curve for trial in trials):
        return []
    losses = [y for trial in trials for _, y in _losses(trial) if y > 0]
    loss_limits = (min(losses, default=0.1) / 1.5, max(losses, default=1.0) * 1.2)
    kinds: tuple[tuple[str, Callable[[TrialRecord], _Points], str, tuple[float, float]], ...] = (
        ("training loss", _losses, "log", loss_limits),
        ("test error, %", _errors, "linear", (0, 100)),
    )

    def paint(panel: Panel, kind: int, axes: Axes) -> None:
        label, points, scale, limits = kinds[kind]
        axes.set_yscale(scale)
        if scale == "log":
            log_ticks(axes.yaxis)
        axes.set(xlim=(0, steps), ylim=limits, xlabel="step", ylabel=label)
        for name, row in panel.rows.items():
            _draw(axes, numbers[name], [points(trial) for trial in records.trials[row.arm]])

    return [
        draw(
            f"{panel.heading}{panel.heading and ': '}{label.partition(',')[0]}",
            (4.2, 2.7),
            partial(paint, panel, kind),
        )
        for panel in found[:MAX_PANELS]
        for kind, (label, *_) in enumerate(kinds)
    ]


def series_index(found: Iterable[Panel]) -> dict[str, int]:
    """Each series' number, the same in every panel: it picks colour and dashes."""
    names = dict.fromkeys(name for panel in found for name in panel.rows)
    return {name: index for index, name in enumerate(names)}


def _losses(trial: TrialRecord) -> _Points:
    return trial.outcome.train_curve


def _errors(trial: TrialRecord) -> _Points:
    return tuple((step, 100 * error) for step, error, _ in trial.outcome.test_curve)


def _draw(axes: Axes, index: int, curves: list[_Points]) -> None:
    at: dict[float, list[float]] = {}
    for curve in curves:
        for x, y in curve:
            at.setdefault(x, []).append(y)
    if not at:
        return
    steps = sorted(at)
    colour = series_colour(index)
    low, high = ([end(at[x]) for x in steps] for end in (min, max))
    axes.fill_between(steps, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(
        steps,
        [sum(at[x]) / len(at[x]) for x in steps],  # over the seeds that reach this step
        color=colour,
        linewidth=1.7,
        linestyle=_DASHES[index // SERIES_COLOURS % len(_DASHES)],
        marker="." if len(steps) < 20 else "",
    )
