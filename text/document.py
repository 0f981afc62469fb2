"""A document: plain values, and the position in the text of each."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias

from ..errors import Fault, path_text
from .scalars import hint

#: Keys and indexes that lead to a value: ``("stages", 1, "block")``.
Path: TypeAlias = tuple[str | int, ...]

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class Mark(NamedTuple):
    """A position in a text; both count from 1, columns in characters."""

    line: int
    column: int


class Node(NamedTuple):
    """Offsets into the text of one value, and of the key it stands under."""

    key: int
    start: int
    end: int
    plain: bool


@dataclass(frozen=True)
class Source:
    """A text and the name of the file it came from."""

    text: str
    name: str | None = None

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]

    @cached_property
    def _lines(self) -> dict[int, str]:
        return {}

    def mark(self, offset: int) -> Mark:
        """The line and column of the character at ``offset``.

        >>> Source("a: 1\\nb: 2").mark(8)
        Mark(line=2, column=4)
        """
        line = bisect_right(self._starts, offset)
        return Mark(line, offset - self._starts[line - 1] + 1)

    @property
    def lines(self) -> int:
        """Number of lines."""
        return len(self._starts)

    def start(self, number: int) -> int:
        """The offset of a line's first character; that of the last line beyond it."""
        return self._starts[min(number, self.lines) - 1]

    def line(self, number: int) -> str:
        """The text of a line, without its line break."""
        # Cached, so that a thousand faults in one line of 200 kB share its text.
        if number not in self._lines:
            start = self._starts[number - 1]
            end = self._starts[number] if number < len(self._starts) else len(self.text)
            self._lines[number] = self.text[start:end].rstrip("\r\n")
        return self._lines[number]

    def fault(
        self, code: str, message: str, offset: int, path: Path = (), help: str | None = None
    ) -> Fault:
        """A fault at ``offset``."""
        line, column = self.mark(offset)
        return Fault(
            code=code,
            message=message,
            path=path_text(path),
            help=help,
            file=self.name,
            line=line,
            column=column,
            source=self.line(line),
        )


class Document:
    """The values of a file, and the position of each.

    >>> from resforge.text.reader import read
    >>> document = read("stem:\\n  width: 064\\n", name="net.yaml")
    >>> document.tree
    {'stem': {'width': '064'}}
    >>> document.mark(("stem", "width"))
    Mark(line=2, column=10)
    >>> document.hint(("stem", "width"))
    'write 64'
    """

    def __init__(
        self,
        tree: dict[str, Any],
        source: Source | None = None,
        nodes: dict[Path, Node] | None = None,
    ) -> None:
        self.tree = tree
        self._source = source
        self._nodes = nodes or {}

    @property
    def text(self) -> str:
        """The text that was read; empty for values that did not come from text."""
        return "" if self._source is None else self._source.text

    @property
    def source(self) -> Source | None:
        """The text with its name; None for values that did not come from text."""
        return self._source

    @property
    def name(self) -> str | None:
        """The name of the file, or None."""
        return self._source.name if self._source else None

    def offsets(self, path: Path) -> tuple[int, int]:
        """Offsets into the text of the key and of the value at ``path``; 0 where unknown."""
        node = self._nodes.get(tuple(path))
        return (node.key, node.start) if node else (0, 0)

    def mark(self, path: Path) -> Mark | None:
        """Position of the value at ``path``, or of its nearest ancestor in the file.

        None for values that did not come from text.
        """
        return self._mark(path, "value")

    def key_mark(self, path: Path) -> Mark | None:
        """Position of the key of ``path``; for an item of a list, that of the item."""
        return self._mark(path, "key")

    def plain(self, path: Path) -> bool:
        """Whether the scalar at ``path`` is written without quotes."""
        node = self._nodes.get(tuple(path))
        return node is not None and node.plain

    def raw(self, path: Path) -> str | None:
        """The source text of the scalar at ``path``, with its quotes."""
        node = self._nodes.get(tuple(path))
        if node is None or self._source is None:
            return None
        return self._source.text[node.start : node.end]

    def hint(self, path: Path) -> str | None:
        """A help line for text at ``path`` where a value of another type is expected."""
        value: Any = self.tree
        try:
            for part in path:
                value = value[part]
        except (LookupError, TypeError):
            return None
        known = tuple(path) in self._nodes
        return hint(value, plain=self.plain(path) or not known) if isinstance(value, str) else None

    def fault(
        self,
        code: str,
        message: str,
        path: Path = (),
        help: str | None = None,
        at: Literal["value", "key"] = "value",
    ) -> Fault:
        """A fault of the value (or the key) at ``path``, with its position in the text."""
        mark = self._mark(path, at)
        if mark is None or self._source is None:
            return Fault(
                code=code, message=message, path=path_text(path), help=help, file=self.name
            )
        return Fault(
            code=code,
            message=message,
            path=path_text(path),
            help=help,
            file=self.name,
            line=mark.line,
            column=mark.column,
            source=self._source.line(mark.line),
        )

    def _mark(self, path: Path, at: Literal["value", "key"]) -> Mark | None:
        if self._source is None:
            return None
        path = tuple(path)
        while path and path not in self._nodes:
            path = path[:-1]
        node = self._nodes.get(path)
        if node is None:
            return None
        return self._source.mark(node.key if at == "key" else node.start)
