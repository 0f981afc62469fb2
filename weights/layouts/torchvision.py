"""torchvision's names, which are resforge's own.

What torchvision does not hold has a name of resforge's, which no rule touches.
"""

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

SHALLOW: tuple[Rule, ...] = (("conv1", "conv1"), ("bn1", "bn1"))
HEAD: tuple[Rule, ...] = (("fc", "fc"),)

FORMS = (Form((*SHALLOW, *BLOCK, *HEAD), "shallow"),)
