"""The report as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, get_args

from ...errors import ResforgeError, printable
from ...text.csv_text import as_csv
from ...text.markdown import markdown, markdown_line
from ...text.versioned import versioned
from ..comparing.compared import compare_pairs
from ..comparing.comparison import Comparison
from ..comparing.rows import ArmRow, compare
from ..comparing.searched import search_result, state_search
from ..comparing.sentences import state_rule
from ..comparing.verdict import state_verdict
from ..published import footnotes, printed, published_for
from ..results.objectives import measured_figures
from ..results.records import Records
from .report import render_report
from .table import FIGURES, PAIRED, bodies, headings, paired_cells

Format = Literal["html", "md", "latex", "csv", "json"]
_Table = tuple[Sequence[str], list[tuple[str, ...]]]

# LaTeX takes a bracket or a star after the end of a row, and a bracket after \item, for arguments.
_LATEX = {
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
    **{"±": r"$\pm$", "*": "{*}", "[": "{[}", "]": "{]}"},
    **{special: f"\\{special}" for special in "{}$&#%_"},
}


def render(records: Records, format: Format) -> str:
    """The report in ``format``: figures of arms and comparisons, and verdicts.

    ``latex`` uses plain ``tabular``, which needs no package. ``csv`` is one table, whose column
    ``kind`` is ``arm``, ``comparison`` or ``verdict``; a text that a spreadsheet would read as a
    formula is prefixed with an apostrophe. The same records give the same text. Raises
    :class:`~resforge.ResforgeError` for any other format.
    """
    if format not in get_args(Format):
        raise ResforgeError(f"format: {format!r} is not one of {', '.join(get_args(Format))}")
    if format == "html":
        return render_report(records)
    return _MAKERS[format](records, compare(records), compare_pairs(records))


def as_tree(
    records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]
) -> dict[str, Any]:
    """Verdict, arms and comparisons for JSON."""
    papers, found = records.published, search_result(records)
    return {
        "title": records.title,
        "verdict": [*state_verdict(rows, records.num_classes), *state_search(records)],
        "warnings": list(records.warnings),
        "arms": [{**row.as_dict(), "published": published_for(papers, row.arm)} for row in rows],
        "comparisons": [comparison.as_dict() for comparison in compared],
        **({"search": found.as_dict()} if found else {}),
    }


def _sentences(
    records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]
) -> list[str]:
    sentences = [
        *state_verdict(rows, records.num_classes),
        *state_search(records),
        *(c.verdict for c in compared),
    ]
    warnings = (f"{warning}." for warning in records.warnings)
    return [*(sentences or ["Nothing is recorded yet."]), *warnings]


def _tables(
    records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]
) -> Iterator[_Table]:
    """Tables of the arms and, if there are any, of the comparisons."""
    papers = records.published
    yield headings(rows, papers, training=True), bodies(rows, papers, training=True)
    if compared:
        yield PAIRED, [paired_cells(comparison) for comparison in compared]


def _is_figure(table: _Table, column: int) -> bool:
    heads, _ = table
    return column > 0 if heads is PAIRED else heads[column] in FIGURES


def _markdown(records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]) -> str:
    lines = [f"# {markdown(records.title)}", ""]
    lines += [f"- {markdown_line(text)}" for text in _sentences(records, rows, compared)]
    lines += ["", markdown(state_rule(compared)), ""]
    for table in _tables(records, rows, compared):
        heads, body = table
        sides = ["---:" if _is_figure(table, i) else ":---" for i in range(len(heads))]
        whole = [map(markdown, heads), sides, *(map(markdown, row) for row in body)]
        lines += [*(f"| {' | '.join(row)} |" for row in whole), ""]
    lines += [line for note in footnotes(records.published) for line in (markdown(note), "")]
    return "\n".join(lines[:-1]) + "\n"


def _latex(records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]) -> str:
    lines = [rf"\paragraph{{{_tex(records.title)}}}", r"\begin{itemize}"]
    lines += [rf"\item {_tex(text)}" for text in _sentences(records, rows, compared)]
    lines += [r"\end{itemize}", "", _tex(state_rule(compared)), ""]
    for table in _tables(records, rows, compared):
        heads, body = table
        sides = "".join("r" if _is_figure(table, i) else "l" for i in range(len(heads)))
        lines += [r"\begin{center}", rf"\begin{{tabular}}{{{sides}}}"]
        lines += [r"\hline", _tex_row(heads), r"\hline", *map(_tex_row, body), r"\hline"]
        lines += [r"\end{tabular}", r"\end{center}", ""]
    lines += [line for note in footnotes(records.published) for line in (_tex(note), "")]
    return "\n".join(lines[:-1]) + "\n"


def _tex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in printable(text))


def _tex_row(row: Sequence[str]) -> str:
    return rf"{' & '.join(map(_tex, row))} \\"


def _csv(records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]) -> str:
    lines = list(_csv_rows(records, rows, compared))
    columns = list(dict.fromkeys(key for line in lines for key in line))
    return as_csv([columns, *([line.get(column, "") for column in columns] for line in lines)])


def _csv_rows(
    records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]
) -> Iterator[dict[str, Any]]:
    for row in rows:
        tree = row.as_dict()
        spread, _, labels = tree.pop("test_error"), tree.pop("train_loss"), tree.pop("labels")
        training, _ = tree.pop("train_error"), tree.pop("measured")
        steps = tree.pop("steps_to")
        yield {
            "kind": "arm",
            **tree,
            "test_error": spread and spread["mean"],
            "test_error_deviation": spread and spread["deviation"],
            "train_error": training and training["mean"],
            "steps_to": steps and steps["mean"],
            **(measured_figures(row.measured) if row.measured else {}),
            "published": printed(records.published, row.arm),
            **{f"axis:{axis}": label for axis, label in labels.items()},
        }
    for comparison in compared:
        tree = comparison.as_dict()
        for counts in ("diverged", "collapsed", "failed"):
            tree[f"{counts}_of"], tree[f"{counts}_to"] = tree.pop(counts)
        shared = tree.pop("shared") or {}
        tree |= {f"shared_{name}": figure for name, figure in shared.items()}
        yield {"kind": "comparison", **tree}
    for sentence in (*state_verdict(rows, records.num_classes), *state_search(records)):
        yield {"kind": "verdict", "verdict": sentence}


def _json(records: Records, rows: Sequence[ArmRow], compared: Sequence[Comparison]) -> str:
    return json.dumps(versioned(as_tree(records, rows, compared)), indent=2, allow_nan=False) + "\n"


_MAKERS: dict[str, Callable[[Records, Sequence[ArmRow], Sequence[Comparison]], str]] = {
    "md": _markdown,
    "latex": _latex,
    "csv": _csv,
    "json": _json,
}
