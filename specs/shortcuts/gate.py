"""A shortcut that is opened and closed by its input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from ..join import GateJoinSpec, Gating, JoinSpec
from ..seen import Seen
from .wrapper import WrapperSpec


class GateSpec(Gating, WrapperSpec):
    """(1 - g(x)) S(x) + g(x) F(x), or (1 - g(x)) S(x) + F(x); g = sigmoid(conv1x1(x)), biased.

    He et al. 2016 (arXiv 1603.05027), section 3.1: ``exclusive`` is the gate of Highway Networks
    (Srivastava et al. 2015), ``shortcut_only`` leaves the branch alone. The gate has the block's
    stride, and a value for each channel that the block puts out.
    """

    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"mode": "shortcut_only", "bias_init": 0.0},
        {"of": "projection"},
    )

    kind: Literal["gate"] = "gate"

    @classmethod
    def around(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        if seen.conv("gate") is None:
            return []
        bias = seen.constants.get("gate.bias")
        start = {} if bias is None else {"bias_init": bias}
        return [{**start, "mode": mode} for mode in ("exclusive", "shortcut_only")]

    def joined(self) -> JoinSpec:
        return GateJoinSpec(mode=self.mode, bias_init=self.bias_init)
