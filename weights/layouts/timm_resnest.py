"""timm's names of ResNeSt, whose split attention is ``conv2.conv``, ``conv2.bn0``, ``conv2.fc1``,
``conv2.bn1``, ``conv2.fc2``."""

from __future__ import annotations

from ..naming import Form, Rule, deep
from .timm import DEEP
from .torchvision import BLOCK, HEAD

WORDS = "those of timm's ResNeSt"

_SPLIT = "layer{s}.{b}.conv2."
ATTENTION: tuple[Rule, ...] = (
    (_SPLIT + "path.conv", _SPLIT + "conv"),
    (_SPLIT + "path.bn", _SPLIT + "bn0"),
    (_SPLIT + "attention.fc{n}", _SPLIT + "fc{n}"),
    (_SPLIT + "attention.bn", _SPLIT + "bn1"),
)

FORMS = (Form((*DEEP, *ATTENTION, *BLOCK, *HEAD), deep),)
