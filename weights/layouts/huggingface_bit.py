"""Hugging Face's names of BiT: ``bit.encoder.stages.0.layers.0.norm1``.

``BitModel`` has them without ``bit.``.
"""

from __future__ import annotations

from ..naming import Form, shallow

WORDS = "those of Hugging Face's BiT"


def _forms(prefix: str) -> tuple[Form, Form]:
    """The forms of blocks that begin with a norm, and of those that end in one."""
    block = prefix + "encoder.stages.{s-1}.layers.{b}."
    common = (
        ("stem.conv1", prefix + "embedder.convolution"),
        ("layer{s}.{b}.conv{n}", block + "conv{n}"),
        ("layer{s}.{b}.downsample.0", block + "downsample.conv"),
        ("fc", "classifier.1"),
    )
    first = (("layer{s}.{b}.bn{n}", block + "norm{n+1}"), ("norm", prefix + "norm"))
    last = (
        ("stem.norm1", prefix + "embedder.norm"),
        ("layer{s}.{b}.bn{n}", block + "norm{n}"),
        ("layer{s}.{b}.downsample.1", block + "downsample.norm"),
    )
    return (
        Form((*common, *first), shallow, requires="layer1.0.bn0"),
        Form((*common, *last), shallow, requires="stem.norm1"),
    )


FORMS = (*_forms("bit."), *_forms(""))
