"""Sections of the report, as values for its templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..comparing.answer import state_answer, state_question
from ..comparing.comparison import Comparison
from ..comparing.rows import ArmRow, Panel, panels
from ..comparing.sentences import state_rule
from ..comparing.verdict import state_verdict
from ..published import footnotes
from ..results.records import Records, TrialRecord
from .chart import MAX_SERIES, Chart
from .dots import dot_strips
from .figures import MAX_PANELS, key_chart, key_panel, learning_curves, series_index
from .forest import MAX_DRAWN, forest_plots
from .front import cost_charts
from .gradients import gradient_charts
from .networks import networks
from .population import population
from .search import search_section
from .table import FIGURES, PAIRED, bodies, headings, paired_cells, without_empty

if TYPE_CHECKING:
    from markupsafe import Markup

#: Number of comparisons whose sentences are shown; the others are folded.
_UNFOLDED = 12
#: Most arms of a table that a reader sorts and searches with the eye.
UNSORTED = 20


def markup(safe: str) -> Markup:
    """Text that is inserted without escaping: charts, whose text is escaped already."""
    from markupsafe import Markup

    return Markup(safe)


def _drawn(chart: Chart | None) -> tuple[str, Markup] | None:
    return (chart.title, markup(chart.svg)) if chart else None


def first(
    records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]
) -> dict[str, Any]:
    """Question, answer and the picture that shows it."""
    arm_panels = panels(rows)
    key = key_panel(arm_panels)
    index = series_index(arm_panels)
    return {
        "question": state_question(compared, rows),
        "answer": state_answer(compared, rows),
        "key": _drawn(key_chart(records, arm_panels)),
        "key_series": {name: index[name] for name in key.rows if name in index} if key else {},
        "tested": records.tested,
    }


def arms(records: Records, rows: Sequence[ArmRow]) -> dict[str, Any]:
    """The table of the arms, with a dot for each seed."""
    strips: dict[str, str] = {}
    for panel in panels(rows):
        arms = [row.arm for row in panel.rows.values()]
        strips |= dict(zip(arms, dot_strips([_errors(records, arm) for arm in arms]), strict=True))
    heads = list(headings(rows, records.published, training=True))
    place = heads.index("test error %") + 1
    body = [list(row) for row in bodies(rows, records.published, training=True)]
    for row, line in zip(rows, body, strict=True):
        line.insert(place, markup(strips[row.arm]))
    heads.insert(place, "seeds' errors")
    return {
        "headings": heads,
        "figures": FIGURES,
        "arms": body,
        "footnotes": footnotes(records.published),
        "panelled": len(panels(rows)) > 1,
        "searched": len(rows) > UNSORTED,
    }


def _errors(records: Records, arm: str) -> list[float]:
    errors = [trial.outcome.test_error for trial in records.trials[arm]]
    return [error for error in errors if error is not None]


def statistics(
    records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]
) -> dict[str, Any]:
    differences = [paired_cells(comparison) for comparison in compared]
    heads, body, reasons = without_empty(PAIRED, differences)
    return {
        "verdict": state_verdict(rows, records.num_classes) or ["Nothing is recorded yet."],
        "comparisons": [comparison.verdict for comparison in compared],
        "unfolded": _UNFOLDED,
        "warnings": records.warnings,
        "rule": state_rule(compared),
        "compared": heads,
        "differences": body,
        "empty_columns": reasons,
        "forests": [_drawn(chart) for chart in forest_plots(compared)],
        "forest_limit": MAX_DRAWN,
    }


def charts(records: Records, rows: Sequence[ArmRow]) -> dict[str, Any]:
    arm_panels = panels(rows)
    return {
        "costs": [(_drawn(chart), front) for chart, front in cost_charts(rows)],
        "search": _searched(records),
        "population": [_drawn(chart) for chart in population(records, rows)],
        "networks": [(network, markup(network.svg)) for network in networks(records)],
        "series": series_index(arm_panels),
        "curves_drawn": _drawn_part(arm_panels),
        "curves": [_drawn(chart) for chart in learning_curves(records, arm_panels)],
        "gradients": [_drawn(chart) for chart in gradient_charts(records, arm_panels)],
    }


def _searched(records: Records) -> dict[str, Any] | None:
    section = search_section(records)
    return section and {**section, "charts": [markup(chart.svg) for chart in section["charts"]]}


def _drawn_part(arm_panels: Sequence[Panel]) -> str:
    """Part of the panels and lines that is drawn, as the end of a sentence; empty if all are."""
    series = len({name for panel in arm_panels for name in panel.rows})
    counts = (
        (len(arm_panels), MAX_PANELS, "panels"),
        (series, MAX_SERIES, "lines"),
    )
    parts = [f"the first {most} of {count} {noun}" for count, most, noun in counts if count > most]
    return " and ".join(parts)


def failed(records: Records) -> list[tuple[str, TrialRecord]]:
    """Trials without a test error, each with the name of its arm."""
    return [
        (arm, trial)
        for arm, trials in records.trials.items()
        for trial in trials
        if trial.outcome.status not in ("done", "stopped")
    ]
