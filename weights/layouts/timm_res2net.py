"""timm's names of Res2Net, whose scales are ``convs`` and ``bns`` of the block."""

from __future__ import annotations

from ..naming import Form, Rule, deep, shallow
from .timm import DEEP
from .torchvision import BLOCK, HEAD, SHALLOW

WORDS = "those of timm's Res2Net"

_BLOCK = "layer{s}.{b}."
SCALES: tuple[Rule, ...] = (
    (_BLOCK + "conv2.paths.{n}.conv", _BLOCK + "convs.{n}"),
    (_BLOCK + "conv2.paths.{n}.bn", _BLOCK + "bns.{n}"),
)

FORMS = (
    Form((*SHALLOW, *SCALES, *BLOCK, *HEAD), shallow),
    Form((*DEEP, *SCALES, *BLOCK, *HEAD), deep),
)
