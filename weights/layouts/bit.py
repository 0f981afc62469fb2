"""The names of BiT's ``.npz`` files: ``resnet/block1/unit01/a/standardized_conv2d/kernel``.

Kolesnikov et al. 2019 (arXiv 1912.11370), google-research/big_transfer. Names are read with dots
for slashes, and a kernel, of height, width, in and out, as PyTorch has it. ``a``, ``b`` and ``c``
are a norm each and the convolution after it; the last layer is a 1x1 convolution.
"""

from __future__ import annotations

from ..naming import Form, Rule

ARRAYS = "TensorFlow's .npz files"
WORDS = "those of BiT"

_UNIT = "resnet.block{s}.unit{b+1:02}."
_BLOCK: tuple[Rule, ...] = tuple(
    rule
    for n, abc in enumerate("abc")
    for rule in (
        (f"layer{{s}}.{{b}}.bn{n}", f"{_UNIT}{abc}.group_norm"),
        (f"layer{{s}}.{{b}}.conv{n + 1}", f"{_UNIT}{abc}.standardized_conv2d"),
    )
)

FORMS = tuple(
    Form(
        (
            (stem, "resnet.root_block.standardized_conv2d"),
            *_BLOCK,
            ("layer{s}.{b}.downsample.0", f"{_UNIT}a.proj.standardized_conv2d"),
            ("norm", "resnet.group_norm"),
            ("fc", "resnet.head.conv2d"),
        )
    )
    for stem in ("stem.conv1", "conv1")
)
#: Linear layers, by their native names, that are 1x1 convolutions there.
CONVOLUTIONS = ("fc",)
