"""What stands where the convolutions of a word do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from ..operation import Operation, Steps
from ..operations import ConvSpec
from ..seen import Seen, SeenConv


def given_convs(seen: Seen) -> list[dict[str, Any]]:
    """The fields of operations in place of convolutions, one mapping for each choice of them."""
    names = [name for name in seen.stand_ins if name in seen.operations]
    choices = product(*(seen.operations[name] for name in names))
    return [dict(zip(names, choice, strict=True)) for choice in choices]


def other_convs(
    convs: Sequence[SeenConv],
    kernels: Sequence[int],
    more: Sequence[Mapping[str, Any]] = ({}, {}, {}),
) -> dict[str, Any]:
    """The fields of the convolutions that are not of the usual ``kernels``, or say ``more``.

    >>> conv = SeenConv("conv1", 8, 8, 5, False, 1, 1)
    >>> other_convs([conv, conv], (3, 5))
    {'conv1': {'kind': 'conv', 'kernel': 5}}
    """
    fields: dict[str, Any] = {}
    for number, (conv, usual, said) in enumerate(zip(convs, kernels, more, strict=False), start=1):
        given = {name: value for name, value in said.items() if (name, value) != ("groups", 1)}
        if conv.kernel and (conv.kernel != usual or given):
            fields[f"conv{number}"] = {"kind": "conv", "kernel": conv.kernel, **given}
    return fields


def in_place_of(conv: ConvSpec, op: Operation) -> Operation:
    """``op`` where ``conv`` stood: of what it leaves at its defaults, it has that of ``conv``.

    >>> op = in_place_of(ConvSpec(kernel=3, stride="block", groups=4), ConvSpec(kernel=5))
    >>> op.kernel, op.stride, op.groups
    (5, 'block', 4)
    """
    fields = type(op).model_fields
    if "stride" not in fields:
        return op  # such as attention, whose width and bias are those of layers within it
    usual: dict[str, Any] = {
        name: getattr(conv, name)
        for name in ("width", "stride", "groups", "bias")
        if name in fields and getattr(op, name) == fields[name].default
    }
    if getattr(op, "group_width", None) is not None:
        usual.pop("groups", None)  # it says how many itself
    return op.model_copy(update=usual)


def strided(ops: Sequence[Operation], stride_by: Operation | None) -> list[tuple[Operation, Steps]]:
    """What stands where the convolutions do, each with what strides in its place."""
    if stride_by is None:
        return [(op, ()) for op in ops]
    pool: Steps = (("pool", stride_by.model_copy(update={"stride": "block"})),)
    return [
        (op.model_copy(update={"stride": 1}), pool)
        if getattr(op, "stride", 1) == "block"
        else (op, ())
        for op in ops
    ]
