"""The names of dyhan0920/PyramidNet-PyTorch: norms are numbered from the first of a block."""

from __future__ import annotations

from ..naming import Form, Rule, shallow

WORDS = "those of PyramidNet-PyTorch"

_BLOCK = "layer{s}.{b}."
_BODY: tuple[Rule, ...] = (
    (_BLOCK + "conv{n}", _BLOCK + "conv{n}"),
    (_BLOCK + "bn{n}", _BLOCK + "bn{n+1}"),
    ("norm", "bn_final"),
    ("fc", "fc"),
)

FORMS = (
    Form((("stem.conv1", "conv1"), ("stem.norm1", "bn1"), *_BODY), shallow),
    Form((("conv1", "conv1"), ("bn1", "bn1"), *_BODY), shallow, requires="layer1.0.bn0"),
)
