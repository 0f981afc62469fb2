"""The names of pre-activated CIFAR networks after kuangliu/pytorch-cifar.

They are those of its other networks, but norms are numbered from the first of a block, and the
convolutions of attention stand beside the others.
"""

from __future__ import annotations

from ..naming import Form, Rule, shallow

WORDS = "those of pytorch-cifar's pre-activated networks"

_BLOCK = "layer{s}.{b}."
_BODY: tuple[Rule, ...] = (
    (_BLOCK + "conv{n}", _BLOCK + "conv{n}"),
    (_BLOCK + "bn{n}", _BLOCK + "bn{n+1}"),
    (_BLOCK + "se.fc{n}", _BLOCK + "fc{n}"),
    (_BLOCK + "downsample.{n}", _BLOCK + "shortcut.{n}"),
    ("norm", "bn"),
    ("fc", "linear"),
)

_FIRST = "layer1.0.bn0"
FORMS = (
    Form((("stem.conv1", "conv1"), *_BODY), shallow, requires=_FIRST),
    Form((("conv1", "conv1"), ("bn1", "bn1"), *_BODY), shallow, requires=_FIRST),
)
