"""The names of semantic segmentation's ResNets with a stem of three convolutions: ``conv1, bn1,
conv2, bn2, conv3, bn3``; also as ``layer0``.

Published checkpoints hold them at the top level, as resforge does; the networks built on them
(hszhao/semseg's PSPNet) hold the stem in one ``nn.Sequential``.
"""

from __future__ import annotations

from ..naming import Form, deep
from .torchvision import BLOCK, HEAD

WORDS = "those of semantic segmentation's deep_base ResNets, resforge's own"

_GATHERED = (("conv{n}", "layer0.{3n-3}"), ("bn{n}", "layer0.{3n-2}"))

FORMS = (
    Form((("conv{n}", "conv{n}"), ("bn{n}", "bn{n}"), *BLOCK, *HEAD), deep),
    Form((*_GATHERED, *BLOCK, *HEAD), deep),
)
