"""The block of two 3x3 convolutions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from ..axes import largest
from ..operation import AnyOperation
from ..operations import ConvSpec
from ..seen import Seen
from .convolutions import other_convs
from .narrowed import times
from .ordered import OrderedSpec

_CONVS = {
    "conv1": (ConvSpec(kernel=3, stride="block"), ConvSpec(kernel=3)),
    "conv2": (ConvSpec(kernel=3), ConvSpec(kernel=3, stride="block")),
}


class BasicSpec(OrderedSpec):
    """F(x) = 3x3 and 3x3 convolutions.

    He et al. 2015 (arXiv 1512.03385), Figure 5 left. With a dilation the first has that of the
    stage before, the second the stage's own.
    """

    colour: ClassVar[str | None] = "blue"
    class_name: ClassVar[str] = "BasicBlock"
    branch_words: ClassVar[str] = "3x3, 3x3"
    source: ClassVar[str] = "He et al. 2015 (arXiv 1512.03385), Figure 5"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"order": "full_pre"},
        {"order": "norm_after_add"},
        {"order": "relu_before_add"},
        {"order": "relu_only_pre", "shortcut_input": "raw"},
        {"order": "pyramid"},
        {"dropout": 0.3},
        {"conv1": {"kind": "conv", "kernel": 5, "width": "x1/2", "groups": 2}},
        {"stride_on": "conv2"},
        {"stride_by": {"kind": "pool", "pool": "avg"}, "bias": True},
    )

    strides: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"stride_on": "conv2"})

    kind: Literal["basic"] = "basic"
    stride_on: Literal["conv1", "conv2"] = "conv1"
    """The convolution that strides: the first, or the second as in iResNet (InsightFace)."""
    conv1: AnyOperation | None = None
    """Operation in place of the first 3x3, such as `{conv: 5}` or `{conv: 3, groups: 4}`."""
    conv2: AnyOperation | None = None
    """Operation in place of the second 3x3."""

    @classmethod
    def shown(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        convs = seen.numbered("conv")
        if len(convs) != 2:
            return ({},)
        first, second = convs
        inner, outer = first.out_channels, second.out_channels
        groups = inner // second.in_channels
        # A state dict does not show how many channels the first takes, and so not its groups.
        more: dict[str, Any] = {"groups": seen.setting("conv1", "groups", groups)}
        if inner != outer:
            more["width"] = times(inner, outer)
        strides = {"stride_on": "conv2"} if largest(second.stride or 1) > 1 else {}
        return [strides | other_convs(convs, (3, 3), (more, {"groups": groups}))]

    def convs(self, width: int) -> tuple[ConvSpec, ...]:
        return _CONVS[self.stride_on]
