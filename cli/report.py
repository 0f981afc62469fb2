"""``resforge report``, and the tables that a run ends with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ..errors import printable
from .exits import Exit
from .options import Json, keep_inputs
from .output import say, tell, tell_json, tell_table

if TYPE_CHECKING:
    from ..ablation import ArmRow


def report(
    folder: Annotated[Path, Parameter(metavar="DIR", help="The folder given to --out.")],
    /,
    *,
    format: Annotated[
        Literal["html", "md", "latex", "csv", "json"] | None,
        Parameter(
            "--format",
            help="Print the report in this format and write no file; html, the default, is"
            " written to report.html.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Parameter("--out", metavar="FILE", help="Write the report to this file instead."),
    ] = None,
    json: Json = False,
) -> Exit:
    """Write the report and the CSV of a sweep from its results, and print the table.

    Exits with 1 if trials failed.
    """
    from ..ablation import compare, read_records, render, write_csv, write_report
    from ..ablation.results import STORE_NAME

    if out is not None:
        keep_inputs(out, folder / STORE_NAME)
    if out is not None or format not in (None, "html"):
        records = read_records(folder)
        text = render(records, format or "html")
        if out is None:
            tell(text.removesuffix("\n"))
        else:
            # Characters that UTF-8 cannot encode are escaped instead of raising an error.
            out.write_bytes(text.encode(errors="backslashreplace"))
            say(f"wrote {printable(str(out))}")
        rows: Sequence[ArmRow] = compare(records)
    else:
        written = [write_report(folder), write_csv(folder)]
        rows = print_comparison(folder, json)
        say(f"wrote {printable(' and '.join(map(str, written)))}")
    failed = any(row.failed or row.crashed or row.timed_out for row in rows)
    return Exit.DIFFERENT if failed else Exit.OK


#: Number of comparisons that are also stated in sentences.
_STATED = 12


def print_comparison(folder: Path, json: bool) -> Sequence[ArmRow]:
    """Print the tables of arms and comparisons, and the verdicts."""
    from ..ablation import compare, compare_pairs, read_records, state_verdict
    from ..ablation.comparing.searched import state_search
    from ..ablation.published import footnotes
    from ..ablation.reporting.formats import as_tree
    from ..ablation.reporting.table import COMPARED, bodies, comparison_cells, headings

    records = read_records(folder)
    rows, papers, compared = compare(records), records.published, compare_pairs(records)
    for warning in records.warnings:
        say(f"warning: {printable(warning)}")
    if json:
        tell_json(as_tree(records, rows, compared))
        return rows
    tell_table(
        headings(rows, papers),
        bodies(rows, papers),
        text_columns=len(rows[0].labels),
        note_columns=1 if papers else 0,
    )
    notes = [*footnotes(papers), ""] if papers else []
    for line in ["", *notes, *state_verdict(rows, records.num_classes), *state_search(records)]:
        tell(line)
    if compared:
        tell("")
        tell_table(COMPARED, map(comparison_cells, compared))
        tell("")
    for comparison in compared[:_STATED]:
        tell(comparison.verdict)
    return rows
