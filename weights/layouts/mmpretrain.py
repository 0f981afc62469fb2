"""mmpretrain's names, with and without the prefix ``backbone.``, and mmsegmentation's stem.

mmcv publishes those without the prefix. A deep stem is a sequence of ConvModules (a flat
``nn.Sequential`` in mmsegmentation), and attention is ``se_layer``; Res2Net's scales and ResNeSt's
split attention have timm's names. A projection with stride 1 has no average pool, which shifts the
numbers of its layers by one.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...specs.layout import BlockPlan
from ..naming import Form, Rule, deep, shallow, without_pools
from .timm_res2net import SCALES
from .timm_resnest import ATTENTION as SPLIT
from .torchvision import BLOCK

WORDS = "those of mmpretrain"

_SHALLOW = (("conv1", "conv1"), ("bn1", "bn1"))
_DEEP = (("conv{n}", "stem.{n-1}.conv"), ("bn{n}", "stem.{n-1}.bn"))
_FLAT = (("conv{n}", "stem.{3n-3}"), ("bn{n}", "stem.{3n-2}"))
_ATTENTION: tuple[Rule, ...] = (
    ("layer{s}.{b}.se.fc{n}", "layer{s}.{b}.se_layer.conv{n}.conv"),
    *SCALES,
    *SPLIT,
)


def _without_pool(blocks: Iterable[BlockPlan]) -> dict[str, str]:
    return without_pools(block for block in blocks if block.stride == 1)


FORMS = tuple(
    Form(
        (
            *((ours, prefix + theirs) for ours, theirs in (*stem, *_ATTENTION, *BLOCK)),
            ("fc", "head.fc"),
        ),
        shallow if stem is _SHALLOW else deep,
        _without_pool,
    )
    for prefix in ("backbone.", "")
    for stem in (_SHALLOW, _DEEP, _FLAT)
)
