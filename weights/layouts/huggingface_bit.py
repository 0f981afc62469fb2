"""Hugging Face's names of BiT: ``bit.encoder.stages.0.layers.0.norm1``."""

from __future__ import annotations

from ..naming import Form, shallow

WORDS = "those of Hugging Face's BiT"

_BLOCK = "bit.encoder.stages.{s-1}.layers.{b}."

FORMS = (
    Form(
        (
            ("stem.conv1", "bit.embedder.convolution"),
            ("layer{s}.{b}.conv{n}", _BLOCK + "conv{n}"),
            ("layer{s}.{b}.bn{n}", _BLOCK + "norm{n+1}"),
            ("layer{s}.{b}.downsample.0", _BLOCK + "downsample.conv"),
            ("norm", "bit.norm"),
            ("fc", "classifier.1"),
        ),
        shallow,
        requires="layer1.0.bn0",
    ),
    Form(
        (
            ("stem.conv1", "bit.embedder.convolution"),
            ("stem.norm1", "bit.embedder.norm"),
            ("layer{s}.{b}.conv{n}", _BLOCK + "conv{n}"),
            ("layer{s}.{b}.bn{n}", _BLOCK + "norm{n}"),
            ("layer{s}.{b}.downsample.0", _BLOCK + "downsample.conv"),
            ("layer{s}.{b}.downsample.1", _BLOCK + "downsample.norm"),
            ("fc", "classifier.1"),
        ),
        shallow,
        requires="stem.norm1",
    ),
)
