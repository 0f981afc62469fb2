"""``resforge sweep run`` and ``resforge report``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ..errors import printable
from .exits import Exit
from .options import Json
from .output import say, tell, tell_json, tell_table

if TYPE_CHECKING:
    from ..ablation import ArmRow


def run_file(
    file: Annotated[str, Parameter(help="The sweep's .yaml or .json file.")],
    /,
    *,
    out: Annotated[Path, Parameter(metavar="DIR", help="Folder for the results.")],
    workers: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=1),
            help="Number of trials at once, each on one thread; default: one for each core or GPU.",
        ),
    ] = None,
    engine: Annotated[
        Literal["process", "inline", "ray"],
        Parameter(
            help="Where trials run: in processes on this machine, in this process (for debugging), "
            "or on a Ray cluster, which RAY_ADDRESS names or which is started on this machine. "
            "The results are the same.",
        ),
    ] = "process",
    device: Annotated[
        str,
        Parameter(
            help="Device that trials are trained on: cpu, or an accelerator such as cuda, mps or"
            " xpu; auto is the accelerator if there is one, with one GPU for each trial.",
        ),
    ] = "auto",
    json: Json = False,
) -> Exit:
    """Train the missing trials of a sweep, then write and print the comparison.

    The same command resumes a run that was stopped or killed. Exits with 1 if
    trials failed.
    """
    from ..ablation import expand_sweep, progress_on, read_sweep, run_sweep
    from ..ablation.planning.preview import sweep_warnings

    sweep = read_sweep(file)
    for warning in sweep_warnings(sweep, expand_sweep(sweep)):
        say(f"warning: {printable(warning)}")
    summary = run_sweep(sweep, out, workers, progress_on(), engine=engine, device=device)
    counts = f"{summary.finished} of {summary.total} trials recorded in {printable(str(out))}"
    if summary.interrupted:
        words = ["resforge", "sweep", "run", file, "--out", str(out)]
        words += ["--workers", str(workers)] if workers is not None else []
        words += ["--engine", engine] if engine != "process" else []
        words += ["--device", device] if device != "auto" else []
        again = shlex.join([*words, "--json"] if json else words)
        say(f"interrupted: {counts}; to resume: {printable(again)}")
        return Exit.INTERRUPTED
    _print_comparison(out, json)
    say(f"{counts}, {summary.ran} of them now; open {printable(str(out / 'report.html'))}")
    return Exit.DIFFERENT if summary.failed else Exit.OK


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
        rows = _print_comparison(folder, json)
        say(f"wrote {printable(' and '.join(map(str, written)))}")
    failed = any(row.failed or row.crashed or row.timed_out for row in rows)
    return Exit.DIFFERENT if failed else Exit.OK


#: Number of comparisons that are also stated in sentences.
_STATED = 12


def _print_comparison(folder: Path, json: bool) -> Sequence[ArmRow]:
    """Print the tables of arms and comparisons, and the verdicts."""
    from ..ablation import compare, compare_pairs, read_records, state_verdict
    from ..ablation.published import footnotes
    from ..ablation.reporting.formats import as_tree
    from ..ablation.reporting.table import COMPARED, cells, comparison_cells, headings

    records = read_records(folder)
    rows, papers, compared = compare(records), records.published, compare_pairs(records)
    if records.undeclared_warning:
        say(f"warning: {printable(records.undeclared_warning)}")
    if json:
        tell_json(as_tree(records, rows, compared))
        return rows
    tell_table(
        headings(rows, papers),
        [cells(row, papers) for row in rows],
        text_columns=len(rows[0].labels),
        note_columns=1 if papers else 0,
    )
    notes = [*footnotes(papers), ""] if papers else []
    for line in ["", *notes, *state_verdict(rows, records.num_classes)]:
        tell(line)
    if compared:
        tell("")
        tell_table(COMPARED, map(comparison_cells, compared))
        tell("")
    for comparison in compared[:_STATED]:
        tell(comparison.verdict)
    return rows
