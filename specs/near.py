"""The kinds that an unknown name may mean: by what they are called elsewhere, and by spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

SHOWN = 3
"""Kinds that a message proposes."""
OWN_KINDS = "; kinds of your own: resforge.register"
"""The end of a help line for an unknown kind, which its author may have meant to register."""


def near_kinds(word: object, kinds: Mapping[str, Any]) -> list[str]:
    """The kinds that ``word`` may mean, likeliest first.

    A kind is known by its name and its ``synonyms``, whatever their case, underscores and number
    of axes: as one of them, as one that is spelled like it, or as one within it.

    >>> from resforge.specs import OPERATIONS
    >>> near_kinds("BatchNorm2d", OPERATIONS), near_kinds("cnov", OPERATIONS)
    (['norm'], ['conv'])
    >>> near_kinds("max_pool_3x3", OPERATIONS)
    ['pool']
    """
    names = dict(_names(kinds))
    given = _folded(str(word))
    if given in names:
        return [names[given]]
    close = get_close_matches(given, names, n=SHOWN, cutoff=0.6)
    found = list(dict.fromkeys(names[name] for name in close))
    if not found:
        within = sorted((name for name in names if len(name) > 2 and name in given), key=len)
        found = list(dict.fromkeys(names[name] for name in reversed(within)))
    return found[:SHOWN]


def meant(word: object, kinds: Mapping[str, Any]) -> str:
    """A help line for a word that is no operation.

    >>> from resforge.specs import OPERATIONS
    >>> meant("nrm", OPERATIONS)
    "did you mean 'norm'? `resforge list --operations` shows all"
    """
    close, shows = (
        " or ".join(map(repr, near_kinds(word, kinds))),
        "`resforge list --operations` shows all",
    )
    return f"did you mean {close}? {shows}" if close else f"{shows}{OWN_KINDS}"


def _names(kinds: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What each kind is called, and the kind; a name of its own replaces a synonym."""
    for kind, model in kinds.items():
        yield from ((_folded(name), kind) for name in model.synonyms)
    yield from ((_folded(kind), kind) for kind in kinds)


def _folded(name: str) -> str:
    return re.sub(r"[123]d$|[^a-z0-9]", "", name.casefold())
