"""All errors of resforge, and the text of a fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

SHOWN_FAULTS = 20


class ResforgeError(Exception):
    """Base of every error resforge raises on purpose."""


class StoreError(ResforgeError):
    """A results store, or the disk that holds it, cannot be used."""


class BuildError(ResforgeError):
    """A built module differs from its plan (a custom block whose spec and module disagree)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what is wrong, where, and how to fix it.

    ``line`` and ``column`` count from 1; they and ``source`` (the text of that line) are known only
    for values read from text. ``path`` is in the notation of specs: ``stages[1].block``.
    """

    code: str
    message: str
    path: str = ""
    help: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    source: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        where = "  ".join(printable(part) for part in (place, self.path) if part)
        lines = [f"error[{self.code}]: {where}" if where else f"error[{self.code}]"]
        message = printable(self.message)
        if self.source is not None and self.line and self.column:
            gutter = f"{self.line:>4} | "
            # One printable character per source character, so that the caret stays in place.
            start = max(0, self.column - 60)
            shown, column = self.source[start : start + 100], self.column - start
            text = "".join(c if c.isprintable() else " " for c in shown)
            lines.append(gutter + text.rstrip())
            space = " " * _columns(text[: column - 1])
            lines.append(" " * (len(gutter) - 2) + "| " + space + "^ " + message)
        else:
            lines[0] += f": {message}"
        if self.help:
            lines.append(f"  help: {printable(self.help)}")
        return "\n".join(lines)


class SpecError(ResforgeError):
    """A spec, or a file that should hold one, is invalid.

    ``faults`` holds every fault found, in the order of the file. ``file``, ``line``, ``column``,
    ``path``, ``message`` and ``help`` are those of the first.
    """

    def __init__(self, faults: Fault | Iterable[Fault], more: int = 0) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        #: Number of faults that are not listed (a hostile file can have a hundred thousand).
        self.more = more
        super().__init__(self.faults, more)

    def __str__(self) -> str:
        shown = [str(fault) for fault in self.faults[:SHOWN_FAULTS]]
        rest = len(self.faults) - len(shown) + self.more
        if rest:
            shown.append(f"and {rest} more")
        return "\n".join(shown)

    @property
    def file(self) -> str | None:
        return self.faults[0].file

    @property
    def line(self) -> int | None:
        return self.faults[0].line

    @property
    def column(self) -> int | None:
        return self.faults[0].column

    @property
    def path(self) -> str:
        return self.faults[0].path

    @property
    def message(self) -> str:
        return self.faults[0].message

    @property
    def help(self) -> str | None:
        return self.faults[0].help


def _columns(text: str) -> int:
    """Width of ``text`` on a terminal: East Asian characters take two columns, accents none."""
    wide = sum(east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(combining(c) > 0 for c in text)


def wrong_type(call: str, wanted: str, given: object, help: str | None = None) -> SpecError:
    """The error of a public function called with an argument of a wrong type."""
    return SpecError(Fault("type", f"{call} takes {wanted}, not {type(given).__name__}", help=help))


def printable(text: str) -> str:
    """``text`` with control, bidirectional and other unprintable characters escaped.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def path_text(path: Iterable[str | int]) -> str:
    """A path in the notation of specs.

    >>> path_text(["stages", 1, "block", "groups"])
    'stages[1].block.groups'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
