"""Learning curves as SVG that takes its colours from the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .panels import Panel
from .records import Records, TrialRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of the page's style sheet that a series can have: ``--series-0`` and on.
SERIES_COLOURS = 8
_INK, _GRID = "#010203", "#040506"
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _GRID,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.5,
}
#: Panels drawn; a page of hundreds of charts is read by nobody.
MAX_PANELS = 24
_Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One small chart; ``svg`` is an element to stand in a page, ``title`` its caption."""

    title: str
    svg: str


def learning_curves(records: Records, found: Sequence[Panel]) -> list[Figure]:
    """Two charts for each panel: training loss and test error against steps.

    A thin line for each seed and a thick one for their mean. All charts of one quantity share
    their axes, so that panels can be compared. Needs matplotlib.
    """
    names = list(dict.fromkeys(name for panel in found for name in panel.rows))
    trials = [trial for group in records.trials.values() for trial in group]
    steps = max((trial.outcome.steps for trial in trials), default=0) or 1
    if not any(trial.outcome.train_curve for trial in trials):
        return []
    losses = [y for trial in trials for _, y in _losses(trial) if y > 0]
    loss_limits = (min(losses, default=0.1) / 1.5, max(losses, default=1.0) * 1.2)
    figures = []
    for panel in found[:MAX_PANELS]:
        head = f"{panel.heading}: " if panel.heading else ""
        curves = {
            name: (names.index(name), records.trials[row.arm]) for name, row in panel.rows.items()
        }
        loss = _chart(f"{head}loss", curves, _losses, (0, steps), loss_limits, "training loss")
        figures.append(Figure(f"{head}training loss", loss))
        error = _chart(f"{head}error", curves, _errors, (0, steps), (0, 100), "test error, %")
        figures.append(Figure(f"{head}test error", error))
    return figures


def series_index(found: Sequence[Panel]) -> dict[str, int]:
    """Each series' number, the same in every panel: it picks colour and dashes."""
    names = dict.fromkeys(name for panel in found for name in panel.rows)
    return {name: index for index, name in enumerate(names)}


def _losses(trial: TrialRecord) -> _Points:
    return trial.outcome.train_curve


def _errors(trial: TrialRecord) -> _Points:
    return tuple((step, 100 * error) for step, error, _ in trial.outcome.test_curve)


def _chart(
    salt: str,
    curves: dict[str, tuple[int, tuple[TrialRecord, ...]]],
    points: Any,
    x_limits: tuple[float, float],
    y_limits: tuple[float, float],
    label: str,
) -> str:
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    # The salt makes ids that differ from chart to chart, and are the same each time.
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        canvas = Canvas(figsize=(4.2, 2.7), layout="constrained")
        axes = canvas.add_subplot()
        if label == "training loss":
            axes.set_yscale("log")
        axes.set(xlim=x_limits, ylim=y_limits, xlabel="step", ylabel=label)
        for index, trials in curves.values():
            _draw(axes, index, [points(trial) for trial in trials])
        text = io.StringIO()
        canvas.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _inline(text.getvalue(), salt)


def _draw(axes: Axes, index: int, curves: list[_Points]) -> None:
    colour = _placeholder(index % SERIES_COLOURS)
    dashes = _DASHES[index // SERIES_COLOURS % len(_DASHES)]
    for curve in curves:
        if curve:
            axes.plot(*zip(*curve, strict=True), color=colour, linewidth=0.6, alpha=0.45)
    mean = _mean(curves)
    if mean:
        marker = "." if len(mean) < 20 else ""
        axes.plot(
            *zip(*mean, strict=True), color=colour, linewidth=1.7, linestyle=dashes, marker=marker
        )


def _mean(curves: list[_Points]) -> _Points:
    """The mean at each step over the curves that reach it."""
    at: dict[float, list[float]] = {}
    for curve in curves:
        for x, y in curve:
            at.setdefault(x, []).append(y)
    return tuple((x, sum(ys) / len(ys)) for x, ys in sorted(at.items()))


def _placeholder(index: int) -> str:
    return f"#0a0b{index:02x}"


def _inline(svg: str, salt: str) -> str:
    """The ``<svg>`` element alone, scaling to its box, colours given to the style sheet."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    # Ids of groups are plain names and would stand once for each chart; nothing points at them.
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = svg.replace(_INK, "var(--ink-soft)").replace(_GRID, "var(--rule)")
    return re.sub(r"#0a0b0([0-7])", r"var(--series-\1)", svg)
