"""Printing: data on stdout, messages on stderr, plain text unless on a terminal."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from ..text.table import UNLIMITED, table_text
from ..text.versioned import versioned
from .verbosity import Level, level

if TYPE_CHECKING:
    from rich.console import Console

Item = TypeVar("Item")


def say(text: str) -> None:
    """Print a message on stderr, unless the command is quiet."""
    if level() is not Level.QUIET:
        complain(text)


def complain(text: str) -> None:
    """Print an error on stderr."""
    sys.stdout.flush()
    print(_marked(text) if coloured(sys.stderr) else text, file=sys.stderr, flush=True)


def coloured(stream: TextIO) -> bool:
    """Whether to print in colour: on a terminal, unless ``NO_COLOR`` is set; always with
    ``FORCE_COLOR``."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _marked(text: str) -> str:
    """An error with its first word in red, its help in cyan, as a terminal shows them."""
    text = re.sub(r"^error(\[\w+\])?", "\x1b[1;31m\\g<0>\x1b[0m", text, flags=re.MULTILINE)
    return re.sub(r"^( +)help:", "\\1\x1b[36mhelp:\x1b[0m", text, flags=re.MULTILINE)


def tell(text: str) -> None:
    """Print a line of data on stdout."""
    print(text)


def tell_json(value: Any) -> None:
    """Print data as JSON on stdout: a list as it is, an object with the version of its keys."""
    tell_document(versioned(value) if isinstance(value, dict) else value)


def tell_document(tree: Any) -> None:
    """Print JSON of a format with a version of its own, such as a JSON Schema."""
    print(json.dumps(tree, indent=2, allow_nan=False))


def finite(value: float) -> float | None:
    """``value`` for JSON, which has no infinity; None where it is not finite.

    >>> finite(0.5), finite(float("inf"))
    (0.5, None)
    """
    return value if isfinite(value) else None


def columns() -> int:
    """Width of a line on stdout."""
    return get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED


def console(stream: TextIO | None = None) -> Console:
    """A rich console that prints text unchanged, without colour if ``NO_COLOR`` is set."""
    from rich.console import Console

    stream = sys.stdout if stream is None else stream
    return Console(
        file=stream,
        width=None if stream.isatty() else UNLIMITED,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        markup=False,
        emoji=False,
        highlight=False,
    )


def followed(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """``items``, with a progress bar on stderr if that is a terminal."""
    if not sys.stderr.isatty() or level() is Level.QUIET:
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
    """Print a table on stdout; see :func:`resforge.text.table.table_text`."""
    print(table_text(header, rows, text_columns, note_columns, console()))
