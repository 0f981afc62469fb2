"""Recipes of arms: the sweep's recipe with the changes that an arm makes beside its spec's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...errors import Fault, SpecError
from ...specs.explain import faults_of
from ...specs.paths import parse_path, set_path
from ...training.optimizer import OptimizerSpec
from ...training.recipe import Recipe, RecipeSpec, batch_fault
from ...training.schedule import ScheduleSpec
from ...training.warmup import WarmupSpec
from .blame import Change
from .sweep import Sweep, batch_for

#: Fields that decide how arms are measured, and so are the same for all.
MEASURED = ("select", "evaluations")
_RECIPE: TypeAdapter[Recipe] = TypeAdapter(RecipeSpec)
_PARTS: dict[str, TypeAdapter[Any]] = {
    "optimizer": TypeAdapter(OptimizerSpec),
    "schedule": TypeAdapter(ScheduleSpec),
    "warmup": TypeAdapter(WarmupSpec),
}


def recipe_for(sweep: Sweep, changes: Sequence[Change]) -> Recipe:
    """The sweep's recipe with those of ``changes`` that are of the recipe, made in their order.

    ``recipe.optimizer.lr`` is a field of the recipe, ``recipe`` the whole of it, of which the
    fields :data:`MEASURED` stay the sweep's. Raises :class:`SpecError`, whose paths begin with
    ``recipe``, for a change that is no legal recipe, or none that fits the sweep.
    """
    own = [change for change in changes if change.of_recipe]
    if not own:
        return sweep.recipe
    if faults := list(_measuring(own)):
        raise SpecError(faults)
    tree = sweep.recipe.model_dump(mode="json")
    for change in own:
        _, *path = parse_path(change.path)
        if not path:
            fixed = {name: getattr(sweep.recipe, name) for name in MEASURED}
            whole = _made(change.value).with_batch(batch_for(sweep.data))
            tree = {**whole.model_dump(mode="json"), **fixed}
        else:
            tree = _changed(tree, path, change.value)
    recipe = _made(tree)
    if fault := batch_fault(recipe.batch_size, sweep.data.trained, "recipe.batch_size"):
        raise SpecError(fault)
    return recipe


def _measuring(changes: Iterable[Change]) -> Iterator[Fault]:
    for change in changes:
        below = change.value if isinstance(change.value, dict) else {}
        for name in MEASURED:
            if change.path == f"recipe.{name}" or (change.path == "recipe" and name in below):
                message = f"{name} decides how arms are compared, and is the same for all of them"
                yield Fault("conflict", message, change.path, f"write {name} in the sweep's recipe")


def _changed(tree: dict[str, Any], path: Sequence[str | int], value: Any) -> dict[str, Any]:
    """``tree`` with the value at ``path`` replaced; the other fields of a new kind are added."""
    name = str(path[0])
    changed = dict(tree)
    if isinstance(changed.get(name), dict):
        changed[name] = dict(changed[name])
    try:
        set_path(changed, tuple(path), value)
    except SpecError as error:
        raise SpecError(_under_recipe(error.faults)) from None
    if name in _PARTS:
        with suppress(ValidationError):  # which the whole recipe reports in its own words
            changed[name] = _PARTS[name].validate_python(changed[name]).model_dump(mode="json")
    return changed


def _made(value: Any) -> Recipe:
    try:
        return _RECIPE.validate_python(value)
    except ValidationError as error:
        faults, more = faults_of(error, Recipe, value)
        raise SpecError(_under_recipe(faults), more) from None


def _under_recipe(faults: Iterable[Fault]) -> list[Fault]:
    return [
        dataclasses.replace(
            fault,
            path=f"recipe.{fault.path}".rstrip("."),
            message=fault.message.replace("the spec", "the recipe"),
        )
        for fault in faults
    ]
