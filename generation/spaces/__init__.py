"""The shipped design spaces, one YAML file each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ...specs.catalogue import entries
from ...specs.paths import nearest


@cache
def _names() -> tuple[str, ...]:
    names = (item.name for item in files(__name__).iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".yaml")))


def list_spaces() -> list[str]:
    """The names of the shipped spaces."""
    return list(_names())


def text(name: str) -> str:
    """The YAML text of a space, with its comments."""
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")


def help_for(name: str) -> str:
    """The help line of the error for an unknown name."""
    if name in entries():
        return f"{name} is a network: write a space with base: {name}"
    close = nearest(name, list_spaces())
    known = f"shipped are {', '.join(list_spaces())}"
    return f"did you mean {close!r}?" if close else known
