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
            help="Trials trained at once, each on one thread; by default one for each core or GPU.",
        ),
    ] = None,
    engine: Annotated[
        Literal["process", "inline", "ray"],
        Parameter(
            help="Where trials run: in processes of this machine, in this very process for "
            "debugging, or on a Ray cluster, the one that RAY_ADDRESS names or a local one. The "
            "results are the same.",
        ),
    ] = "process",
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        Parameter(
            help="What trials are trained on; auto is CUDA where there is a GPU, each trial on a"
            " GPU of its own.",
        ),
    ] = "auto",
    json: Json = False,
) -> Exit:
    """Train what is missing of a sweep, then write and print the comparison.

    Killed or stopped, the same command again does only what is missing. Exits
    with 1 where trials failed.
    """
    from ..ablation import load_sweep, progress_on, run_sweep
    from ..ablation.planning.warnings import sweep_warnings

    sweep = load_sweep(file)
    for warning in sweep_warnings(sweep):
        say(f"warning: {printable(warning)}")
    summary = run_sweep(sweep, out, workers, progress_on(), engine=engine, device=device)
    told = f"{summary.finished} of {summary.total} trials recorded in {printable(str(out))}"
    if summary.interrupted:
        words = ["resforge", "sweep", "run", file, "--out", str(out)]
        words += ["--workers", str(workers)] if workers is not None else []
        words += ["--engine", engine] if engine != "process" else []
        words += ["--device", device] if device != "auto" else []
        again = shlex.join([*words, "--json"] if json else words)
        say(f"interrupted: {told}; for the rest: {printable(again)}")
        return Exit.INTERRUPTED
    _tell(out, json)
    say(f"{told}, {summary.ran} of them now; open {printable(str(out / 'report.html'))}")
    return Exit.DIFFERENT if summary.failed else Exit.OK


def report(
    folder: Annotated[Path, Parameter(metavar="DIR", help="What --out named.")],
    /,
    *,
    format: Annotated[
        Literal["html", "md", "latex", "csv", "json"] | None,
        Parameter(
            "--format",
            help="Print the report in this format and write nothing; html, the default, is"
            " written as report.html.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Parameter("--out", metavar="FILE", help="Write the report into this file instead."),
    ] = None,
    json: Json = False,
) -> Exit:
    """Write a sweep's report and table again from its results, and print the table.

    Exits with 1 where trials failed.
    """
    from ..ablation import compare, read_records, render, write_csv, write_report

    if out is not None or format not in (None, "html"):
        records = read_records(folder)
        text = render(records, format or "html")
        if out is None:
            tell(text.removesuffix("\n"))
        else:
            # A name that UTF-8 cannot hold is escaped; it never stops the program.
            out.write_bytes(text.encode(errors="backslashreplace"))
            say(f"wrote {printable(str(out))}")
        rows: Sequence[ArmRow] = compare(records)
    else:
        written = [write_report(folder), write_csv(folder)]
        rows = _tell(folder, json)
        say(f"wrote {printable(' and '.join(map(str, written)))}")
    failed = any(row.failed or row.crashed or row.timed_out for row in rows)
    return Exit.DIFFERENT if failed else Exit.OK


#: Comparisons told in sentences too; more are told by their table and the report.
_TOLD = 12


def _tell(folder: Path, json: bool) -> Sequence[ArmRow]:
    """Print arms and comparisons, and for people what they come to."""
    from ..ablation import compare, compare_pairs, read_records, state_verdict
    from ..ablation.planning.published import footnotes
    from ..ablation.reporting.formats import as_tree
    from ..ablation.reporting.table import COMPARED, cells, comparison_cells, headings

    records = read_records(folder)
    rows, papers, compared = compare(records), records.published, compare_pairs(records)
    if records.untold:
        say(f"warning: {printable(records.untold)}")
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
    for found in compared[:_TOLD]:
        tell(found.verdict)
    return rows
