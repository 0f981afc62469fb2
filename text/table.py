"""Tables as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from ..errors import printable

if TYPE_CHECKING:
    from rich.console import Console

#: Wider than any table, so that piped output is never cut or wrapped.
UNLIMITED = 10_000


def plain_console() -> Console:
    """A console for text that does not depend on a terminal: no colour, and no wrapping."""
    from rich.console import Console

    return Console(file=StringIO(), width=UNLIMITED, color_system=None, markup=False, emoji=False)


def table_text(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    text_columns: int = 1,
    note_columns: int = 0,
    console: Console | None = None,
) -> str:
    """A table as text, laid out for ``console``, or for none.

    The first ``text_columns`` and the last ``note_columns`` columns are text, aligned left; the
    others are numbers, aligned right.

    >>> print(table_text(("part", "params"), [("stem", "9"), ("head", "10")]))
    part  params
    stem       9
    head      10
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
    out = plain_console() if console is None else console
    with out.capture() as captured:
        out.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
