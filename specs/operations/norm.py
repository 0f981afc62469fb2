"""The norm of a network, or another one, as a step of a chain."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..call import IDENTITY, Call, ChannelCount, call
from ..norm import BatchNormSpec, GroupNormSpec, NoNormSpec, NormSpec
from ..operation import After, Operation, Problem
from ..site import Site
from ..trace import Module, Trace


class NormOpSpec(Operation):
    """A norm: the network's unless another is named."""

    main: ClassVar[str | None] = "norm"
    sign: ClassVar[str | None] = "norm"
    legend: ClassVar[str] = "norm"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"norm": {"kind": "group", "groups": 1}})
    unevaluated: ClassVar[frozenset[str]] = frozenset({"momentum"})
    after: ClassVar[After] = "same"

    kind: Literal["norm"] = "norm"
    norm: NormSpec | None = None
    """`batch`, `group` or `none`, with their fields. Left out: the network's norm."""

    def settle(self, site: Site) -> Operation:
        return self if self.norm is not None else norm_op(site.norm)

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        assert self.norm is not None
        trace.norm(name, self.norm)
        if not isinstance(self.norm, NoNormSpec):
            trace.fresh = True

    def call(self, module: Module) -> Call:
        norm, channels = self.norm, ChannelCount(module.out_channels)
        if isinstance(norm, BatchNormSpec):
            return call("nn.BatchNorm2d", channels, **norm.differing("eps", "momentum"))
        if isinstance(norm, GroupNormSpec):
            return call("nn.GroupNorm", norm.groups, channels, **norm.differing("eps"))
        return IDENTITY

    def canonical(self, module: Module) -> dict[str, Any] | None:
        norm = self.norm
        if norm is None or isinstance(norm, NoNormSpec):
            return None
        return {"op": "norm", **norm.model_dump(mode="json", exclude_defaults=True)} | (
            {} if norm.kind == "batch" else {"norm": norm.kind}
        )

    def sign_of(self, module: Module) -> str | None:
        return "" if isinstance(self.norm, NoNormSpec) else self.sign

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        norm = self.norm
        if isinstance(norm, GroupNormSpec) and module.in_channels % norm.groups:
            yield (
                "norm.groups",
                f"{norm.groups} groups do not divide {module.in_channels} channels",
                f"use a divisor of {module.in_channels}",
            )


@lru_cache(256)
def norm_op(norm: NormSpec) -> NormOpSpec:
    """The step that applies ``norm``."""
    return NormOpSpec(norm=norm)
