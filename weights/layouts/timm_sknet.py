"""timm's names of selective kernel networks, in whose blocks a norm belongs to its convolution:
``conv2.conv``, ``conv2.bn``, ``conv2.paths.0.conv``, ``conv2.attn.fc_reduce``."""

from __future__ import annotations

from ..naming import Form, Rule, deep, shallow
from .timm import DEEP
from .torchvision import HEAD, SHALLOW

WORDS = "those of timm's selective kernel networks"

_BLOCK = "layer{s}.{b}."
_PARTS = (
    ("paths.{m}.conv", "paths.{m}.conv"),
    ("paths.{m}.bn", "paths.{m}.bn"),
    ("attention.fc1", "attn.fc_reduce"),
    ("attention.bn", "attn.bn"),
    ("attention.fc2", "attn.fc_select"),
)
_BODY: tuple[Rule, ...] = (
    *((f"{_BLOCK}conv{{n}}.{ours}", f"{_BLOCK}conv{{n}}.{theirs}") for ours, theirs in _PARTS),
    (_BLOCK + "conv{n}", _BLOCK + "conv{n}.conv"),
    (_BLOCK + "bn{n}", _BLOCK + "conv{n}.bn"),
    (_BLOCK + "downsample.{n}", _BLOCK + "downsample.{n}"),
)

FORMS = (
    Form((*SHALLOW, *_BODY, *HEAD), shallow),
    Form((*DEEP, *_BODY, *HEAD), deep),
)
