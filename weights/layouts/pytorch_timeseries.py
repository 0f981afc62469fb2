"""okrasolar/pytorch-timeseries's names: ``layers.0.layers.1.layers.0`` is a convolution,
``layers.0.residual.0`` that of a shortcut. Blocks are numbered through all stages."""

from __future__ import annotations

from ..naming import Form
from .resnet1d import in_a_row

WORDS = "those of pytorch-timeseries"

_BLOCK = "layers.{b}."

FORMS = (
    Form(
        (
            ("layer1.{b}.branch.conv{n}", _BLOCK + "layers.{n-1}.layers.0"),
            ("layer1.{b}.branch.norm{n}", _BLOCK + "layers.{n-1}.layers.1"),
            ("layer1.{b}.downsample.{n}", _BLOCK + "residual.{n}"),
            ("fc", "final"),
        ),
        moved=in_a_row,
    ),
)
