"""timm's names of the bottleneck ResNets that its ByobNet assembles: ``stages.0.0.conv1_1x1.conv``.

A stem of three convolutions is a word of resforge where a pool ends it, and a chain where the last
convolution strides instead. A convolution before the pool makes a chain of the head, too.
Attention has no name here: it stands after the 3x3 and not at the end of the branch.
"""

from __future__ import annotations

from itertools import product

from ..naming import Form, Rule

WORDS = "those of timm's ByobNet"

_BLOCK = "stages.{s-1}.{b}."
_BODY: tuple[Rule, ...] = (
    *(
        (f"layer{{s}}.{{b}}.{ours}{kernel[0]}", f"{_BLOCK}conv{kernel}.{ours}")
        for kernel in ("1_1x1", "2_kxk", "3_1x1")
        for ours in ("conv", "bn")
    ),
    ("layer{s}.{b}.downsample.0", _BLOCK + "shortcut.conv"),
    ("layer{s}.{b}.downsample.1", _BLOCK + "shortcut.bn"),
)
_STEMS: tuple[tuple[Rule, ...], ...] = (
    (("conv1", "stem.conv"), ("bn1", "stem.bn")),
    (("conv{n}", "stem.conv{n}.conv"), ("bn{n}", "stem.conv{n}.bn")),
    (("stem.conv{n}", "stem.conv{n}.conv"), ("stem.norm{n}", "stem.conv{n}.bn")),
)
_HEADS: tuple[tuple[Rule, ...], ...] = (
    (("fc", "head.fc"),),
    (
        ("head.conv1", "final_conv.conv"),
        ("head.norm1", "final_conv.bn"),
        ("head.linear1", "head.fc"),
    ),
)

FORMS = tuple(Form((*stem, *_BODY, *head)) for head, stem in product(_HEADS, _STEMS))
