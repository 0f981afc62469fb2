"""The stem that cuts the picture into squares."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import Channels
from ..operation import Steps
from ..operations import ConvSpec, NormOpSpec
from ..seen import Seen
from ..site import Site
from ..stem import StemSpec, biased

_PATCHES = range(1, 17)


class PatchifyStemSpec(StemSpec):
    """One convolution over squares that do not overlap, then a norm.

    The stem of ConvNeXt: Liu et al. 2022 (arXiv 2201.03545), section 2.3.
    """

    self_validating: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"width": 4}, {"width": 4, "patch": 3})

    kind: Literal["patchify"] = "patchify"
    width: Channels = 64
    """Channels put out."""
    patch: Annotated[int, Field(ge=1, le=16)] = 4
    """Side of the squares: kernel and stride of the convolution, which is not padded."""
    bias: bool = False
    """Bias on the convolution; always there where no norm follows."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        conv = seen.conv("conv1")
        # A kernel of a state dict may as well stride less; an even one hardly does.
        if conv is None or conv.stride not in (None, conv.kernel) or conv.kernel not in _PATCHES:
            return []
        return [biased(seen, {"width": conv.out_channels, "patch": conv.kernel})]

    def channels(self, site: Site) -> int:
        return self.width

    def steps(self, site: Site) -> Steps:
        return _steps(self)


@lru_cache(1024)
def _steps(stem: PatchifyStemSpec) -> Steps:
    patch, bias = stem.patch, stem.bias or None
    conv = ConvSpec(kernel=patch, width=stem.width, stride=patch, padding=0, bias=bias)
    return (("conv1", conv), ("bn1", NormOpSpec()))
