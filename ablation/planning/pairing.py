"""How much of two networks starts alike, by their plans alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from ...planner.plan import Plan
from ...specs.trace import Layer, Shape

#: What decides the values that a tensor starts with, but for its name and the seed.
_Start = tuple[Any, ...]


class Shared(NamedTuple):
    """What one network has in common with another when both are built from one seed."""

    tensors: int
    """Learnable tensors that start bit for bit alike."""
    of: int
    """All learnable tensors it has."""
    params: int
    """Parameters in those that are alike."""
    share: float
    """Of its parameters."""


def shared(plan: Plan, other: Plan) -> Shared:
    """What the network of ``plan`` shares with that of ``other``.

    Tensors of the same name and shape are drawn from the same random stream; they are alike where
    they are drawn in the same way, too. A free tensor without a constant start counts as unlike,
    since only its module knows how it starts.

    >>> import resforge as rf
    >>> option_b = rf.load("cifar_resnet20").replace({"shortcut": "projection"})
    >>> shared(rf.plan(option_b), rf.plan("cifar_resnet20"))
    Shared(tensors=59, of=65, params=269722, share=0.9898999537570558)
    """
    here, there = dict(_starts(plan)), dict(_starts(other))
    alike = [
        prod(shape)
        for name, (shape, *how) in here.items()
        if how != ["made"] and there.get(name) == (shape, *how)
    ]
    params = sum(alike)
    return Shared(len(alike), len(here), params, params / plan.params if plan.params else 1.0)


def _starts(plan: Plan) -> Iterator[tuple[str, _Start]]:
    """Each learnable tensor with its shape and how it starts, as ``builder.weights`` fills it."""
    constants = dict(_constants(plan))
    for layer in plan.layers:
        for name, shape in layer.parameters.items():
            value = constants.get(name)
            how = _drawn(layer, plan, shape) if value is None else ("constant", value)
            yield name, (shape, *how)


def _drawn(layer: Layer, plan: Plan, shape: Shape) -> _Start:
    if layer.kind == "parameter":
        return ("made",)
    if shape != layer.weight:  # a bias, which is scaled by its layer's fan-in
        return "uniform", prod(layer.weight[1:])
    normal = layer.kind == "conv" and plan.spec.init.scheme == "kaiming_normal"
    return ("normal",) if normal else ("uniform",)


def _constants(plan: Plan) -> Iterator[tuple[str, float]]:
    """Tensors that start at one value."""
    for layer in plan.layers:
        if layer.kind.endswith("_norm"):
            yield f"{layer.name}.weight", 1.0
            yield f"{layer.name}.bias", 0.0
        for tensor, value in layer.starts:
            yield f"{layer.name}.{tensor}" if tensor else layer.name, value
    for stage in plan.stages:
        for block in stage:
            end = block.residual_end
            if plan.spec.init.zero_residual and not block.shortcut.absent and end is not None:
                yield from ((name, 0.0) for name in end.parameters)
