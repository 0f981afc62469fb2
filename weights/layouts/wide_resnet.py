"""The names of wide ResNets after xternalz/WideResNet-pytorch: ``block1.layer.0.convShortcut``.

The first norm belongs to the first block there. A stem of resforge may end in it instead: that is
the same network where the first block widens, so that its shortcut takes the activated map. The
form for such stems needs that projection.
"""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, Rule, shallow, shallow_and_activated
from .fixed import plain, with_fields

WORDS = "those of WideResNet-pytorch"

_BLOCK = "block{s}.layer.{b}."

_REST: tuple[Rule, ...] = (
    ("layer{s}.{b}.conv{n}", _BLOCK + "conv{n}"),
    ("layer{s}.{b}.bn{n}", _BLOCK + "bn{n+1}"),
    ("layer{s}.{b}.downsample.0", _BLOCK + "convShortcut"),
    ("norm", "bn1"),
    ("fc", "fc"),
)

FORMS = (
    Form(
        (("conv1", "conv1"), ("bn1", "block1.layer.0.bn1"), *_REST),
        shallow_and_activated,
        requires="layer1.0.downsample.0",
    ),
    Form((("stem.conv1", "conv1"), *_REST), shallow, requires="layer1.0.bn0"),
)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the choices of this code: relu, the usual norms, the stride on the 3x3."""
    return with_fields(plain(spec), bottleneck={"stride_on": "conv2"})
