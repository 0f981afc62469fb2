"""The networks people build by hand today, in one readable YAML file for each family."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from ...errors import Fault, SpecError, wrong_type
from ...text.reader import SUFFIXES, read
from ..paths import nearest
from .families import Entry, entries

__all__ = ["Entry", "entries", "entry", "list_specs", "mend_of", "text", "tree"]


def list_specs(
    pattern: str = "*", *, family: str | None = None, source: str | None = None
) -> list[str]:
    """Names in the catalogue that match a shell pattern, in natural order.

    ``family`` and ``source`` leave only the entries of one family or of one project. Raises
    :class:`SpecError` with the nearest name where there is no such family or source.

    >>> list_specs("vgg*")
    []
    >>> list_specs("resnet18*", source="torchvision")
    ['resnet18']
    """
    for key, value in (("pattern", pattern), ("family", family), ("source", source)):
        if not isinstance(value, str | None) or (value is None and key == "pattern"):
            raise wrong_type("list_specs", f"{key} as text", value, "write 'resnet*'")
    known = entries()
    _check("family", family, (each.family for each in known.values()))
    _check("source", source, (each.source for each in known.values()))
    return [
        name
        for name, each in known.items()
        if fnmatchcase(name, pattern)
        and family in (None, each.family)
        and source in (None, each.source)
    ]


def _check(key: str, value: str | None, known: Iterable[str]) -> None:
    names = sorted(set(known))
    if value is not None and value not in names:
        close = nearest(value, names)
        help_ = f"did you mean {close!r}?" if close else f"known: {', '.join(names)}"
        raise SpecError(Fault("catalogue", f"no {key} {value!r} in the catalogue", help=help_))


def entry(name: object) -> Entry:
    """The entry of a name. Raises :class:`SpecError` with the nearest name where there is none."""
    found = entries().get(name) if isinstance(name, str) else None
    if found is None:
        message = f"no {name!r} in the catalogue"
        raise SpecError(Fault("catalogue", message, "base", _mend_of_base(name)))
    return found


def text(name: str) -> str:
    """The YAML text of a catalogue entry as a file of its own, comments and all.

    Raises :class:`SpecError` as :func:`entry` does.

    >>> print(text("plain18"), end="")
    # He et al. 2015, Deep Residual Learning (arXiv 1512.03385).
    # Figure 3, middle: resnet18 without its shortcuts.
    resforge: 1
    name: plain18
    base: resnet18
    shortcut: none
    """
    return entry(name).text


def _mend_of_base(name: object) -> str:
    """The help line for a ``base`` that is not in the catalogue."""
    if not isinstance(name, str):
        return mend_of(name)
    if not name.lower().endswith(SUFFIXES):
        return mend_of(name.rpartition("/")[2])  # of a hub, say
    stem, instead = name.rpartition(".")[0], "write the file's keys here in its place"
    instead = f"{instead}; in a sweep or a space, under base"
    if stem in entries():
        instead = f"write {stem}"
    return f"base takes names of the catalogue, not files: {instead}"


def mend_of(name: object) -> str:
    """The help line for a name that is not in the catalogue."""
    begun = [entry for entry in entries() if entry.startswith(str(name)) and len(str(name)) > 3]
    # A name that is cut short means the plainest of those that begin so.
    close = begun[0] if begun else nearest(name, list(entries()))
    return (f"did you mean {close!r}? " if close else "") + "`resforge list` shows every name"


def tree(name: str) -> dict[str, Any]:
    """A catalogue entry as a plain tree, whose ``base`` is another entry.

    Raises :class:`SpecError` as :func:`entry` does, and for entries that start from each other.
    """
    found = read(text(name), name=f"{name}.yaml").tree
    line, base = [name], found.get("base")
    while base is not None:
        if base in line:
            circle = " -> ".join([*line[line.index(base) :], base])
            message = f"entries of the catalogue start from each other: {circle}"
            raise SpecError(Fault("catalogue", message, "base", "write one of them out"))
        line.append(base)
        base = entry(base).base
    return found
