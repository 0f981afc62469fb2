"""Named tensors in the contents of a checkpoint, at any depth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

#: Levels of mappings and lists that are searched.
MAX_DEPTH = 20
#: Mappings and lists that are searched; the state of an optimizer has one for each tensor.
MAX_SEARCHED = 100_000


class Entry(NamedTuple):
    """A mapping with tensors, and its place in the file."""

    path: str
    """The keys that lead to it, joined by dots; empty for the whole file."""
    tensors: dict[str, Tensor]
    others: tuple[str, ...] = ()
    """Names of values that are no tensors, as far as they are shown."""
    notes: tuple[str, ...] = ()
    """What was done to the tensors when they were read."""

    @property
    def key(self) -> str:
        """The last of the keys."""
        return self.path.rpartition(".")[2]


def entries_of(found: Any) -> list[Entry]:
    """Every mapping with named tensors in ``found``, outermost first.

    >>> tensor = torch.zeros(1)
    >>> [entry.path for entry in entries_of({"epoch": 3, "ema": {"model": {"a": tensor}}})]
    ['ema.model']
    """
    entries = []
    # An object may contain itself.
    searched: set[int] = set()
    level: list[tuple[str, Any]] = [("", found)]
    for _ in range(MAX_DEPTH):
        inner: list[tuple[str, Any]] = []
        for path, value in level:
            if id(value) in searched or len(searched) > MAX_SEARCHED:
                continue
            searched.add(id(value))
            if isinstance(value, Mapping) and (entry := _entry(path, value)):
                entries.append(entry)
            inner += [
                (f"{path}.{key}" if path else str(key), item)
                for key, item in _items(value)
                if isinstance(item, Mapping | list | tuple) and isinstance(key, str | int)
            ]
        level = inner
    return entries


def _entry(path: str, value: Mapping[Any, Any]) -> Entry | None:
    tensors: dict[str, Tensor] = {}
    others: list[str] = []
    for name, item in _items(value):
        if isinstance(name, str) and isinstance(item, Tensor):
            tensors[name] = _plain(item)
        elif isinstance(name, str | int) and len(others) <= 10:
            others.append(str(name))
    return Entry(path, tensors, tuple(others)) if tensors else None


def _items(value: Any) -> Iterator[tuple[Any, Any]] | Iterable[tuple[Any, Any]]:
    """The items of a mapping or a list.

    A file may give an ``OrderedDict`` attributes, which would hide its methods.
    """
    if isinstance(value, dict):
        return dict.items(value)
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value)


def _plain(tensor: Tensor) -> Tensor:
    """The tensor without the attributes that a file may give it, and without a gradient."""
    return torch.Tensor.detach(tensor)
