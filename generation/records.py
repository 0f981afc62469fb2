"""A network of a space as one line of JSON or one row of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import path_text
from ..text.csv_text import as_csv
from ..text.inline import in_words
from .points import Architecture
from .space import Space

#: Figures of a network, as columns of a table.
FIGURES = ("number", "index", "digest", "params", "macs", "activations", "depth", "receptive_field")
_EXACT = 2**53


def record_of(found: Architecture, space: Space | None = None) -> dict[str, Any]:
    """A network as the values of one line of JSON, with its choices as ``values`` where its
    ``space`` is given.

    Programs that read numbers as floats would round an ``index`` beyond 2^53: that is a text.
    """
    figures = {name: getattr(found, name) for name in FIGURES}
    return {
        **figures,
        "index": found.index if found.index <= _EXACT else str(found.index),
        **({"values": space.values(found)} if space else {}),
        "spec": found.spec.to_tree(),
    }


def columns_of(space: Space) -> list[str]:
    """The names of the columns of :func:`table_of`: figures, then one for each free place."""
    places = [path_text(place) for free in space.template.free for place in free.places]
    return [*FIGURES, *places]


def table_of(space: Space, networks: Iterable[Architecture], header: bool = True) -> str:
    """Networks of ``space`` as CSV: a row for each, with its figures and its choices.

    >>> from resforge.generation import load_space
    >>> space = load_space("cifar_resnets")
    >>> table = table_of(space, [space.find("cifar_resnet20")]).splitlines()
    >>> table[0].split(",")[3:5], table[0].split(",")[8]
    (['params', 'macs'], 'stages[0].depth')
    >>> table[1].split(",")[3:5], table[1].split(",")[8]
    (['269722', '40551040'], '3')
    """
    rows = [columns_of(space)] if header else []
    for found in networks:
        figures = [getattr(found, name) for name in FIGURES]
        rows.append([*figures, *map(_cell, space.values(found).values())])
    return as_csv(rows)


def _cell(value: Any) -> Any:
    """A number as it is, all else in words."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return value if plain else in_words(value)
