"""Arms that a design space gives: ``sample`` instead of ``base`` and ``arms``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from ...generation import Space, list_spaces, load_space
from ...specs.base import Spec
from ...specs.errors import Fault, SpecError
from ...specs.explain import faults_of, shown

MAX_SAMPLE = 1_000


class SampleSpec(Spec):
    """The first ``n`` networks of a space's sample, each an arm.

    >>> SampleSpec(space="cifar_resnets", n=50)
    SampleSpec(space='cifar_resnets', n=50, seed=0)
    """

    space: Annotated[str, Field(min_length=1, max_length=4096)]
    """A shipped space, or a file; a relative path starts at the sweep's folder."""
    n: Annotated[int, Field(ge=1, le=MAX_SAMPLE)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """What the draws follow from."""


def with_drawn_arms(tree: dict[str, Any]) -> dict[str, Any]:
    """A sweep's tree with the base and the arms that its ``sample`` stands for, named by digest.

    As arms of a space have no first among them, nothing is compared unless the sweep says so.
    Raises :class:`~resforge.SpecError` with paths into the sweep.
    """
    given = tree["sample"]
    if faults := list(conflicts(tree)):
        raise SpecError(faults)
    if not isinstance(given, dict):
        message, help_ = f"expected a mapping, not {shown(given)}", "write {space: ..., n: 50}"
        raise SpecError(Fault("type", message, "sample", help_))
    try:
        sample = SampleSpec(**given)
    except ValidationError as error:
        found, more = faults_of(error, SampleSpec, given)
        wrong = [dataclasses.replace(fault, path=f"sample.{fault.path}") for fault in found]
        raise SpecError(wrong, more) from None
    space = _space(sample)
    try:
        drawn = list(islice(space.sample(sample.seed), sample.n))
    except SpecError as error:
        raise _within(sample, error) from None
    if len(drawn) < sample.n:
        message = f"{sample.space} has {len(drawn)} different networks, not {sample.n}"
        raise SpecError(Fault("sample", message, "sample.n", f"use n: {len(drawn)}"))
    arms = {network.digest[:12]: space.changes(network) for network in drawn}
    return {"comparisons": [], **tree, "base": space.base, "arms": arms}


def beside(tree: dict[str, Any], folder: Path) -> dict[str, Any]:
    """``tree`` with its sample's file found from ``folder``."""
    sample = tree.get("sample")
    name = sample.get("space") if isinstance(sample, dict) else None
    if not isinstance(name, str) or name in list_spaces() or not (os.sep in name or "." in name):
        return tree
    return {**tree, "sample": {**sample, "space": os.fspath(folder / name)}}  # type: ignore[dict-item]


def conflicts(tree: dict[str, Any]) -> Iterator[Fault]:
    """What a sweep says beside its sample and must not."""
    for key in ("base", "axes", "arms", "design"):
        if tree.get(key) is not None:
            message = f"a sample has its networks from the space, and none from {key}"
            yield Fault("conflict", message, key, f"leave out {key}, or sample")


def _space(sample: SampleSpec) -> Space:
    try:
        return load_space(sample.space)
    except SpecError as error:
        raise _within(sample, error) from None


def _within(sample: SampleSpec, error: SpecError) -> SpecError:
    """The faults of the space's own file, told where the sweep names it."""
    faults = []
    for fault in error.faults:
        place = f"{fault.line}:{fault.column} " if fault.line else ""
        inside = f"{place}{fault.path}: " if place or fault.path else ""
        message = f"{sample.space}: {inside}{fault.message}"
        faults.append(Fault(fault.code, message, "sample.space", fault.help))
    return SpecError(faults, error.more)
