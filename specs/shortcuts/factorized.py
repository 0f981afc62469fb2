"""The shortcut of Shake-Shake."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..axes import Axes
from ..operation import Steps
from ..operations import ActSpec, ConvSpec, NormOpSpec, ParallelSpec, PoolSpec, TranslateSpec
from ..shortcut import ShortcutSpec
from ..site import Site


class FactorizedSpec(ShortcutSpec):
    """S(x) = norm([conv1x1(z), conv1x1(z moved by a pixel)]), z = act(x), each at the block's
    stride with half of the channels.

    Where the block strides by 2, the halves see other pixels: each pixel and its diagonal
    neighbour. Shake-Shake (Gastaldi 2017, arXiv 1705.07485), section 2.1; DARTS calls it factorized
    reduction.
    """

    words: ClassVar[str] = "1x1 convolutions of x and of x moved by a pixel, beside each other"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({},)

    kind: Literal["factorized"] = "factorized"

    def why_illegal(self, in_channels: int, out_channels: int, stride: Axes) -> str | None:
        return "a single channel has no halves" if out_channels == 1 else None

    def steps(self, site: Site) -> Steps:
        half = max(1, site.out_channels // 2)
        return _steps(half, max(1, site.out_channels - half))


@lru_cache(64)
def _steps(here: int, beside: int) -> Steps:
    each = PoolSpec(pool="avg", kernel=1, stride="block")
    paths = (
        (each, ConvSpec(kernel=1, width=here)),
        (TranslateSpec(pixels=1), each, ConvSpec(kernel=1, width=beside)),
    )
    return (("0", ActSpec()), ("1", ParallelSpec(paths=paths, join="cat")), ("2", NormOpSpec()))
