"""The recipe of a run: by name or file, with what its request changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from ...errors import SpecError
from ...reading.load import validate
from ...specs.explain import faults_of
from ...specs.merge import merge
from ...text.reader import read_file
from ...training.optimizer import AdamWSpec
from ...training.recipe import Precision, Recipe, batch_fault
from ...training.recipes import list_recipes
from .request import RunRequest

#: Recipe of a request without one; :func:`recipe_of` adds its warm-up.
DEFAULT = Recipe(optimizer=AdamWSpec(lr=1e-3), batch_size=32)
#: Schedules that begin at their peak and fall: these have a warm-up by default.
_FALLING = ("cosine", "step")


def read_recipe(text: str) -> Recipe:
    """Read the recipe of a name, or of a ``.yaml`` or ``.json`` file.

    Raises :class:`~resforge.SpecError` with the nearest name, or the position in the file.

    >>> read_recipe("he2015_cifar").batch_size
    128
    """
    path = Path(text)
    if text in list_recipes() or not (path.suffix or path.is_file()):
        return Recipe.named(text)
    return validate(Recipe, read_file(path))


def recipe_of(
    request: RunRequest,
    count: int,
    note: Callable[[str], None] = lambda text: None,
    *,
    device: str = "cpu",
    resumed: Recipe | None = None,
) -> Recipe:
    """The recipe for the epochs of a request, with ``count`` training pictures.

    A request without a recipe warms up for a twentieth of the steps, unless its schedule is
    constant or rises by itself; its batches fit a small folder, which ``note`` is called with.
    Precision, memory format and whether the optimizer is fused, where neither the request nor its
    recipe sets them, are those of the ``resumed`` recipe; in a new run the precision is that of
    :func:`default_precision`.
    Raises :class:`~resforge.SpecError`, also for batches of more than ``count``.
    """
    tree = merge((request.recipe or DEFAULT).model_dump(mode="json"), _changes(request))
    if request.recipe is None and request.batch_size is None and count < DEFAULT.batch_size:
        tree["batch_size"] = max(2, count // 4)
        note(f"{count} training pictures: batches of {tree['batch_size']} (--batch-size)")
    tree |= _by_device(request, device, resumed, note)
    if resumed is not None and tree["optimizer"].get("fused") is None:
        tree["optimizer"] = {**tree["optimizer"], "fused": resumed.optimizer.fused}
    steps = request.epochs * max(1, count // max(1, tree["batch_size"]))
    if request.warmup is not None:
        tree["warmup"] = request.warmup
    elif request.recipe is None:
        tree["warmup"] = steps // 20 if tree["schedule"]["kind"] in _FALLING else 0
    tree |= {"steps": steps, "evaluations": 1}  # unused: a run validates after each epoch
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        faults, more = faults_of(error, Recipe, tree)
        raise SpecError(faults, more) from None
    if fault := batch_fault(recipe.batch_size, count):
        raise SpecError(replace(fault, help=f"use --batch-size {count} or less"))
    return recipe


def default_precision(device: str) -> Precision:
    """bfloat16 on CUDA devices with instructions for it, else float32.

    >>> default_precision("cpu")
    'float32'
    """
    able = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if able else "float32"


def _by_device(
    request: RunRequest, device: str, resumed: Recipe | None, note: Callable[[str], None]
) -> dict[str, Any]:
    """The settings whose default depends on the device, or on the run that is resumed."""
    given = request.recipe.model_fields_set if request.recipe else set()
    missing = {"precision", "channels_last"} - given
    if request.precision is not None:
        missing.discard("precision")
    if resumed is not None:
        return {name: getattr(resumed, name) for name in missing}
    if "precision" not in missing:
        return {}
    precision = default_precision(device)
    if precision != "float32":
        note(f"training in {precision} (--precision float32 for float32)")
    return {"precision": precision}


def _changes(request: RunRequest) -> dict[str, Any]:
    """What the options of a request change in its recipe."""
    optimizer = {
        "kind": request.optimizer,
        "lr": request.lr,
        "weight_decay": request.weight_decay,
    }
    changes = {
        "optimizer": _given(optimizer),
        "schedule": _given({"kind": request.schedule}),
        "batch_size": request.batch_size,
        "label_smoothing": request.label_smoothing,
        "precision": request.precision,
    }
    return _given(changes)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
