"""torchvision's names, which are also resforge's.

Layers that torchvision does not have keep the name that resforge gives them.
"""

from __future__ import annotations

from ..naming import Form, Rule, shallow

WORDS = "torchvision's, resforge's own"

BLOCK: tuple[Rule, ...] = tuple(
    (name, name)
    for name in (
        "layer{s}.{b}.conv{n}",
        "layer{s}.{b}.bn{n}",
        "layer{s}.{b}.downsample.{n}",
    )
)
"""Rules shared by most projects that follow torchvision."""

SHALLOW: tuple[Rule, ...] = (("conv1", "conv1"), ("bn1", "bn1"))
HEAD: tuple[Rule, ...] = (("fc", "fc"),)

FORMS = (Form((*SHALLOW, *BLOCK, *HEAD), shallow),)
