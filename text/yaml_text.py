"""Reads YAML through PyYAML's event stream.

The pure-Python parser is used: the C parser crashes on 100,000 brackets. Events are consumed one by
one, so that a limit stops the parser before it has read the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.reader import ReaderError

from .assembler import Assembler
from .document import Document, Source
from .scalars import ScalarError, hint, resolve
from .yaml_faults import explain


def read_yaml(source: Source) -> Document:
    """The document in ``source``; raises `SpecError`.

    >>> read_yaml(Source("stem: {kind: conv7x7, width: 64}")).tree
    {'stem': {'kind': 'conv7x7', 'width': 64}}
    """
    assembler = Assembler(source)
    documents = 0
    for event in _events(assembler):
        if isinstance(event, yaml.NodeEvent):
            _node(event, assembler)
        elif isinstance(event, yaml.CollectionEndEvent):
            assembler.close()
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            _start(event, documents, assembler)
    return assembler.document()


def _events(assembler: Assembler) -> Iterator[yaml.Event]:
    """PyYAML's events; its errors are raised as `SpecError`."""
    text = assembler.source.text
    loader: Any = None
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_event():
            yield loader.get_event()
    except ReaderError as error:
        assembler.stop(
            "encoding",
            f"the character U+{ord(text[error.position]):04X} is not allowed in YAML",
            error.position,
            "remove it, or write it as an escape between double quotes",
        )
    except yaml.MarkedYAMLError as error:
        assembler.stop(*explain(error, assembler.source))
    except (ValueError, OverflowError):
        # PyYAML passes escapes such as "\UFFFFFFFF" and long version numbers to chr() and int().
        offset = loader.index if loader else 0
        assembler.stop("syntax", "no such character or number", offset)


def _start(event: yaml.DocumentStartEvent, documents: int, assembler: Assembler) -> None:
    offset = _offset(event.start_mark)
    if documents > 1:
        assembler.stop("syntax", "a second document", offset, "keep one spec to a file")
    if event.tags:
        assembler.stop("tag", "tags are not supported", offset, "remove the %TAG line")


def _node(event: yaml.NodeEvent, assembler: Assembler) -> None:
    start, end = _offset(event.start_mark), _offset(event.end_mark)
    if event.anchor is not None:
        assembler.fault(
            "anchor", "anchors are not supported", start, "write the value out where it is needed"
        )
    if isinstance(event, yaml.ScalarEvent):
        _tag(event.tag, start, assembler)
        plain = event.style is None
        value = _resolved(event.value, start, assembler) if plain else event.value
        assembler.scalar(value, start, end, plain)
    elif isinstance(event, yaml.MappingStartEvent):
        _tag(event.tag, start, assembler)
        assembler.open({}, start)
    elif isinstance(event, yaml.SequenceStartEvent):
        _tag(event.tag, start, assembler)
        assembler.open([], start)
    else:
        # The value of an alias is unknown; text is also a legal key.
        assembler.scalar("*", start, end, plain=False)


def _tag(tag: str | None, start: int, assembler: Assembler) -> None:
    if tag is not None:
        assembler.fault(
            "tag",
            "tags are not supported",
            start,
            "remove it; a spec holds plain values, and code is registered from Python",
        )


def _resolved(word: str, start: int, assembler: Assembler) -> str | int | float | bool | None:
    try:
        return resolve(word)
    except ScalarError as error:
        assembler.fault("number", str(error), start, hint(word))
        return 0


def _offset(mark: object) -> int:
    """PyYAML's marks count characters too; the stubs say that they may be missing."""
    return int(getattr(mark, "index", 0))
