"""timm's names of its older ``senet`` networks: ``layer0.conv1``, ``se_module.fc1``.

The basic blocks are chains in resforge, because their branch ends in an activation.
"""

from __future__ import annotations

from ..naming import Form, Rule
from .torchvision import BLOCK

WORDS = "those of timm's senet"

_BLOCK = "layer{s}.{b}."
_ENDS: tuple[Rule, ...] = (
    ("conv{n}", "layer0.conv{n}"),
    ("bn{n}", "layer0.bn{n}"),
    ("fc", "last_linear"),
)
_WORDS: tuple[Rule, ...] = (*BLOCK, (_BLOCK + "se.fc{n}", _BLOCK + "se_module.fc{n}"))
_CHAINS: tuple[Rule, ...] = (
    (_BLOCK + "branch.conv{n}", _BLOCK + "conv{n}"),
    (_BLOCK + "branch.norm{n}", _BLOCK + "bn{n}"),
    (_BLOCK + "branch.se1.fc{n}", _BLOCK + "se_module.fc{n}"),
    (_BLOCK + "downsample.{n}", _BLOCK + "downsample.{n}"),
)

FORMS = (Form((*_ENDS, *_WORDS)), Form((*_ENDS, *_CHAINS)))
