"""The report: one self-contained HTML file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from ...files import write_whole
from ..comparing.paired import compare_pairs
from ..comparing.rows import Panel, compare, panels
from ..comparing.verdict import RULE, state_verdict
from ..published import footnotes
from ..results.records import Records, TrialRecord, read_records
from .chart import MAX_SERIES, Chart
from .figures import MAX_PANELS, learning_curves, series_index
from .forest import MAX_DRAWN, forest_plot
from .front import cost_chart, pareto_front
from .gradients import gradient_charts
from .networks import networks
from .population import population
from .provenance import environments, provenance, runs_table
from .table import FIGURES, PAIRED, cells, headings, paired_cells, percent

REPORT_NAME = "report.html"
#: Number of comparisons whose sentences are shown; the others are folded.
_UNFOLDED = 12


def write_report(folder: str | os.PathLike[str]) -> Path:
    """Write ``report.html`` beside the store in ``folder``, and return its path.

    The same records give the same bytes. Raises ``StoreError`` where the store cannot be read or
    the file cannot be written. Needs matplotlib and jinja2, not torch.
    """
    path = Path(folder) / REPORT_NAME
    write_whole(path, render_report(read_records(folder)))
    return path


def render_report(records: Records) -> str:
    """The report as an HTML page."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    template = files(__package__).joinpath("report.html.jinja").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    rows, compared = compare(records), compare_pairs(records)
    arm_panels = panels(rows)

    def drawn(chart: Chart | None) -> tuple[str, Markup] | None:
        # Only charts are inserted without escaping: their text is escaped already.
        return (chart.title, Markup(chart.svg)) if chart else None

    return environment.from_string(template).render(
        title=records.title,
        tested=records.tested,
        verdict=state_verdict(rows, records.num_classes) or ["Nothing is recorded yet."],
        comparisons=[comparison.verdict for comparison in compared],
        unfolded=_UNFOLDED,
        warning=records.undeclared_warning,
        rule=RULE,
        compared=PAIRED,
        differences=[paired_cells(comparison) for comparison in compared],
        forest=drawn(forest_plot(compared)),
        forest_limit=MAX_DRAWN,
        cost=drawn(cost_chart(rows)),
        front=[(row.arm, f"{row.macs:,}", percent(row.test_error)) for row in pareto_front(rows)],
        population=[drawn(chart) for chart in population(records, rows)],
        headings=headings(rows, records.published),
        figures=FIGURES,
        arms=[cells(row, records.published) for row in rows],
        footnotes=footnotes(records.published),
        networks=[(network, Markup(network.svg)) for network in networks(records)],
        series=series_index(arm_panels),
        curves_drawn=_drawn_part(arm_panels),
        curves=[drawn(chart) for chart in learning_curves(records, arm_panels)],
        gradients=[drawn(chart) for chart in gradient_charts(records, arm_panels)],
        failures=_failures(records),
        provenance=provenance(records),
        environments=environments(records),
        runs=runs_table(records.runs),
        text=records.text,
    )


def _drawn_part(arm_panels: Sequence[Panel]) -> str:
    """Part of the panels and lines that is drawn, as the end of a sentence; empty if all are."""
    series = len({name for panel in arm_panels for name in panel.rows})
    counts = (
        (len(arm_panels), MAX_PANELS, "panels"),
        (series, MAX_SERIES, "lines"),
    )
    parts = [f"the first {most} of {count} {noun}" for count, most, noun in counts if count > most]
    return " and ".join(parts)


def _failures(records: Records) -> list[tuple[str, TrialRecord]]:
    """Trials without a test error, each with the name of its arm."""
    return [
        (arm, trial)
        for arm, trials in records.trials.items()
        for trial in trials
        if trial.outcome.status != "done"
    ]
