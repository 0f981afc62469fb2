"""timm's names of its ``resnetv2`` networks, pre-activated, BiT's among them.

Their stem ends in a bare convolution and a pool, and the first block begins with the norm. A stem
may end in that norm instead, as a chain: ``[{conv: 7, width: 64, stride: 2}, {pool: max}, norm,
act]``. That is the same network where the first block's shortcut takes the activated map, as a
projection does. The last layer is a 1x1 convolution there.
"""

from __future__ import annotations

from ..naming import Form, Rule, deep, shallow, without_pools

WORDS = "those of timm's resnetv2"

_BLOCK = "stages.{s-1}.blocks.{b}."
_REST: tuple[Rule, ...] = (
    ("layer{s}.{b}.conv{n}", _BLOCK + "conv{n}"),
    ("layer{s}.{b}.bn{n}", _BLOCK + "norm{n+1}"),
    ("layer{s}.{b}.downsample.0", _BLOCK + "downsample.conv"),
    ("norm", "norm"),
    ("fc", "head.fc"),
)
_FIRST_NORM = "stages.0.blocks.0.norm1"
_SHALLOW: tuple[Rule, ...] = (("stem.conv1", "stem.conv"), ("stem.norm1", _FIRST_NORM))
_DEEP: tuple[Rule, ...] = (
    ("stem.norm3", _FIRST_NORM),
    ("stem.conv{n}", "stem.conv{n}"),
    ("stem.norm{n}", "stem.norm{n}"),
)

_BARE_SHALLOW, _BARE_DEEP = _SHALLOW[:1], _DEEP[1:]

FORMS = tuple(
    Form((*stem, *_REST), made_for, without_pools, "layer1.0.bn0")
    for stem, made_for in ((_BARE_SHALLOW, shallow), (_BARE_DEEP, deep))
) + tuple(
    Form((*stem, *_REST), made_for, without_pools, "layer1.0.downsample.0")
    for stem, made_for in ((_SHALLOW, shallow), (_DEEP, deep))
)
#: Linear layers, by their native names, that are 1x1 convolutions there.
CONVOLUTIONS = ("fc",)
