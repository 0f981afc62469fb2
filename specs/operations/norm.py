"""The norm of a network, or another one, as a step of a chain."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..call import IDENTITY, Call, ChannelCount, call
from ..layer import Module
from ..norm import EvoNormS0Spec, GroupedNorm, GroupNormSpec, NoNormSpec, NormSpec
from ..operation import After, Operation, Problem
from ..site import Choices, Site
from ..trace import Trace
from .act import ActSpec


class NormOpSpec(Operation):
    """A norm: the network's unless another is named."""

    synonyms: ClassVar[tuple[str, ...]] = (
        "batch_norm",
        "bn",
        "group_norm",
        "gn",
        "layer_norm",
        "ln",
        "instance_norm",
        "normalization",
        "evonorm",
    )
    main: ClassVar[str | None] = "norm"
    sign: ClassVar[str | None] = "norm"
    legend: ClassVar[str] = "norm"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"norm": {"kind": "group", "groups": 1}},
        {"norm": {"kind": "group", "size": 2}},
        {"norm": {"kind": "evonorm_b0"}},
        {"norm": {"kind": "evonorm_s0", "groups": 2}},
        {"norm": {"kind": "filter_response"}},
    )
    unevaluated: ClassVar[frozenset[str]] = frozenset({"momentum"})
    after: ClassVar[After] = "same"
    sizeless: ClassVar[bool] = True

    may_take_next: ClassVar[bool] = True
    #: Whether it is the activation after it, too.
    activated: ClassVar[bool] = False

    kind: Literal["norm"] = "norm"
    norm: NormSpec | None = None
    """`batch`, `group`, `evonorm_b0`, `evonorm_s0`, `filter_response` or `none`, with their fields.
    Left out: the network's norm."""

    def settle(self, choices: Choices) -> Operation:
        return self if self.norm is not None else norm_op(choices.norm)

    def with_next(self, op: Operation) -> Operation | None:
        if self.norm is None or not self.norm.activating:
            return None
        follows = isinstance(op, ActSpec) and op.function is None
        return ActivatedNormSpec(norm=self.norm) if follows else None

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        norm = self.norm
        if norm is not None and norm.layer:
            trace.norm(name, norm, self.activated)
            trace.fresh = True

    def call(self, module: Module) -> Call:
        norm = self.norm
        if norm is None or isinstance(norm, NoNormSpec):
            return IDENTITY
        args: list[Any] = [ChannelCount(module.out_channels)]
        options = norm.differing("eps", "momentum")
        groups = norm.groups_of(module.out_channels)
        if isinstance(norm, GroupNormSpec):
            args.insert(0, groups)
        elif isinstance(norm, EvoNormS0Spec) and groups != 32:
            options["groups"] = groups
        if norm.activating and not self.activated:
            options["activate"] = False
        name = f"nn.BatchNorm{module.dims}d" if norm.kind == "batch" else _CLASSES[norm.kind]
        return call(name, *args, **options)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        norm = self.norm
        if norm is None or isinstance(norm, NoNormSpec):
            return None
        fields = {"op": "norm", **norm.identity(module.out_channels)}
        if self.activated:
            fields["activated"] = True
        return fields if norm.kind == "batch" else {**fields, "norm": norm.kind}

    def sign_of(self, module: Module) -> str | None:
        return "" if isinstance(self.norm, NoNormSpec) else self.sign

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        assert self.norm is not None
        at_point = bool(module.layers) and set(module.layer.in_size) == {1}
        return norm_problems(self.norm, module.in_channels, at_point)


class ActivatedNormSpec(NormOpSpec):
    """A norm that is the activation after it, too."""

    activated: ClassVar[bool] = True


_CLASSES = {
    "group": "nn.GroupNorm",
    "evonorm_b0": "EvoNormB0",
    "evonorm_s0": "EvoNormS0",
    "filter_response": "FilterResponseNorm",
}


def uneven(norm: GroupedNorm) -> tuple[str, str]:
    """The field that says the groups of a norm, and the groups in words."""
    if norm.size is None:
        return "groups", f"{norm.groups} groups"
    return "size", f"groups of {norm.size}"


@lru_cache(256)
def norm_op(norm: NormSpec) -> NormOpSpec:
    """The step that applies ``norm``."""
    return NormOpSpec(norm=norm)


def norm_call(norm: NormSpec, channels: int) -> Call:
    """The call that makes ``norm`` for so many channels.

    >>> norm_call(GroupNormSpec(groups=4), 64)
    Call(name='nn.GroupNorm', args=(4, 64), options={})
    """
    return norm_op(norm).call(Module("norm", norm, channels, channels, (), False))


def norm_problems(norm: NormSpec, channels: int, at_point: bool = False) -> Iterator[Problem]:
    """What is wrong with ``norm`` for so many channels; ``at_point``: of one position, whatever
    the size of the pictures."""
    if not isinstance(norm, GroupedNorm):
        return
    groups, (field, text) = norm.groups_of(channels), uneven(norm)
    if not groups:
        message = f"{text} do not divide {channels} channels"
        yield f"norm.{field}", message, f"use a divisor of {channels}"
    elif at_point and groups == channels and isinstance(norm, GroupNormSpec):
        message = (
            f"{text} are single numbers on {channels} channels of one position: each less itself"
            " is 0, which leaves the bias"
        )
        yield f"norm.{field}", message, "use larger groups, or more channels there"
