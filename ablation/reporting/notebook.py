"""Notebook views of a sweep's results and of a comparison."""

from __future__ import annotations

from importlib.util import find_spec

from ..comparing.comparison import Comparison
from ..results.records import Records
from . import sections
from .forest import forest_plots
from .report import render, render_piece
from .table import PAIRED, paired_cells, without_empty


def to_html(records: Records) -> str | None:
    """Question, answer, picture, arms and verdicts as a piece of a page.

    None where matplotlib or jinja2 is missing: the notebook then shows the plain text.
    """
    return render_piece(records) if _drawable() else None


def comparison_to_html(comparison: Comparison) -> str | None:
    """Verdict, interval and figures of one comparison as a piece of a page; None as above."""
    if not _drawable():
        return None
    heads, rows, _ = without_empty(PAIRED, [paired_cells(comparison)])
    return render(
        "comparison.html.jinja",
        verdict=comparison.verdict,
        charts=[sections.markup(chart.svg) for chart in forest_plots([comparison])],
        heads=heads,
        rows=rows,
    )


def _drawable() -> bool:
    return all(find_spec(name) for name in ("matplotlib", "jinja2"))
