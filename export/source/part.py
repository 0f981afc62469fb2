"""A piece of the text: a class, a function or a value, with what it needs."""

from __future__ import annotations

from typing import Any, NamedTuple


class Part(NamedTuple):
    """A class, a function or a value, as text."""

    name: str
    text: str
    imports: frozenset[str]
    needs: tuple[Any, ...]
    """The parts that it uses: objects, the module and the name of a value, or keys."""


def name_of(what: Any) -> str:
    """What the text calls a class, a function, or the value that a module has under a name."""
    return str(what[1] if isinstance(what, tuple) else what.__name__)


def key_of(what: Any) -> str:
    """A text for a class, a function, or the value that a module has under a name.

    >>> from collections import Counter
    >>> key_of(Counter)
    'collections:Counter'
    """
    if isinstance(what, tuple):
        return f"{what[0].__name__}:{what[1]}"
    return f"{what.__module__}:{what.__qualname__}"
