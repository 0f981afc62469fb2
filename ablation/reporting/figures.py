"""Curves of the arms: a panel for each label of the first axis, a line for each series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from ..comparing.rows import Panel
from ..results.records import Records, TrialRecord
from .chart import MAX_SERIES, Chart, Points, draw, draw_curves, log_ticks, values_by_x

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Most panels that are drawn; nobody reads a page of hundreds of charts.
MAX_PANELS = 24
_SIZE = (4.2, 2.7)  # inches
_KEY_SIZE = (5.0, 2.9)
#: Most curves of the picture that opens the report.
_KEY_SERIES = 12


class Frame(NamedTuple):
    """Axes of a chart: their labels, the limits of y, the end of x and whether y is logarithmic."""

    x: str
    y: str
    limits: tuple[float, float]
    right: float | None
    log: bool


@dataclass(frozen=True, slots=True)
class Quantity:
    """Quantity of a chart; ``curves`` maps the name of an arm to its curves, one a seed."""

    title: str
    x: str
    y: str
    curves: Callable[[str], list[Points]]
    limits: tuple[float, float]
    right: float | None = None
    """End of the x axis; None is the end of the curves."""
    log: bool = True
    figure: str = "{:.2g}"
    """Format of a value."""

    @property
    def frame(self) -> Frame:
        return Frame(self.x, self.y, self.limits, self.right, self.log)


def learning_curves(records: Records, arm_panels: Sequence[Panel]) -> list[Chart]:
    """Charts of training loss and of training, validation and test error against steps.

    One of each for each panel. The training error is that of the steps' own images; an error that
    no trial has is left out. Needs matplotlib.
    """

    def curves(points: Callable[[TrialRecord], Points]) -> Callable[[str], list[Points]]:
        return lambda arm: [points(trial) for trial in records.trials[arm]]

    trials = records.all_trials
    if not any(trial.outcome.train_curve for trial in trials):
        return []
    steps = max(trial.outcome.steps for trial in trials) or 1
    limits = log_limits(loss for trial in trials for _, loss in trial.outcome.train_curve)
    loss = Quantity("training loss", "step", "training loss", curves(_losses), limits, steps)

    def error(part: str, points: Callable[[TrialRecord], Points]) -> Quantity:
        shown = (f"{part} error", "step", f"{part} error, %", curves(points), (0, 100), steps)
        return Quantity(*shown, log=False, figure="{:.1f}")

    parts = {
        "training": _train_errors,
        "validation": _validation_errors,
        "test": _test_errors,
    }
    known = [
        error(part, points)
        for part, points in parts.items()
        if part == "test" or any(map(points, trials))
    ]
    return draw_panels(arm_panels, (loss, *known))


def key_panel(arm_panels: Sequence[Panel]) -> Panel | None:
    """The panel whose arms part most: the one with the widest range of mean test errors.

    None where no panel has two test errors, or one has too many arms to tell its curves apart.
    """
    ranges = []
    for panel in arm_panels:
        means = [row.test_error.mean for row in panel.rows.values() if row.test_error]
        if len(means) > 1:
            ranges.append((max(means) - min(means), panel))
    if not ranges:
        return None
    widest = max(ranges, key=lambda pair: pair[0])[1]
    return widest if len(widest.rows) <= _KEY_SERIES else None


def key_chart(records: Records, arm_panels: Sequence[Panel]) -> Chart | None:
    """Test error against steps in the panel whose arms part most. Needs matplotlib."""
    panel = key_panel(arm_panels)
    if panel is None:
        return None
    trials = [t.outcome for row in panel.rows.values() for t in records.trials[row.arm]]
    steps = max((outcome.steps for outcome in trials), default=1) or 1
    top = max((100 * point[1] for o in trials for point in o.test_curve), default=100.0)
    quantity = Quantity(
        "test error of the arms",
        "step",
        "test error, %",
        lambda arm: [_test_errors(trial) for trial in records.trials[arm]],
        (0, min(100.0, 1.05 * top) or 1.0),
        steps,
        log=False,
        figure="{:.1f}",
    )
    return _panel_chart(panel, quantity, series_index(arm_panels), _KEY_SIZE)


def draw_panels(arm_panels: Sequence[Panel], quantities: Sequence[Quantity]) -> list[Chart]:
    """One chart for each panel and quantity: the mean over seeds, with a band of their range.

    A panel without a point is left out. All charts of one quantity have the same limits, so that
    panels can be compared.
    """
    numbers = series_index(arm_panels)
    return [
        _panel_chart(panel, quantity, numbers, _SIZE)
        for panel in arm_panels[:MAX_PANELS]
        for quantity in quantities
        if any(any(quantity.curves(row.arm)) for row in panel.rows.values())
    ]


def _panel_chart(
    panel: Panel, quantity: Quantity, numbers: dict[str, int], size: tuple[float, float]
) -> Chart:
    series = {name: quantity.curves(row.arm) for name, row in panel.rows.items() if name in numbers}
    title = f"{panel.heading}{panel.heading and ': '}{quantity.title}"
    numbered = {numbers[name]: curves for name, curves in series.items()}
    return draw(
        title, _description(quantity, series), size, partial(_paint, numbered, quantity.frame)
    )


def series_index(arm_panels: Iterable[Panel]) -> dict[str, int]:
    """Number of each series, the same in every panel, which gives its colour and dashes.

    Series beyond :data:`MAX_SERIES` are left out.
    """
    names = dict.fromkeys(name for panel in arm_panels for name in panel.rows)
    return {name: index for index, name in zip(range(MAX_SERIES), names, strict=False)}


def log_limits(values: Iterable[float]) -> tuple[float, float]:
    """Limits of a logarithmic axis with a margin; values that are not positive are ignored."""
    shown = [value for value in values if value > 0] or [1.0]
    return min(shown) / 1.5, max(shown) * 1.2


def _paint(series: dict[int, list[Points]], frame: Frame, axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    if frame.log:
        axes.set_yscale("log")
        log_ticks(axes.yaxis)
    draw_curves(axes, series)
    axes.set(ylim=frame.limits, xlabel=frame.x, ylabel=frame.y)
    if frame.right is not None:
        axes.set_xlim(0, 1.02 * frame.right)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=(1, 2, 5, 10), integer=True))


def _description(quantity: Quantity, series: dict[str, list[Points]]) -> str:
    """Text alternative of a chart: the first and the last value of each series."""
    ends = []
    for name, curves in series.items():
        means = [fmean(ys) for ys in values_by_x(curves).values()]
        if means:
            first, last = (quantity.figure.format(y) for y in (means[0], means[-1]))
            ends.append(f"{name} {first}, {last}")
    subject = f"{quantity.y} against {quantity.x}, mean over seeds"
    return f"{subject}, at the left end and at the right: {'; '.join(ends) or 'nothing yet'}."


def _losses(trial: TrialRecord) -> Points:
    return trial.outcome.train_curve


def _train_errors(trial: TrialRecord) -> Points:
    return [(step, 100 * error) for step, error in trial.outcome.train_errors]


def _test_errors(trial: TrialRecord) -> Points:
    return [(step, 100 * error) for step, error, _ in trial.outcome.test_curve]


def _validation_errors(trial: TrialRecord) -> Points:
    return [(step, 100 * error) for step, error, _ in trial.outcome.validation_curve]
