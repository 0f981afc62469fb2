"""Values of a file with their places, whichever files they were merged from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..errors import Fault, SpecError, path_text
from ..text.assembler import MAX_DEPTH
from ..text.document import Document, Path, Source


@dataclass(frozen=True, slots=True)
class Code:
    """An expression of a Python file that is no literal. It is never run."""

    text: str


@dataclass(frozen=True, slots=True)
class Node:
    """One value: a mapping or a list of nodes, or a scalar; and where it stands.

    ``key`` and ``start`` are offsets into ``source`` of its key and of the value itself.
    """

    value: Any
    source: Source | None = None
    start: int = 0
    key: int = 0

    def fault(
        self, code: str, message: str, path: Path, help: str | None = None, *, at_key: bool = False
    ) -> Fault:
        """A fault at this value's place in its own file."""
        if self.source is None:
            return Fault(code, message, path_text(path), help)
        return self.source.fault(code, message, self.key if at_key else self.start, path, help)

    def child(self, name: str) -> Node | None:
        """The value under a key; None where this is no mapping, or has no such key."""
        return self.value.get(name) if isinstance(self.value, dict) else None

    def at(self, *names: str) -> Node | None:
        """The value at the end of a row of keys."""
        found: Node | None = self
        for name in names:
            found = found.child(name) if found is not None else None
        return found

    def text(self, *names: str) -> str:
        """The text at the end of a row of keys; empty where there is none."""
        found = self.at(*names)
        return found.value if found is not None and isinstance(found.value, str) else ""

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Node]]:
        """Every value of the tree with its path, mappings before what they hold."""
        yield path, self
        for name, node in self.parts():
            yield from node.walk((*path, name))

    def parts(self) -> list[tuple[str | int, Node]]:
        """The values of a mapping with their keys, or of a list with their indexes."""
        if isinstance(self.value, dict):
            return list(self.value.items())
        return list(enumerate(self.value)) if isinstance(self.value, list) else []


EMPTY: Final = Node({})


def of_document(document: Document) -> Node:
    """The tree of a document that was read from text."""
    return _placed(document.tree, (), document)


def of_plain(value: Any, depth: int = 0) -> Node:
    """The tree of plain values, which have no places. Raises :class:`SpecError`."""
    if depth > MAX_DEPTH:
        raise SpecError(Fault("nesting", f"nested deeper than {MAX_DEPTH} levels"))
    if isinstance(value, Mapping):
        return Node({str(key): of_plain(item, depth + 1) for key, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return Node([of_plain(item, depth + 1) for item in value])
    return Node(value)


def merged(base: Node, over: Node, *, delete: str = "") -> Node:
    """``over`` laid on ``base``: mappings merge, anything else replaces.

    A mapping whose key ``delete`` is true replaces, too.
    """
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    own = dict(over.value)
    if delete and (flag := own.pop(delete, None)) is not None and flag.value is True:
        return Node(own, over.source, over.start, over.key)
    both = dict(base.value)
    for key, node in own.items():
        both[key] = merged(both[key], node, delete=delete) if key in both else node
    return Node(both, over.source, over.start, over.key)


def _placed(value: Any, path: Path, document: Document) -> Node:
    inner: Any = value
    if isinstance(value, dict):
        inner = {key: _placed(item, (*path, key), document) for key, item in value.items()}
    elif isinstance(value, list):
        inner = [_placed(item, (*path, index), document) for index, item in enumerate(value)]
    key, start = document.offsets(path)
    return Node(inner, document.source, start, key)
