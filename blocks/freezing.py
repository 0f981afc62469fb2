"""Parts of a network that are not trained."""

# Annotations stay objects here (no `from __future__ import annotations`), as beside it.

import re
from typing import TypeVar

from torch import nn

from .frozen import NORMS, freeze_norm

Model = TypeVar("Model", bound=nn.Module)


def freeze(model: Model, part: str) -> Model:
    """Freeze a part of a network built by resforge, in place, and return the network.

    `backbone` is all but the head, `stages:N` the stem and the first N stages, `norm` every norm.
    The weights of the part are not trained any more, and its batch norms keep their statistics
    under `model.train()`, as after :func:`freeze_norm`; the state dict stays the same. Dropout and
    stochastic depth stay active in training. Raises `ValueError` for any other part.

    >>> import resforge as rf
    >>> model = freeze(rf.build("resnet18"), "stages:3").train()
    >>> {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad} == {
    ...     "layer4",
    ...     "fc",
    ... }
    True
    >>> model.layer1[0].bn1.training
    False
    """
    parts = freezable(model)
    if part not in parts:
        raise ValueError(f"{part!r} cannot be frozen; use {parts_text(model)}")
    if part == "norm":
        return freeze_norm(model)
    for name in parts[part]:
        module = model.get_submodule(name)
        module.requires_grad_(False)
        # The wrapper lets a child that is itself a norm be exchanged.
        holder = nn.Sequential()
        holder.add_module("child", module)
        model.set_submodule(name, freeze_norm(holder).get_submodule("child"))
    return model


def freezable(model: nn.Module) -> dict[str, list[str]]:
    """The parts of `model` that can be frozen, and the names of their modules."""
    children = [name for name, _ in model.named_children()]
    stages = [name for name in children if re.fullmatch(r"layer\d+", name)]
    head = getattr(model, "head_names", ["fc"])
    ends = [0] if not stages else [children.index(stages[0])]
    ends += [children.index(name) + 1 for name in stages]
    return {
        "backbone": [name for name in children if name not in head],
        "norm": [name for name, module in model.named_modules() if isinstance(module, NORMS)],
        **{f"stages:{number}": children[:end] for number, end in enumerate(ends)},
    }


def parts_text(model: nn.Module) -> str:
    """The parts that can be frozen, for messages."""
    return f"backbone, norm, or stages:0 to {[*freezable(model)][-1]}"
