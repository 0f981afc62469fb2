"""Searches in files: what was asked, what was told, and where the random numbers stand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from ..errors import Fault, SpecError, wrong_type
from ..files import write_whole
from ..planner.figures import Figures
from ..specs.base import Spec
from ..specs.explain import faults_of
from .draws import TRIES
from .evolution import Evolution
from .nsga2 import NSGA2
from .points import Architecture
from .random_search import Measured, Method, RandomSearch
from .records import record_of
from .search import make_search
from .space import Space

_SEARCHES = (RandomSearch, Evolution, NSGA2)
_SETTINGS = ("seed", "guided", "tries", "population", "tournament")
_Count = Annotated[int, Field(ge=0)]
_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _whole(index: Any) -> Any:
    """An index, which may stand as a text."""
    digits = isinstance(index, str) and len(index) <= 1000 and index.isascii() and index.isdigit()
    return int(index) if digits else index


class _Network(Spec):
    """A network of the history: all of an :class:`Architecture` but its spec."""

    number: _Count
    index: Annotated[_Count, BeforeValidator(_whole)]
    digest: _Digest
    params: _Count
    macs: _Count
    activations: _Count
    depth: _Count
    receptive_field: _Count
    move: str = ""
    parents: tuple[_Digest, ...] = Field(default=(), strict=False)
    values: dict[str, Any] = Field(default_factory=dict)
    """Its choices, for people."""


class _Result(Spec):
    network: _Count
    """Place in the history."""
    values: tuple[float | None, ...] = Field(strict=False, min_length=1)
    """None stands for a value that is not finite."""


class _Saved(Spec):
    search: Literal[1]
    """Version of the format."""
    space: dict[str, Any]
    method: Method
    seed: int
    guided: bool = False
    tries: Annotated[int, Field(ge=1)] = TRIES
    population: Annotated[int, Field(ge=1)] = 1
    tournament: Annotated[int, Field(ge=1)] = 1
    drawn: _Count
    rolled: Annotated[int, Field(ge=0, le=10**9)]
    history: tuple[_Network, ...] = Field(strict=False)
    results: tuple[_Result, ...] = Field(strict=False)


def save_search(search: RandomSearch, path: str | os.PathLike[str]) -> None:
    """Write a search to a JSON file, atomically: its settings, space, history and results.

    :func:`load_search` resumes it. Raises :class:`~resforge.errors.StoreError` where the file
    cannot be written.
    """
    if type(search) not in _SEARCHES:
        raise wrong_type("save_search", "one of the searches of resforge", search)
    tree = {
        "search": 1,
        "method": search.method,
        **{name: getattr(search, name) for name in _SETTINGS if hasattr(search, name)},
        "space": search.space.model_dump(mode="json"),
        "drawn": search.position[0],
        "rolled": search.position[1],
        "history": [_network_tree(search.space, each.network) for each in search.history],
        "results": _result_trees(search),
    }
    write_whole(Path(path), json.dumps(tree, indent=1) + "\n")


def load_search(path: str | os.PathLike[str], space: Space | None = None) -> RandomSearch:
    """The search that :func:`save_search` wrote; it asks for what that one would have asked for.

    With ``space`` it goes on in that space, where every network of its history must stand at the
    same index; a space with quantities of one's own (:meth:`Space.constrained`) is always given.
    Raises :class:`SpecError` for another file, and for a network that is not in the space.

    >>> from resforge.generation import load_space
    >>> search = Evolution(load_space("cifar_resnets"), seed=0, population=2)
    >>> _ = search.tell(search.ask(), 0.5)
    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile(suffix=".json") as file:
    ...     save_search(search, file.name)
    ...     load_search(file.name).ask() == search.ask()
    True
    """
    file = os.fspath(path)
    if space is not None and not isinstance(space, Space):
        help_ = "call load_space for a shipped name or a file"
        raise wrong_type("load_search", "a space", space, help_)
    saved = _read(file)
    with _located(file):
        space = Space(**saved.space) if space is None else space
        networks = [_network(space, each) for each in saved.history]
        _check_results(saved.results, len(networks))
    tells = [Measured(networks[each.network], *_numbers(each.values)) for each in saved.results]
    settings = (saved.method, saved.seed, saved.population, saved.tournament)
    search = make_search(space, *settings, saved.guided, saved.tries)
    search.restore(networks, tells, saved.drawn, saved.rolled)
    return search


def _network_tree(space: Space, network: Architecture) -> dict[str, Any]:
    tree = {**record_of(network, space), "move": network.move, "parents": network.parents}
    del tree["spec"]
    return tree


def _result_trees(search: RandomSearch) -> list[dict[str, Any]]:
    places = {each.network.digest: place for place, each in enumerate(search.history)}
    return [
        {
            "network": places[found.network.digest],
            "values": [value if isfinite(value) else None for value in found.values],
        }
        for found in search.tells
    ]


def _read(file: str) -> _Saved:
    try:
        with open(file, "rb") as opened:
            tree = json.load(opened)
        if not isinstance(tree, dict):
            raise ValueError("it holds no mapping")
    except OSError as error:
        message = (error.strerror or "cannot be read").lower()
        raise SpecError(Fault("file", message, file=file)) from None
    except (ValueError, RecursionError) as error:
        raise SpecError(Fault("search", f"no saved search: {error}", file=file)) from None
    with _located(file):
        try:
            return _Saved(**tree)
        except ValidationError as error:
            raise SpecError(*faults_of(error, _Saved, tree)) from None


@contextmanager
def _located(file: str) -> Iterator[None]:
    """Name the file in faults of what it holds."""
    try:
        yield
    except SpecError as error:
        raise SpecError([replace(each, file=file) for each in error.faults], error.more) from None


def _network(space: Space, saved: _Network) -> Architecture:
    """A network of the history, which must be what stands at its index in ``space``."""
    index = saved.index
    spec = space.template.spec_at(index)
    figures = Figures(*(getattr(saved, name) for name in Figures._fields))
    found = Architecture(saved.number, index, spec, saved.digest, *figures)
    return space.own(replace(found, move=saved.move, parents=saved.parents))


def _check_results(results: Sequence[_Result], networks: int) -> None:
    """Refuse a result of no network, or with another number of values than the first."""
    for place, result in enumerate(results):
        where = f"results[{place}]"
        if result.network >= networks:
            message = f"there is no network {result.network}: the history has {networks}"
            raise SpecError(Fault("search", message, f"{where}.network"))
        if len(result.values) != len(results[0].values):
            message = (
                f"a result has {len(result.values)} values, and the first {len(results[0].values)}"
            )
            raise SpecError(Fault("search", message, f"{where}.values"))


def _numbers(values: tuple[float | None, ...]) -> tuple[float, tuple[float, ...]]:
    first, *others = (inf if value is None else value for value in values)
    return first, tuple(others)
