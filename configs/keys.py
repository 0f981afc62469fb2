"""The keys of another project's file: tables of kinds and defaults, and a record of reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ..errors import Fault, path_text
from ..specs.explain import shown
from ..specs.paths import nearest
from ..text.document import Path
from ..text.inline import in_words
from .node import EMPTY, Code, Node

_REFERENCE = re.compile(r"\$\{([\w.\[\]]+)\}")
_INDEX = re.compile(r"\[(\d+)\]")
#: The greatest whole number of a file's keys.
MOST: Final = 65_536
#: References that lead to references.
MAX_STEPS: Final = 8


class Kind(NamedTuple):
    """What the value of a key may be."""

    words: str
    holds: Callable[[Any], bool]
    sample: Any = None
    """A value to go on with after a fault, so that all faults are found at once."""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST


def _natural(value: Any) -> bool:
    return (value == 0 and not isinstance(value, bool)) or _whole(value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _whole_list(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= 64 and all(map(_whole, value))


WHOLE: Final = Kind(f"a whole number of 1 to {MOST:,}", _whole, 1)
NATURAL: Final = Kind(f"a whole number of 0 to {MOST:,}", _natural, 1)
NUMBER: Final = Kind("a number", _number, 1)
FLAG: Final = Kind("true or false", lambda value: isinstance(value, bool), False)
TEXT: Final = Kind("text", lambda value: isinstance(value, str), "")
WHOLES: Final = Kind(f"a list of whole numbers of 1 to {MOST:,}", _whole_list, [1])
NUMBERS: Final = Kind(
    "a list of numbers",
    lambda v: isinstance(v, list) and len(v) <= 64 and all(map(_number, v)),
    [1],
)
FLAGS: Final = Kind(
    "a list of true or false",
    lambda v: isinstance(v, list) and len(v) <= 64 and all(isinstance(x, bool) for x in v),
    [False],
)
TEXTS: Final = Kind(
    "a list of texts", lambda v: isinstance(v, list) and all(isinstance(x, str) for x in v), [""]
)
ANY: Final = Kind("a value", lambda value: True)

_REQUIRED: Final = object()
_NO_WORD: Final = "no spec says it"


def one_of(*words: Any) -> Kind:
    """A kind of which only these values are."""
    said = f"one of {', '.join(map(shown, words))}"
    return Kind(said, lambda v: any(_same(v, w) for w in words), words[0])


def optional(kind: Kind) -> Kind:
    """``kind``, or null."""
    return Kind(f"{kind.words}, or null", lambda value: value is None or kind.holds(value))


def _same(one: Any, two: Any) -> bool:
    return type(one) is type(two) and bool(one == two)


class Key(NamedTuple):
    """A key's kind, and the project's own default; without one the key is required."""

    kind: Kind
    default: Any = _REQUIRED
    only: tuple[Any, ...] | None = None
    """The values that a spec can say; another is refused with ``why``."""
    why: str = ""


Table = Mapping[str, Key]


def only(default: Any, *more: Any, why: str, kind: Kind = ANY) -> Key:
    """A key of which a spec can say the default, and what else is given."""
    return Key(kind, default, (default, *more), why)


class Assumed(NamedTuple):
    """A default of the project that was used, because the file does not say the key."""

    path: str
    value: Any

    def __str__(self) -> str:
        return f"{self.path}: {in_words(self.value)}"


@dataclass
class Record:
    """What was read of a file: the defaults that were used, what was refused, what is noted."""

    root: Node
    project: str
    assumed: list[Assumed] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    references: str = ""
    """Characters with which a text refers to another key (``@``) or is code (``$``)."""
    read: set[Path] = field(default_factory=set)

    def note(self, text: str) -> None:
        """Write down what the file cannot say."""
        if text not in self.notes:
            self.notes.append(text)

    def ignored(self) -> Iterator[str]:
        """The keys that were not read, the outermost of each."""
        around = {path[:end] for path in self.read for end in range(len(path))}
        yield from self._unread(self.root, (), around)

    def _unread(self, node: Node, path: Path, around: set[Path]) -> Iterator[str]:
        for name, inner in node.parts():
            here = (*path, name)
            if here in self.read:
                continue
            if here in around:
                yield from self._unread(inner, here, around)
            else:
                yield path_text(here)


class Keys:
    """One mapping of a file, read by a table of the project's keys."""

    def __init__(self, record: Record, table: Table, node: Node | None, path: Path = ()) -> None:
        self.record = record
        self.table = table
        self.present = node is not None
        self.node = node if node is not None and isinstance(node.value, dict) else EMPTY
        self.path = path
        if node is not None and isinstance(node.value, Code):
            self._say(node, "code", "this is code, which is not run", path, "write the value out")
        elif node is not None and not isinstance(node.value, dict):
            self._say(node, "type", f"expected a mapping, not {shown(node.plain())}", path)

    def __getitem__(self, name: str) -> Any:
        """The value of a key, or its default. A value of another kind is a fault."""
        key = self.table[name]
        here = (*self.path, name)
        node = self._resolved(name)
        if node is None:
            if key.default is _REQUIRED:
                self._say(self.node, "missing", f"{name!r} is missing", self.path, "write it out")
                return key.kind.sample
            self._assume(path_text(here), key.default)
            return key.default
        self.record.read.add(here)
        value = _decoded(node.plain(), key.kind)
        if _has_code(value):
            self._say(node, "code", "this is code, which is not run", here, "write the value out")
        elif not key.kind.holds(value):
            message = f"{name} is {key.kind.words}, not {_said(value)}"
            self._say(node, "value", message, here)
        elif key.only is not None and not any(_same(value, known) for known in key.only):
            message = f"{self.record.project}'s {name}: {shown(value)}: {key.why}"
            self._say(node, "unknown", message, here, _wanted(key.only))
        else:
            return value
        return key.kind.sample if key.default is _REQUIRED else key.default

    def given(self, name: str) -> Any:
        """The value of a key that the file has; None without a note where it has none."""
        return self[name] if name in self.node.value else None

    def check(self, *names: str) -> None:
        """Read keys for what they may not say."""
        for name in names or self.table:
            if self.table[name].only is not None:
                _ = self[name]

    def sub(self, name: str, table: Table) -> Keys:
        """The mapping under a key; an empty one where it is absent, or null as by default."""
        node, key = self._resolved(name), self.table.get(name)
        if node is not None and node.value is None and key is not None and key.default is None:
            self.record.read.add((*self.path, name))
            node = None
        return Keys(self.record, table, node, (*self.path, name))

    def refuse(self, name: str, message: str, help: str | None = None) -> None:
        """Refuse the value of a key, at its place."""
        node = self.node.value.get(name, self.node)
        self._say(node, "unknown", message, (*self.path, name), help)

    def known(self, name: str, words: Mapping[str, Any], why: str = _NO_WORD) -> Any:
        """What the text of a key stands for in ``words``, which has the project's names.

        The nearest of them is suggested unless ``why`` says that it would be another network.
        """
        value = self[name]
        if value in words:
            return words[value]
        near = isinstance(value, str) and why == _NO_WORD
        close = nearest(value, list(words)) if near else None
        help_ = f"did you mean {close!r}?" if close else f"known: {', '.join(map(str, words))}"
        self.refuse(name, f"{self.record.project}'s {name} {shown(value)}: {why}", help_)
        return next(iter(words.values()))

    def _resolved(self, name: str) -> Node | None:
        """The value under a key, references followed."""
        node: Node | None = self.node.value.get(name)
        here = (*self.path, name)
        for _ in range(MAX_STEPS):
            names = self._reference(node.value) if node is not None else None
            if node is None or names is None:
                return node
            found = self._walk(names)
            if found is None:
                code = "is no value of this file" if names else "is code, which is not run"
                self._say(node, "code", f"{shown(node.value)} {code}", here, "write the value out")
                return None
            node = found
        self._say(self.node.value[name], "code", f"{name} refers to itself", here)
        return None

    def _reference(self, text: Any) -> list[str] | None:
        """The keys that a text refers to; none of them for code, and None for other text."""
        if not isinstance(text, str):
            return None
        if match := _REFERENCE.fullmatch(text):
            return _INDEX.sub(r".\1", match[1]).split(".")
        if text[:1] == "@" in self.record.references:
            return re.split(r"::|#", text[1:])
        return [] if "${" in text or text[:1] == "$" in self.record.references else None

    def _walk(self, names: list[str]) -> Node | None:
        found: Node | None = self.record.root if names else None
        for count, name in enumerate(names):
            inner = found.value if found is not None else None
            if isinstance(inner, list):
                found = inner[int(name)] if name.isdigit() and int(name) < len(inner) else None
            else:
                found = found.child(name) if found is not None else None
            if found is not None:
                self.record.read.add(tuple(names[: count + 1]))
        return found

    def _assume(self, path: str, value: Any) -> None:
        if all(known.path != path for known in self.record.assumed):
            self.record.assumed.append(Assumed(path, value))

    def _say(
        self, node: Node, code: str, message: str, path: Path, help: str | None = None
    ) -> None:
        fault = node.fault(code, message, path, help)
        told = code == "unknown" and any(
            known.path == fault.path and known.code in ("code", "type", "value")
            for known in self.record.faults
        )  # what stands in for such a value is not the file's
        if not told and fault not in self.record.faults:
            self.record.faults.append(fault)


def _said(value: Any) -> str:
    """A value as a message shows it, a short list with its items."""
    return in_words(value) if isinstance(value, list) and len(value) <= 16 else shown(value)


def _wanted(values: tuple[Any, ...]) -> str:
    return f"a spec can say {' or '.join(map(shown, values))}"


def _has_code(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_code, value.values()))
    return isinstance(value, Code) or (isinstance(value, list) and any(map(_has_code, value)))


def _decoded(value: Any, kind: Kind) -> Any:
    """``value``, where it is text that stands for a number or a list, as such."""
    if kind.holds(value) or not isinstance(value, str) or len(value) > 500:
        return value
    try:
        found = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return value
    return list(found) if isinstance(found, tuple) else found
