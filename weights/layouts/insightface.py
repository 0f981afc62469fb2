"""The names of iResNet in deepinsight/insightface's arcface_torch."""

from __future__ import annotations

from ..naming import Form

WORDS = "those of InsightFace's iResNets"

_BLOCK = "layer{s}.{b}."

FORMS = (
    Form(
        (
            ("conv1", "conv1"),
            ("bn1", "bn1"),
            ("relu", "prelu"),
            (_BLOCK + "conv{n}", _BLOCK + "conv{n}"),
            (_BLOCK + "bn{n}", _BLOCK + "bn{n+1}"),
            (_BLOCK + "relu1", _BLOCK + "prelu"),
            (_BLOCK + "downsample.{n}", _BLOCK + "downsample.{n}"),
            ("closing.norm1", "bn2"),
            ("head.linear1", "fc"),
            ("head.norm1", "features"),
        ),
        requires="layer1.0.bn0",
    ),
)
