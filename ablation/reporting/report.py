"""The report: one self-contained HTML file, and its beginning as a piece of a notebook."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...files import write_whole
from ..comparing.compared import compare_pairs
from ..comparing.rows import compare
from ..results.records import Records, read_records
from . import sections
from .provenance import environments, provenance, runs_table

if TYPE_CHECKING:
    from jinja2 import Environment

REPORT_NAME = "report.html"
#: Seconds after which the page of a running sweep reloads itself.
RELOAD_SECONDS = 10


def write_report(folder: str | os.PathLike[str], running: bool = False) -> Path:
    """Write ``report.html`` beside the store in ``folder``, and return its path.

    The same records give the same bytes. While the sweep is ``running``, the page reloads itself.
    Raises ``StoreError`` where the store cannot be read or the file cannot be written. Needs
    matplotlib and jinja2, not torch.
    """
    path = Path(folder) / REPORT_NAME
    write_whole(path, render_report(read_records(folder), running))
    return path


def render_report(records: Records, running: bool = False) -> str:
    """The report as an HTML page; it reloads itself while the sweep is ``running``."""
    rows, compared = compare(records), compare_pairs(records)
    return render(
        "report.html.jinja",
        **_common(records),
        reload_seconds=RELOAD_SECONDS if running else None,
        script=sections.markup(_text("report.js")) if len(rows) > sections.UNSORTED else None,
        **sections.first(records, rows, compared),
        **sections.arms(records, rows),
        **sections.statistics(records, rows, compared),
        **sections.charts(records, rows),
        failures=sections.failed(records),
        provenance=provenance(records),
        runs=runs_table(records.runs),
        text=records.text,
    )


def render_piece(records: Records) -> str:
    """Question, answer, picture, arms and verdicts as a piece of a page, for notebooks.

    Its style holds within the piece. Needs matplotlib and jinja2.
    """
    rows, compared = compare(records), compare_pairs(records)
    return render(
        "piece.html.jinja",
        **_common(records),
        **sections.first(records, rows, compared),
        **sections.arms(records, rows),
        **sections.statistics(records, rows, compared),
    )


def _common(records: Records) -> dict[str, Any]:
    return {
        "title": records.title,
        "recorded": f"{records.finished} of {records.total} trials are recorded",
        "environments": environments(records),
    }


def render(name: str, **values: Any) -> str:
    """One of the templates beside this file, with the style sheet of the report."""
    style = sections.markup(_text("report.css"))
    return _environment().get_template(name).render(style=style, **values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
