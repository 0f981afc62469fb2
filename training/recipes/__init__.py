"""Recipes of papers and public code, each a YAML file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from ...errors import Fault, SpecError
from ...specs.paths import nearest
from ...text.reader import read


@cache
def list_recipes() -> tuple[str, ...]:
    """Names of the recipes.

    >>> list_recipes()[1:3]
    ('he2015_cifar', 'he2015_cifar_110')
    """
    names = (file.name for file in files(__name__).iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".yaml")))


def tree(name: str) -> dict[str, Any]:
    """A recipe as a plain tree. Raises :class:`~resforge.SpecError` with the nearest name for an
    unknown one."""
    if name not in list_recipes():
        known = [*list_recipes()]
        close = nearest(name, known)
        help = f"did you mean {close!r}?" if close else f"use {' or '.join(known)}"
        raise SpecError(Fault("value", f"no recipe is called {name!r}", "base", help))
    text = (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
    return read(text, name=f"{name}.yaml").tree
