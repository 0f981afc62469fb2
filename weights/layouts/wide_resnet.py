"""The names of wide ResNets after xternalz/WideResNet-pytorch: ``block1.layer.0.conv1``.

The first norm belongs to the first block there, and ends the stem in resforge. That is the same
network where the first block widens, so that its shortcut takes the activated map; the form needs
that projection.
"""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, shallow
from .fixed import plain, with_fields

WORDS = "those of WideResNet-pytorch"

_BLOCK = "block{s}.layer.{b}."

FORMS = (
    Form(
        (
            ("conv1", "conv1"),
            ("bn1", "block1.layer.0.bn1"),
            ("layer{s}.{b}.conv{n}", _BLOCK + "conv{n}"),
            ("layer{s}.{b}.bn{n}", _BLOCK + "bn{n+1}"),
            ("layer{s}.{b}.downsample.0", _BLOCK + "convShortcut"),
            ("norm", "bn1"),
            ("fc", "fc"),
        ),
        shallow,
        requires="layer1.0.downsample.0",
    ),
)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the choices of this code: relu, the usual norms, the stride on the 3x3."""
    return with_fields(plain(spec), bottleneck={"stride_on": "conv2"})
