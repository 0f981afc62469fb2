"""Kinds of one's own that a test registers; a worker process imports them from here."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from resforge.ablation import Sweep
from resforge.specs import Call, Module, ShortcutSpec, Site, Trace, call
from torch import Tensor, nn


class ShiftSpec(ShortcutSpec):
    """x plus one learned number."""

    kind: Literal["shift"] = "shift"
    bare_match: ClassVar[str | None] = None

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        return None if (in_channels, stride) == (out_channels, 1) else "shift keeps the shape"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.parameter(f"{name}.shift", 1, start=0.0)

    def call(self, module: Module) -> Call:
        return call("MapShift")


class MapShift(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift


def sweep() -> Sweep:
    """A network with the registered shortcut beside one without, one step each."""
    return Sweep(
        sweep=1,
        base="digits_resnet8",
        arms={"A": {}, "shift": {"shortcut.match": "shift"}},
        seeds=1,
        recipe={"steps": 1, "batch_size": 16, "evaluations": 1},
    )
