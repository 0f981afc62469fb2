"""The names of CIFAR networks after kuangliu/pytorch-cifar.

They are torchvision's, except that the projection is ``shortcut`` and the head ``linear``.
Networks of these names without projections take every second pixel and pad zeros on both sides
(akamaster/pytorch_resnet_cifar10, resnet.py: ``LambdaLayer``).
"""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, shallow
from .fixed import plain, with_fields

WORDS = "those of pytorch-cifar and its kin"

FORMS = (
    Form(
        (
            ("conv1", "conv1"),
            ("bn1", "bn1"),
            ("layer{s}.{b}.conv{n}", "layer{s}.{b}.conv{n}"),
            ("layer{s}.{b}.bn{n}", "layer{s}.{b}.bn{n}"),
            ("layer{s}.{b}.downsample.{n}", "layer{s}.{b}.shortcut.{n}"),
            ("fc", "linear"),
        ),
        shallow,
    ),
)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the activation, the norms and the zero-padding of this code."""
    return with_fields(plain(spec), zero_pad={"pad": "both", "subsample": "pixel"})
