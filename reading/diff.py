"""The difference of two specs, as changes that turn one into the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import path_text
from ..specs.paths import Path
from .load import SpecLike, as_spec


class Change(NamedTuple):
    """One place where two specs differ, and the value of each."""

    path: str
    before: Any
    after: Any


def diff(a: SpecLike, b: SpecLike) -> tuple[Change, ...]:
    """Every place where ``a`` and ``b`` differ; empty for equal specs.

    Each is a spec, a catalogue name, a file or a mapping. Raises :class:`SpecError`.

    Applied to ``a``, the changes give ``b``:

    >>> import resforge as rf
    >>> a, b = rf.load("resnet18"), rf.load("plain18")
    >>> [(change.path, change.after) for change in rf.diff(a, b)][0]
    ('name', 'plain18')
    >>> a.replace({change.path: change.after for change in rf.diff(a, b)}) == b
    True
    """
    before, after = (as_spec(spec, "diff").model_dump(mode="json") for spec in (a, b))
    return tuple(_changes(before, after, ()))


def _changes(a: Any, b: Any, path: Path) -> Iterator[Change]:
    if a == b:
        return
    pairs: list[tuple[str | int, Any, Any]] = []
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        if a.get("kind") == b.get("kind"):
            pairs = [(key, a[key], b[key]) for key in a]
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = [(index, old, new) for index, (old, new) in enumerate(zip(a, b, strict=True))]
    for part, old, new in pairs:
        yield from _changes(old, new, (*path, part))
    if not pairs:
        yield Change(path_text(path), a, b)
