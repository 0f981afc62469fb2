"""The networks people build by hand today, one readable YAML file for each."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from ...errors import Fault, SpecError
from ...text.reader import read
from ..paths import nearest


@cache
def _names() -> tuple[str, ...]:
    folder = files(__name__)
    names = (item.name for item in folder.iterdir())
    return tuple(sorted((name[:-5] for name in names if name.endswith(".yaml")), key=_natural))


def _natural(name: str) -> list[str]:
    """Sorts ``resnet50`` before ``resnet101``."""
    letters = "".join(c if not c.isdigit() else " " for c in name).split()
    digits = "".join(c if c.isdigit() else " " for c in name).split()
    return [*letters[:1], *(number.zfill(8) for number in digits), *letters[1:]]


def list_specs(pattern: str = "*") -> list[str]:
    """Names in the catalogue that match a shell pattern, in natural order.

    >>> list_specs("resnet[135]*_2*")
    []
    >>> list_specs("resnet18*")
    ['resnet18', 'resnet18_d2l', 'resnet18d']
    """
    return [name for name in _names() if fnmatchcase(name, pattern)]


def text(name: str) -> str:
    """The YAML text of a catalogue entry, comments and all.

    Raises :class:`SpecError` with the nearest name where there is no such entry.
    """
    if name not in _names():
        message = f"no {name!r} in the catalogue"
        raise SpecError(Fault("catalogue", message, "base", mend_of(name)))
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")


def mend_of(name: str) -> str:
    """The help line for a name that is not in the catalogue."""
    close = nearest(name, list(_names()))
    return (f"did you mean {close!r}? " if close else "") + "`resforge list` shows every name"


def tree(name: str) -> dict[str, Any]:
    """A catalogue entry as a plain tree."""
    return read(text(name), name=f"{name}.yaml").tree
