"""The names of CIFAR networks after kuangliu/pytorch-cifar: ``shortcut``, ``linear``.

They are torchvision's, except that the projection is ``shortcut`` and the head ``linear``.
Networks of these names without projections take every second pixel and pad zeros on both sides
(akamaster/pytorch_resnet_cifar10, resnet.py: ``LambdaLayer``).
"""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, Rule, shallow
from .fixed import plain, with_fields

WORDS = "those of pytorch-cifar and its kin"

_BLOCK = "layer{s}.{b}."
_BODY: tuple[Rule, ...] = (
    (_BLOCK + "conv{n}", _BLOCK + "conv{n}"),
    (_BLOCK + "bn{n}", _BLOCK + "bn{n}"),
    (_BLOCK + "se.fc{n}", _BLOCK + "se.se{n}"),
    (_BLOCK + "downsample.{n}", _BLOCK + "shortcut.{n}"),
    ("fc", "linear"),
)

FORMS = (
    Form((("conv1", "conv1"), ("bn1", "bn1"), *_BODY), shallow),
    Form((("stem.conv1", "conv1"), ("stem.norm1", "bn1"), *_BODY), shallow),
)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the activation, the norms and the zero-padding of this code."""
    return with_fields(plain(spec), zero_pad={"pad": "both", "subsample": "pixel"})
