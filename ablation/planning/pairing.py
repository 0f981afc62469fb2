"""Pairing: the initial weights that two networks share, by their plans alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from ...planner.plan import Plan
from ...specs.layer import Layer, Shape

#: Shape and distribution of a tensor's initial values; with name and seed they decide the values.
_Start = tuple[Any, ...]


class Shared(NamedTuple):
    """Initial weights that a network shares with another when both are built with the same seed."""

    tensors: int
    """Number of learnable tensors with bitwise equal initial values."""
    of: int
    """Number of all learnable tensors of the network."""
    params: int
    """Number of parameters in the equal tensors."""
    share: float
    """Fraction of the network's parameters that are in the equal tensors."""


def shared(plan: Plan, other: Plan) -> Shared:
    """Initial weights that the network of ``plan`` shares with that of ``other``.

    Tensors of the same name and shape are drawn from the same random stream; they are equal if
    their distribution is the same, too. A free tensor without a constant start counts as
    different, since only its module knows its initial values.

    >>> import resforge as rf
    >>> option_b = rf.load("cifar_resnet20").replace({"shortcut": "projection"})
    >>> shared(rf.plan(option_b), rf.plan("cifar_resnet20"))
    Shared(tensors=59, of=65, params=269722, share=0.9898999537570558)
    """
    own, others = dict(_starts(plan)), dict(_starts(other))
    equal = [
        prod(shape)
        for name, (shape, *how) in own.items()
        if how != ["made"] and others.get(name) == (shape, *how)
    ]
    params = sum(equal)
    return Shared(len(equal), len(own), params, params / plan.params if plan.params else 1.0)


def _starts(plan: Plan) -> Iterator[tuple[str, _Start]]:
    """Shape and distribution of each learnable tensor, as ``builder.weights`` initialises it."""
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
    """Tensors whose initial values are one constant."""
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
                yield from ((name, 0.0) for name in end.zeros)
