"""torchvision's names, which are resforge's own."""

from __future__ import annotations

from ..naming import Form, Rule

WORDS = "torchvision's, resforge's own"

BLOCK: tuple[Rule, ...] = tuple(
    (name, name)
    for name in (
        "layer{s}.{b}.conv{n}",
        "layer{s}.{b}.bn{n}",
        "layer{s}.{b}.downsample.{n}",
    )
)
"""What most projects that follow torchvision name as it does."""

OWN: tuple[Rule, ...] = tuple(
    (name, name)
    for name in (
        "layer{s}.{b}.se.fc{n}",
        "layer{s}.{b}.se.conv",
        "layer{s}.{b}.bn_sum",
        "layer{s}.{b}.downsample.of.{n}",
        "layer{s}.{b}.downsample.gate",
        "norm",
    )
)
"""What torchvision's networks do not hold, as resforge names it."""

SHALLOW: tuple[Rule, ...] = (("conv1", "conv1"), ("bn1", "bn1"))
HEAD: tuple[Rule, ...] = (("fc", "fc"),)

FORMS = (Form((*SHALLOW, *BLOCK, *OWN, *HEAD), "shallow"),)
