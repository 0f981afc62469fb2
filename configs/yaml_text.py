"""YAML of other projects: version 1.1, with anchors, aliases and merge keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import yaml

from ..errors import SpecError
from ..text.document import Source
from ..text.scalars import ScalarError, resolve
from ..text.yaml_faults import explain
from .node import Code, Node

MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000

_BOOLEANS: Final = {"yes": True, "on": True, "no": False, "off": False}
_OCTAL = re.compile(r"[-+]?0[0-7]+")
_GROUPED = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)+(?:\.[0-9]*)?")
_CORE = "tag:yaml.org,2002:"
#: Tags that name a kind of plain value.
_PLAIN = re.compile(re.escape(_CORE) + "(?:str|int|float|bool|null|map|seq|python/tuple)")


def read_yaml(source: Source) -> Node:
    """The mapping in ``source``. Raises :class:`SpecError`.

    >>> text = "a: &x {depth: 50, on: yes}\\nb: {<<: *x, depth: 101}"
    >>> read_yaml(Source(text)).plain()["b"]
    {'depth': 101, 'on': True}
    """
    node = _Reader(source).document()
    if not isinstance(node.value, dict):
        raise SpecError(node.fault("type", "this file holds no mapping of keys to values", ()))
    return node


def scalar(word: str) -> Any:
    """The value of a plain scalar: as YAML 1.2 has it, and else as YAML 1.1 does.

    >>> [scalar(word) for word in ("1e-3", "no", "010", "1_000", ".inf", "7x7")]
    [0.001, False, 8, 1000, '.inf', '7x7']
    """
    try:
        value = resolve(word)
    except ScalarError:
        return word
    if not isinstance(value, str):
        return value
    if word.lower() in _BOOLEANS and word in (word.lower(), word.title(), word.upper()):
        return _BOOLEANS[word.lower()]
    if len(word) < 20 and _OCTAL.fullmatch(word):
        return int(word, 8)
    if len(word) < 20 and _GROUPED.fullmatch(word):
        return resolve(word.replace("_", ""))
    return value


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.anchors: dict[str, Node] = {}
        self.count = 0
        self.events = self._parsed()

    def document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.NodeEvent):
                if root is not None:
                    self._stop("a second document", event, "keep one network to a file")
                root = self._node(event, 0)
        return root if root is not None else Node({}, self.source)

    def _parsed(self) -> Iterator[yaml.Event]:
        """PyYAML's events, from its pure-Python parser; its errors are raised as `SpecError`."""
        try:
            loader: Any = yaml.SafeLoader(self.source.text)
            while loader.check_event():
                yield loader.get_event()
        except yaml.MarkedYAMLError as error:
            code, message, offset, help_ = explain(error, self.source)
            raise SpecError(self.source.fault(code, message, offset, (), help_)) from None
        except (yaml.YAMLError, ValueError, OverflowError):
            raise SpecError(self.source.fault("syntax", "this is not YAML", 0)) from None

    def _node(self, event: Any, depth: int) -> Node:
        self.count += 1
        if self.count > MAX_NODES:
            self._stop(f"more than {MAX_NODES:,} keys and values", event, code="size")
        if depth > MAX_DEPTH:
            self._stop(f"nested deeper than {MAX_DEPTH} levels", event, code="nesting")
        start = _offset(event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                self._stop(f"no anchor &{event.anchor} before this", event, code="anchor")
            known = self.anchors[event.anchor]
            self.count += sum(1 for _ in known.walk())
            return Node(known.value, self.source, start, start)
        tag = getattr(event, "tag", None)
        value = self._value(event, depth)
        if tag is not None and not _PLAIN.fullmatch(tag):
            # A tag such as !!python/object/apply asks for code: refused where the value is needed.
            value = Code(f"!!{tag.removeprefix(_CORE)}"[:100])
        node = Node(value, self.source, start, start)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _value(self, event: yaml.NodeEvent, depth: int) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self._node(inner, depth + 1))
            return items
        assert isinstance(event, yaml.ScalarEvent)
        return scalar(event.value) if event.style is None and not event.tag else event.value

    def _mapping(self, depth: int) -> dict[str, Node]:
        own: dict[str, Node] = {}
        base: dict[str, Node] = {}
        for event in self._until_end():
            merges = isinstance(event, yaml.ScalarEvent) and event.style is None
            name, key = self._node(event, depth + 1), _offset(event)
            value = self._node(next(self.events), depth + 1)
            if merges and event.value == "<<":
                for part in value.value if isinstance(value.value, list) else [value]:
                    if not isinstance(part.value, dict):
                        self._stop("<< takes a mapping", event, code="anchor")
                    base = {**part.value, **base}
                continue
            text = event.value if isinstance(event, yaml.ScalarEvent) else str(name.plain())
            if text in own:
                self._stop(f"{text!r} is given twice", event, "keep one of the two", "duplicate")
            own[text] = Node(value.value, value.source, value.start, key)
        return {**base, **own}

    def _until_end(self) -> Iterator[Any]:
        """The first event of each key of a mapping; what follows it is read meanwhile."""
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            yield event

    def _stop(
        self, message: str, event: yaml.Event, help: str | None = None, code: str = "tag"
    ) -> NoReturn:
        raise SpecError(self.source.fault(code, message, _offset(event), (), help))


def _offset(event: yaml.Event) -> int:
    return int(getattr(event.start_mark, "index", 0))
