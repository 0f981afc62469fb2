"""The block of two 3x3 convolutions."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..operations import ConvSpec
from .ordered import OrderedSpec

_CONVS = (ConvSpec(kernel=3, stride="block"), ConvSpec(kernel=3))


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
        {"dropout": 0.3},
    )

    kind: Literal["basic"] = "basic"

    def convs(self, width: int) -> tuple[ConvSpec, ...]:
        return _CONVS
