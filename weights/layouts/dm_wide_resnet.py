"""DeepMind's names of its wide ResNets, which RobustBench has too: ``layer.0.block.0.conv_0``."""

from __future__ import annotations

from ..naming import Form, shallow

WORDS = "those of DeepMind's wide ResNets"

_BLOCK = "layer.{s-1}.block.{b}."

FORMS = (
    Form(
        (
            ("stem.conv1", "init_conv"),
            ("layer{s}.{b}.conv{n}", _BLOCK + "conv_{n-1}"),
            ("layer{s}.{b}.bn{n}", _BLOCK + "batchnorm_{n}"),
            ("layer{s}.{b}.downsample.0", _BLOCK + "shortcut"),
            ("norm", "batchnorm"),
            ("fc", "logits"),
        ),
        shallow,
        requires="layer1.0.bn0",
    ),
)
