"""Printing: data on stdout, messages on stderr, plain text unless on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from ..errors import printable

if TYPE_CHECKING:
    from rich.console import Console

Item = TypeVar("Item")
# Wider than any table, so that piped output is never cut or wrapped.
_PIPE_WIDTH = 10_000


def say(text: str) -> None:
    """Print a message on stderr."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def tell(text: str) -> None:
    """Print a line of data on stdout."""
    print(text)


def tell_json(value: Any) -> None:
    """Print data as JSON on stdout."""
    print(json.dumps(value, indent=2, allow_nan=False))


def finite(value: float) -> float | None:
    """``value`` for JSON, which has no infinity; None where it is not finite.

    >>> finite(0.5), finite(float("inf"))
    (0.5, None)
    """
    return value if isfinite(value) else None


def columns() -> int:
    """Width of a line on stdout."""
    return get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH


def console(stream: TextIO | None = None) -> Console:
    """A rich console that prints text unchanged, without colour if ``NO_COLOR`` is set."""
    from rich.console import Console

    stream = sys.stdout if stream is None else stream
    return Console(
        file=stream,
        width=None if stream.isatty() else _PIPE_WIDTH,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        markup=False,
        emoji=False,
        highlight=False,
    )


def followed(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """``items``, with a progress bar on stderr if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.progress import track

    yield from track(items, what, total, console=console(sys.stderr), transient=True)


def tell_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    text_columns: int = 1,
    note_columns: int = 0,
) -> None:
    """Print a table on stdout.

    The first ``text_columns`` and the last ``note_columns`` columns are text, aligned left; the
    others are numbers, aligned right.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, title in enumerate(header):
        if index < text_columns or index >= len(header) - note_columns:
            table.add_column(title, overflow="fold")
        else:
            table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(printable(cell) for cell in row))
    out = console()
    with out.capture() as captured:
        out.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
