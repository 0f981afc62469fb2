"""Option A."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import Any, ClassVar, Literal, get_args

from ..axes import Axes
from ..operation import Steps
from ..operations import ZeroPadOpSpec
from ..operations.zero_pad import Pad, Subsample
from ..seen import Seen
from ..shortcut import Line, ShortcutSpec
from ..site import Site
from .identity import IdentitySpec


class ZeroPadSpec(ShortcutSpec):
    """S(x) = every stride-th pixel of x, then channels of zeros; without parameters."""

    note: ClassVar[str | None] = "option A"
    line: ClassVar[Line | None] = Line("purple", 2.0, "5 4")
    implied_sign: ClassVar[str] = "+0"
    self_validating: ClassVar[bool] = True
    words: ClassVar[str] = "x subsampled and padded with channels of zeros"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"pad": "both"},
        {"subsample": "avg_pool"},
    )

    kind: Literal["zero_pad"] = "zero_pad"
    pad: Pad = "end"
    """Position of the zero channels: all after x (`end`), or half on either side (`both`)."""
    subsample: Subsample = "pixel"
    """Every stride-th `pixel`, or the mean of each square (`avg_pool`, as in the code of Han et al.
    2017, PyramidNet, arXiv 1610.02915)."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        pads, subsamples = get_args(Pad), get_args(Subsample)
        return [{"pad": p, "subsample": s} for p, s in product(pads, subsamples)]

    def why_illegal(self, in_channels: int, out_channels: int, stride: Axes) -> str | None:
        if in_channels <= out_channels:
            return None
        return f"zero_pad can widen, never narrow: {in_channels} channels to {out_channels}"

    def steps(self, site: Site) -> Steps:
        return _steps(self)

    def drawn_inside(self, site: Site) -> ShortcutSpec:
        # Nothing is padded where the shape is kept.
        return IdentitySpec() if site.keeps_shape else self


@lru_cache(16)
def _steps(shortcut: ZeroPadSpec) -> Steps:
    op = ZeroPadOpSpec(pad=shortcut.pad, subsample=shortcut.subsample, stride="block")
    return (("", op),)
