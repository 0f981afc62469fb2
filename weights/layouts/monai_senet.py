"""MONAI's names of its SENets, for any number of axes: ``layer1.0.conv1.adn.N``.

The linear layers of the attention are 1x1 convolutions in resforge.
"""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, Rule, deep, shallow
from .fixed import plain

WORDS = "those of MONAI's SENets"

_BLOCK = "layer{s}.{b}."
_BODY: tuple[Rule, ...] = (
    (_BLOCK + "conv{n}", _BLOCK + "conv{n}.conv"),
    (_BLOCK + "bn{n}", _BLOCK + "conv{n}.adn.N"),
    (_BLOCK + "se.fc{n}", _BLOCK + "se_layer.fc.{2n-2}"),
    (_BLOCK + "downsample.0", _BLOCK + "project.conv"),
    (_BLOCK + "downsample.1", _BLOCK + "project.adn.N"),
    ("fc", "last_linear"),
)

FORMS = (
    Form((("conv1", "layer0.conv1"), ("bn1", "layer0.bn1"), *_BODY), shallow),
    Form((("conv{n}", "layer0.conv{n}"), ("bn{n}", "layer0.bn{n}"), *_BODY), deep),
)
#: The layers of the attention, linear there.
FLAT = ("se.fc1", "se.fc2")


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the choices of this code: relu and the usual norms."""
    return plain(spec)
