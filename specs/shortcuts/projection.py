"""The shortcut that is a convolution and a norm."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..base import OddKernel
from ..norm import NoNormSpec
from ..operation import Steps
from ..operations import ConvSpec, NormOpSpec
from ..seen import Seen
from ..shortcut import Line, ShortcutSpec
from ..site import Site


class ProjectingSpec(ShortcutSpec):
    """A convolution, with a norm and a bias of its own choosing."""

    norm: bool | None = None
    """Whether the network's norm follows the convolution. Left out: yes, but no beside a `d2l`
    block and beside a branch in the order `full_pre`, which ends without a norm too."""
    bias: bool | None = None
    """Whether the convolution carries a bias. Left out: as the convolutions of the block do."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        given: list[dict[str, Any]] = [{}, {"norm": True}, {"norm": False}]
        bias = any(conv.bias for conv in seen.convs)
        return [{**norm, **more} for more in ({}, {"bias": bias}) for norm in given]

    def normed(self, site: Site) -> bool:
        """Whether a norm follows the convolution."""
        wanted = site.projection_norm if self.norm is None else self.norm
        return wanted and not isinstance(site.norm, NoNormSpec)

    def biased(self, site: Site) -> bool | None:
        """Whether the convolution is biased; None for as the network has it."""
        biased = site.projection_bias if self.bias is None else self.bias
        return None if biased == site.bias else biased


class ProjectionSpec(ProjectingSpec):
    """S(x) = norm(conv1x1(x)), at the block's stride."""

    note: ClassVar[str | None] = "1x1 convolution, option B"
    line: ClassVar[Line | None] = Line("orange", 2.8)
    self_validating: ClassVar[bool] = True
    words: ClassVar[str] = "a {kernel}x{kernel} convolution of x"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"kernel": 3},
        {"norm": False, "bias": True},
    )

    kind: Literal["projection"] = "projection"
    kernel: OddKernel = 1
    """Side of the window, odd: 1, or 3 as in SENet-154 (Hu et al. 2018, section 6.4)."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        conv = seen.conv("0")
        if conv is None or not isinstance(conv.kernel, int) or conv.kernel % 2 == 0:
            return []
        kernel = {} if conv.kernel == 1 else {"kernel": conv.kernel}
        return [{**kernel, **fields} for fields in super().proposals(seen)]

    def steps(self, site: Site) -> Steps:
        return _steps(self.kernel, self.biased(site), self.normed(site))


@lru_cache(256)
def _steps(kernel: int, bias: bool | None, norm: bool) -> Steps:
    conv = ConvSpec(kernel=kernel, stride="block", bias=bias)
    return (("0", conv), *((("1", NormOpSpec()),) if norm else ()))
