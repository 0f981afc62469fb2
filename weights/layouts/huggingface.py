"""The names of Hugging Face transformers' ResNet, with or without its head."""

from __future__ import annotations

from ..naming import Form, shallow

WORDS = "those of Hugging Face transformers"


def _body(prefix: str) -> Form:
    block = prefix + "encoder.stages.{s-1}.layers.{b}."
    return Form(
        (
            ("conv1", f"{prefix}embedder.embedder.convolution"),
            ("bn1", f"{prefix}embedder.embedder.normalization"),
            ("layer{s}.{b}.conv{n}", block + "layer.{n-1}.convolution"),
            ("layer{s}.{b}.bn{n}", block + "layer.{n-1}.normalization"),
            ("layer{s}.{b}.downsample.0", f"{block}shortcut.convolution"),
            ("layer{s}.{b}.downsample.1", f"{block}shortcut.normalization"),
            ("fc", "classifier.1"),
        ),
        shallow,
    )


#: ``ResNetForImageClassification``, then ``ResNetModel`` and ``ResNetBackbone``.
FORMS = (_body("resnet."), _body(""))
