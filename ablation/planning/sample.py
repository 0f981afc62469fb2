"""Arms from a design space: ``sample`` or ``search`` instead of ``base`` and ``arms``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from ...errors import Fault, SpecError
from ...generation import Architecture, Space, list_spaces, load_space
from ...generation.draws import TRIES
from ...specs.base import Spec
from ...specs.explain import faults_of, shown

MAX_SAMPLE = 1_000
#: Keys of a sweep whose arms are drawn from a space.
DRAWN = ("sample", "search")


class SampleSpec(Spec):
    """The first ``n`` networks drawn from a space, each an arm.

    >>> SampleSpec(space="cifar_resnets", n=50)
    SampleSpec(space='cifar_resnets', n=50, seed=0, guided=False, tries=10000)
    """

    space: Annotated[str, Field(min_length=1, max_length=4096)]
    """Name of a shipped space, or a file; a relative path is relative to the sweep's folder."""
    n: Annotated[int, Field(ge=1, le=MAX_SAMPLE)]
    """Number of networks to draw."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of the draws."""
    guided: bool = False
    """Draws go from random points towards the limits, for networks that are too rare for chance."""
    tries: Annotated[int, Field(ge=1, lt=2**63)] = TRIES
    """Points that are looked at for each draw. More of them change no network that fewer give."""

    @property
    def first_batch(self) -> int:
        """Number of networks that are drawn before any of them is trained."""
        return self.n


def with_drawn_arms(tree: dict[str, Any], kinds: Mapping[str, type[SampleSpec]]) -> dict[str, Any]:
    """Tree of a sweep, with the base and the arms that its ``sample`` or ``search`` stands for.

    ``kinds`` are their models.

    Arms are named by digest. The arms of a ``search`` are its first batch, which depends on the
    seed alone. Nothing is compared unless the sweep declares comparisons, since no arm of a space
    is a baseline. Raises :class:`~resforge.SpecError` with paths into the sweep.
    """
    key = next(key for key in DRAWN if tree.get(key) is not None)
    kind, given = kinds[key], tree[key]
    if faults := list(conflicts(tree)):
        raise SpecError(faults)
    if not isinstance(given, dict):
        message, help_ = f"expected a mapping, not {shown(given)}", "write {space: ..., n: 50}"
        raise SpecError(Fault("type", message, key, help_))
    try:
        sample = kind(**given)
    except ValidationError as error:
        faults, more = faults_of(error, kind, given)
        moved = [dataclasses.replace(fault, path=f"{key}.{fault.path}") for fault in faults]
        raise SpecError(moved, more) from None
    try:
        space = load_space(sample.space)
    except SpecError as error:
        raise _within(sample, key, error) from None
    try:
        drawn = list(islice(space.sample(sample.seed, sample.tries, sample.guided), sample.n))
    except SpecError as error:
        raise _within(sample, key, error) from None
    if len(drawn) < sample.n:
        message = f"{sample.space} has {len(drawn)} different networks, not {sample.n}"
        raise SpecError(Fault("sample", message, f"{key}.n", f"use n: {len(drawn)}"))
    first = arms_of(space, drawn[: sample.first_batch])
    return {"comparisons": [], **tree, "base": space.base, "arms": first}


def arms_of(space: Space, networks: Iterable[Architecture]) -> dict[str, dict[str, Any]]:
    """Changes of the space's base for each network, by the start of its digest."""
    return {network.digest[:12]: space.changes(network) for network in networks}


def beside(tree: dict[str, Any], folder: Path) -> dict[str, Any]:
    """``tree`` with a relative path of its space resolved against ``folder``."""
    for key in DRAWN:
        drawn = tree.get(key)
        name = drawn.get("space") if isinstance(drawn, dict) else None
        if isinstance(name, str) and name not in list_spaces() and (os.sep in name or "." in name):
            tree = {**tree, key: {**drawn, "space": os.fspath(folder / name)}}  # type: ignore[dict-item]
    return tree


def conflicts(tree: dict[str, Any]) -> Iterator[Fault]:
    """Faults of keys that cannot be combined with ``sample`` or ``search``."""
    own, *others = (key for key in DRAWN if tree.get(key) is not None)
    for key in (*others, "base", "axes", "arms", "design"):
        if tree.get(key) is not None:
            message = f"a {own} takes its networks from the space, not from {key}"
            yield Fault("conflict", message, key, f"leave out {key}, or {own}")


def _within(sample: SampleSpec, key: str, error: SpecError) -> SpecError:
    """Faults of the space's file, located where the sweep names the space."""
    faults = []
    for fault in error.faults:
        place = f"{fault.line}:{fault.column} " if fault.line else ""
        inside = f"{place}{fault.path}: " if place or fault.path else ""
        message = f"{sample.space}: {inside}{fault.message}"
        faults.append(Fault(fault.code, message, f"{key}.space", fault.help))
    return SpecError(faults, error.more)
