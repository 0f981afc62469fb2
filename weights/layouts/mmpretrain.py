"""mmpretrain's names, with and without the prefix ``backbone.`` (mmcv publishes the latter).

A deep stem is a sequence of ConvModules (a flat ``nn.Sequential`` in mmsegmentation), and attention
is ``se_layer``. A projection with stride 1 has no average pool, which shifts the numbers of its
layers by one.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...specs.layout import BlockPlan
from ..naming import Form
from .torchvision import BLOCK

WORDS = "those of mmpretrain"

_SHALLOW = (("conv1", "conv1"), ("bn1", "bn1"))
_DEEP = (("conv{n}", "stem.{n-1}.conv"), ("bn{n}", "stem.{n-1}.bn"))
_FLAT = (
    ("conv1", "stem.0"),
    ("bn1", "stem.1"),
    ("conv2", "stem.3"),
    ("bn2", "stem.4"),
    ("conv3", "stem.6"),
    ("bn3", "stem.7"),
)
_ATTENTION = (("layer{s}.{b}.se.fc{n}", "layer{s}.{b}.se_layer.conv{n}.conv"),)


def _without_pool(blocks: Iterable[BlockPlan]) -> dict[str, str]:
    return {
        f"{block.name}.downsample.{number}": f"{block.name}.downsample.{number - 1}"
        for block in blocks
        if block.shortcut.kind == "avg_projection" and block.stride == 1
        for number in (1, 2)
    }


FORMS = tuple(
    Form(
        (
            *((ours, prefix + theirs) for ours, theirs in (*stem, *BLOCK, *_ATTENTION)),
            ("fc", "head.fc"),
        ),
        "shallow" if stem is _SHALLOW else "deep",
        _without_pool,
    )
    for prefix in ("backbone.", "")
    for stem in (_SHALLOW, _DEEP, _FLAT)
)
