"""The names of CIFAR networks after kuangliu/pytorch-cifar.

They are torchvision's, except that the projection is ``shortcut`` and the head ``linear``.
"""

from __future__ import annotations

from ..naming import Form

WORDS = "those of pytorch-cifar and its kin"

FORMS = (
    Form(
        (
            ("conv1", "conv1"),
            ("bn1", "bn1"),
            ("layer{s}.{b}.conv{n}", "layer{s}.{b}.conv{n}"),
            ("layer{s}.{b}.bn{n}", "layer{s}.{b}.bn{n}"),
            ("layer{s}.{b}.downsample.{n}", "layer{s}.{b}.shortcut.{n}"),
            ("fc", "linear"),
        ),
        "shallow",
    ),
)
