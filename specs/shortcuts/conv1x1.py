"""The shortcut that is a bare convolution."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..operation import Steps
from ..operations import ConvSpec
from ..shortcut import Line, ShortcutSpec
from ..site import Site


class Conv1x1Spec(ShortcutSpec):
    """S(x) = conv1x1(x) at the block's stride, without a norm.

    He et al. 2016 (arXiv 1603.05027), section 3.1 and Figure 2e. Option C of He et al. 2015 has a
    norm after it: ``{match: projection, change: projection}``.
    """

    bare_match: ClassVar[str | None] = None
    line: ClassVar[Line | None] = Line("violet", 2.2, "0.1 4.4")
    self_validating: ClassVar[bool] = True
    words: ClassVar[str] = "a 1x1 convolution of x"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"bias": True})

    kind: Literal["conv1x1"] = "conv1x1"
    bias: bool = False
    """Whether the convolution carries a bias."""

    def steps(self, site: Site) -> Steps:
        return (("0", ConvSpec(kernel=1, stride="block", bias=self.bias)),)
