"""Builds a tree from a stream of keys and values, and enforces limits as they arrive.

The readers of YAML and JSON share it, with its limits and its rules for keys. Nothing recurses, so
no text can exhaust the stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

from ..errors import SHOWN_FAULTS, Fault, SpecError
from .document import Document, Node, Path, Source
from .scalars import hint

MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_KEY = 100


class Limits(NamedTuple):
    """The most keys and values of a text, and the most characters of a key."""

    nodes: int = MAX_NODES
    key: int = MAX_KEY


LIMITS: Final = Limits()

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class _Frame:
    """A mapping or a list that is still open."""

    container: dict[str, Any] | list[Any]
    path: Path
    #: In a mapping: whether a key waits for its value, the key (None if refused) and its offset.
    waiting: bool = False
    key: str | None = None
    key_offset: int = 0


class Assembler:
    """Builds the tree of one document and collects its faults."""

    def __init__(self, source: Source, limits: Limits = LIMITS) -> None:
        self.source = source
        self.limits = limits
        self.faults: list[Fault] = []
        self.more = 0
        self._tree: dict[str, Any] | None = None
        self._nodes: dict[Path, Node] = {}
        self._open: list[_Frame] = []
        self._count = 0

    def open(self, container: dict[str, Any] | list[Any], offset: int) -> None:
        """Start a mapping or a list."""
        self._count_node(offset)
        if len(self._open) >= MAX_DEPTH:
            self.stop("nesting", f"nested deeper than {MAX_DEPTH} levels", offset)
        path: Path = ()
        if self._open:
            frame = self._open[-1]
            if isinstance(frame.container, dict) and not frame.waiting:
                self.fault("key", f"a key must be text, not {_kind(container)}", offset)
                path = (*frame.path, "?")
            else:
                path = self._place(container, Node(offset, offset, offset, False))
        elif isinstance(container, dict):
            self._tree = container
            self._nodes[()] = Node(offset, offset, offset, False)
        else:
            self._not_a_mapping(container, offset)
        self._open.append(_Frame(container, path))

    def close(self) -> None:
        """End the innermost open mapping or list."""
        self._open.pop()
        if self._open:
            # If it was (wrongly) a key, its value is still to come.
            frame = self._open[-1]
            if isinstance(frame.container, dict):
                frame.waiting, frame.key = not frame.waiting, None

    def scalar(self, value: Any, start: int, end: int, plain: bool) -> None:
        """Add a key or a value that is not a collection."""
        self._count_node(start)
        if isinstance(value, str) and _SURROGATE.search(value):
            value = self._join_surrogates(value, start)
        if not self._open:
            if start == end:
                self.stop_empty()
            self._not_a_mapping(value, start)
        frame = self._open[-1]
        if isinstance(frame.container, dict) and not frame.waiting:
            self._key(frame, value, start, end, plain)
        else:
            if value is None and start == end and frame.waiting:
                self._without_space(frame)
            self._place(value, Node(start, start, end, plain))
            frame.waiting = False

    def document(self) -> Document:
        """The finished document. Raises :class:`SpecError` with every fault found in it."""
        if self._tree is None:
            self.stop_empty()
        if self.faults:
            raise SpecError(self.faults, self.more)
        return Document(self._tree, self.source, self._nodes)

    def fault(self, code: str, message: str, offset: int, help: str | None = None) -> None:
        """Record a fault and continue."""
        if len(self.faults) == SHOWN_FAULTS:
            self.more += 1
        else:
            self.faults.append(self.source.fault(code, message, offset, self._path(), help))

    def stop(self, code: str, message: str, offset: int, help: str | None = None) -> NoReturn:
        """Raise a fault after which the rest of the text cannot be read."""
        fault = self.source.fault(code, message, offset, (), help)
        raise SpecError([*self.faults, fault], self.more)

    def stop_empty(self) -> NoReturn:
        """Raise the fault of a text that is empty or holds only comments."""
        medium = "file" if self.source.name else "text"
        fault = Fault(
            "empty",
            f"no spec in this {medium}",
            help="try `resforge new resnet18 > net.yaml`",
            file=self.source.name,
        )
        raise SpecError([*self.faults, fault], self.more)

    def _key(self, frame: _Frame, value: Any, start: int, end: int, plain: bool) -> None:
        frame.waiting, frame.key, frame.key_offset = True, None, start
        if not isinstance(value, str):
            self._not_a_key(value, start, end)
        elif plain and value == "<<":
            self.fault(
                "anchor",
                "merge keys are not supported",
                start,
                "write the keys out, or use `base:`",
            )
        elif len(value) > self.limits.key:
            self.fault(
                "key", f"a key of {len(value):,} characters (at most {self.limits.key})", start
            )
        elif value in frame.container:
            first = self.source.mark(self._nodes[*frame.path, value].key)
            frame.key = value
            self.fault(
                "duplicate",
                f"{value!r} is given twice; first at line {first.line}, column {first.column}",
                start,
                "keep one of the two",
            )
        else:
            frame.key = value

    def _join_surrogates(self, value: str, start: int) -> str:
        """Join surrogate pairs, as which JSON (and YAML) can escape characters beyond U+FFFF."""
        try:
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.fault("encoding", "half of a surrogate pair is not a character", start)
            return ""

    def _without_space(self, frame: _Frame) -> None:
        """Fault for ``{depth:18}``, which YAML reads as a key ``depth:18`` without a value."""
        help = hint(frame.key or "")
        if help and ":" in help and self.source.text[frame.key_offset] not in "\"'":
            self.fault("syntax", "a key without a value", frame.key_offset, help)

    def _not_a_key(self, value: Any, start: int, end: int) -> None:
        text = self.source.text[start:end]
        if text:
            help = f'put quotes around it: "{text}"' if len(text) < MAX_KEY else None
            self.fault("key", f"a key must be text, not {_kind(value)}", start, help)
        else:
            self.fault("key", "a key is missing before the colon", start)

    def _place(self, value: Any, node: Node) -> Path:
        """Put a value under its key or at the end of its list; its path."""
        frame = self._open[-1]
        if isinstance(frame.container, list):
            path: Path = (*frame.path, len(frame.container))
            frame.container.append(value)
        elif frame.key is None:
            return (*frame.path, "?")
        else:
            path = (*frame.path, frame.key)
            # A second value of a key keeps the place of the first, for a third to refer to.
            if frame.key in frame.container:
                return path
            frame.container[frame.key] = value
            node = node._replace(key=frame.key_offset)
        self._nodes[path] = node
        return path

    def _path(self) -> Path:
        """The path of the value being read."""
        if not self._open:
            return ()
        frame = self._open[-1]
        if isinstance(frame.container, list):
            return (*frame.path, len(frame.container))
        return (*frame.path, frame.key) if frame.waiting and frame.key is not None else frame.path

    def _count_node(self, offset: int) -> None:
        self._count += 1
        if self._count > self.limits.nodes:
            self.stop("size", f"more than {self.limits.nodes:,} keys and values", offset)

    def _not_a_mapping(self, value: Any, offset: int) -> NoReturn:
        help = (hint(value) if isinstance(value, str) else None) or "start with `resforge: 1`"
        self.stop(
            "type", f"a spec is a mapping of keys to values, not {_kind(value)}", offset, help
        )


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list"}
    return "null" if value is None else names.get(type(value), "a mapping")
