"""The difference of two specs, as changes that turn one into the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import path_text
from ..specs.network import ResNetSpec
from ..specs.paths import Path
from ..text.inline import in_words
from .load import SpecLike, as_spec

#: Most characters of a change on one line.
_WIDE = 100


class Change(NamedTuple):
    """One place where two specs differ, and the value of each."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """``path: before -> after``, on three lines if one would be too wide."""
        before, after = in_words(self.before), in_words(self.after)
        line = f"{self.path}: {before} -> {after}"
        if len(line) <= _WIDE:
            return line
        return f"{self.path}:\n  - {before}\n  + {after}"


class Diff(tuple[Change, ...]):
    """The changes that turn the spec ``before`` into ``after``: a tuple that reads well.

    >>> import resforge as rf
    >>> print(rf.diff("resnet18", "resnet34"))
    name: resnet18 -> resnet34
    stages[0].depth: 2 -> 3
    stages[1].depth: 2 -> 4
    stages[2].depth: 2 -> 6
    stages[3].depth: 2 -> 3
    """

    before: ResNetSpec
    after: ResNetSpec

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no difference"

    def _repr_html_(self) -> str:
        # A door upwards, for notebooks: the picture of the second, marked where it differs.
        from ..drawing.html import diff_to_html
        from ..planner.plan import lay_out

        side = max(self.before.natural_input_size, self.after.natural_input_size)
        before, after = (lay_out(s, (side,) * s.dims) for s in (self.before, self.after))
        return diff_to_html(before, after, [str(change) for change in self])


def diff(a: SpecLike, b: SpecLike) -> Diff:
    """Every place where ``a`` and ``b`` differ, as a tuple of changes; empty for equal specs.

    Each is a spec, a catalogue name, a file or a mapping. Printed, it is one line for each change;
    a notebook shows the picture of ``b``, marked where it differs. Raises :class:`SpecError`.

    Applied to ``a``, the changes give ``b``:

    >>> import resforge as rf
    >>> a, b = rf.load("resnet18"), rf.load("plain18")
    >>> [(change.path, change.after) for change in rf.diff(a, b)][0]
    ('name', 'plain18')
    >>> a.replace({change.path: change.after for change in rf.diff(a, b)}) == b
    True
    """
    before, after = (as_spec(spec, "diff") for spec in (a, b))
    one, two = (spec.model_dump(mode="json") for spec in (before, after))
    changes = Diff(tree_changes(one, two))
    changes.before, changes.after = before, after
    return changes


def tree_changes(a: Any, b: Any, path: Path = ()) -> Iterator[Change]:
    """Every place where two plain trees differ, under ``path``.

    A mapping of another kind, and a list of another length, is one change.
    """
    yield from _changes(a, b, path)


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
