"""The names of kenshohara/3D-ResNets-PyTorch: ``layer1.0.conv1_s`` of (2+1)D convolutions, and
``layer1.0.bn1`` of the norm before a pre-activated branch. Its other networks have torchvision's
names."""

from __future__ import annotations

from ..naming import Form, Rule

WORDS = "those of kenshohara's 3D ResNets"

_BLOCK = "layer{s}.{b}."
_SHORTCUT: Rule = (_BLOCK + "downsample.{n}", _BLOCK + "downsample.{n}")
_PARTED: tuple[Rule, ...] = (
    ("stem.conv1", "conv1_s"),
    ("stem.norm1", "bn1_s"),
    ("stem.conv2", "conv1_t"),
    ("stem.norm2", "bn1_t"),
    (_BLOCK + "conv{n}.spatial", _BLOCK + "conv{n}_s"),
    (_BLOCK + "conv{n}.norm", _BLOCK + "bn{n}_s"),
    (_BLOCK + "conv{n}.temporal", _BLOCK + "conv{n}_t"),
)
_BASIC: tuple[Rule, ...] = ((_BLOCK + "bn{n}", _BLOCK + "bn{n}_t"),)
_BOTTLENECK: tuple[Rule, ...] = (
    (_BLOCK + "bn2", _BLOCK + "bn2_t"),
    (_BLOCK + "conv{n}", _BLOCK + "conv{n}"),
    (_BLOCK + "bn{n}", _BLOCK + "bn{n}"),
)
_ACTIVATED_FIRST: tuple[Rule, ...] = (
    ("conv1", "conv1"),
    ("bn1", "bn1"),
    (_BLOCK + "branch.conv{n}", _BLOCK + "conv{n}"),
    (_BLOCK + "branch.norm{n}", _BLOCK + "bn{n}"),
)
_END: tuple[Rule, ...] = (_SHORTCUT, ("fc", "fc"))

FORMS = (
    Form((*_PARTED, *_BASIC, *_END), requires="layer1.0.conv1.spatial"),
    Form((*_PARTED, *_BOTTLENECK, *_END), requires="layer1.0.conv2.spatial"),
    Form((*_ACTIVATED_FIRST, *_END), requires="layer1.0.branch.norm1"),
)
