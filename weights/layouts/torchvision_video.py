"""torchvision's names of its networks for video: ``layer1.0.conv1.0``, and of its (2+1)D
convolutions ``layer1.0.conv1.0.3``."""

from __future__ import annotations

from ..naming import Form, Rule, deep, shallow

WORDS = "those of torchvision's networks for video"

_BLOCK = "layer{s}.{b}."
_REST: tuple[Rule, ...] = (
    (_BLOCK + "downsample.{n}", _BLOCK + "downsample.{n}"),
    ("fc", "fc"),
)
_STEMS: tuple[Rule, ...] = (("stem.conv{n}", "stem.{3n-3}"), ("stem.norm{n}", "stem.{3n-2}"))
_WHOLE: tuple[Rule, ...] = (
    (_BLOCK + "conv{n}", _BLOCK + "conv{n}.0"),
    (_BLOCK + "bn{n}", _BLOCK + "conv{n}.1"),
)
_PARTED: tuple[Rule, ...] = (
    (_BLOCK + "conv{n}.spatial", _BLOCK + "conv{n}.0.0"),
    (_BLOCK + "conv{n}.norm", _BLOCK + "conv{n}.0.1"),
    (_BLOCK + "conv{n}.temporal", _BLOCK + "conv{n}.0.3"),
    (_BLOCK + "bn{n}", _BLOCK + "conv{n}.1"),
)

FORMS = (
    Form((*_STEMS, *_WHOLE, *_REST), shallow, requires="stem.conv1"),
    Form((*_STEMS, *_PARTED, *_REST), deep, requires="layer1.0.conv1.spatial"),
)
