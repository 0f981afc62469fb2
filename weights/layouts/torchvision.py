"""torchvision's names, which are also resforge's.

Layers that torchvision does not have keep the name that resforge gives them.
"""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, Rule, shallow
from .fixed import plain, with_fields

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


def written(spec: ResNetSpec) -> ResNetSpec:
    """What torchvision's own code makes of a file under these names, which are resforge's too."""
    return with_fields(plain(spec), bottleneck={"stride_on": "conv2"})
