"""The results as tables: on the console, and in ``docs/benchmarks.md``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from math import floor, log10
from pathlib import Path

from resforge.files import write_whole

from .marks import marked, replace_tables, table
from .results import Result
from .rows import AnyRow, Figure, Missing, Row

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
COMPARED = ("what", "against", "ours, ms", "theirs, ms", "ratio", "least to most")
MEASURED = ("what", "measured", "least to most")


def write_page(results: Sequence[Result], page: Path = PAGE) -> None:
    """Write every table of the page; prose stays as it is."""
    text = page.read_text(encoding="utf-8")
    tables = {name: "".join(_parts(name, results)) for name in marked(text)}
    write_whole(page, replace_tables(text, tables))


def _parts(suite: str, results: Sequence[Result]) -> Iterator[str]:
    """The tables of a suite and, below them, their circumstances."""
    found = [result for result in results if result.suite == suite]
    for heads, rows in tables([result.row for result in found]):
        yield table(heads, rows, words=2 if heads == COMPARED else 1) + "\n"
    yield f"{_circumstances(found)}\n" if found else "Not measured.\n"


def tables(rows: Sequence[AnyRow]) -> Iterator[tuple[Sequence[str], list[tuple[str, ...]]]]:
    """Heads and cells: neighbouring rows of a kind make one table."""
    for is_figure, found in groupby(rows, key=lambda row: isinstance(row, Figure)):
        yield (MEASURED if is_figure else COMPARED), [_cells(row) for row in found]


def _cells(row: AnyRow) -> tuple[str, ...]:
    match row:
        case Missing():
            return (row.what, row.peer, "", "", f"not measured: {row.package} is not installed", "")
        case Figure():
            spread = "" if row.least is None or row.most is None else _spread(row.least, row.most)
            return (row.what, f"{shown(row.value)} {row.unit}".rstrip(), spread)
    peer = f"floor: {row.peer}" if row.floor else row.peer
    times = (shown(row.ours_ms), shown(row.theirs_ms), shown(row.ratio))
    return (row.what, peer, *times, _spread(row.least, row.most))


def _spread(least: float, most: float) -> str:
    return f"{shown(least)} to {shown(most)}"


def shown(value: float) -> str:
    """A number to three digits, and all digits of its whole part.

    >>> shown(0.03812), shown(1.5), shown(13464.2), shown(0)
    ('0.0381', '1.50', '13,464', '0')
    """
    if not value:
        return "0"
    return f"{value:,.{max(0, 2 - floor(log10(abs(value))))}f}"


def _circumstances(results: Sequence[Result]) -> str:
    run = results[0].run
    threads = sorted({result.row.threads for result in results if isinstance(result.row, Row)})
    versions = ", ".join(f"{name} {found}" for name, found in run["versions"].items() if found)
    parts = [
        f"{date.fromisoformat(run['date']):%-d %B %Y}",
        f"{run['device']}, {run['cores']} cores, load {run['load']}",
        versions,
        " and ".join(map(str, threads)) + f" thread{'s' * (threads != [1])}" if threads else "",
        f"{run['pairs']} pairs of turns",
        f"{run['seconds']:.0f} s",
    ]
    return "; ".join(filter(None, parts)) + "."
