"""The names of weiaicunzai/pytorch-cifar100's ResNets: ``conv2_x.0.residual_function.0``."""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, shallow
from .fixed import plain, with_fields

WORDS = "those of pytorch-cifar100"

_BLOCK = "conv{s+1}_x.{b}."

FORMS = (
    Form(
        (
            ("conv1", "conv1.0"),
            ("bn1", "conv1.1"),
            ("layer{s}.{b}.conv{n}", _BLOCK + "residual_function.{3n-3}"),
            ("layer{s}.{b}.bn{n}", _BLOCK + "residual_function.{3n-2}"),
            ("layer{s}.{b}.downsample.{n}", _BLOCK + "shortcut.{n}"),
            ("fc", "fc"),
        ),
        shallow,
    ),
)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the choices of this code: relu, the usual norms, the stride on the 3x3."""
    return with_fields(plain(spec), bottleneck={"stride_on": "conv2"})
