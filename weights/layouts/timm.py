"""timm's names of ResNets: torchvision's, except that a deep stem is ``conv1.0``, ``conv1.1``,
``conv1.3``, ..., ``bn1``.

The last norm of the stem is outside it, as ``bn1``. Attention is ``se``, and an average pool before
a projection is ``downsample.0``, as in resforge. A convolution in place of the stem's pool is
``maxpool.0``.
"""

from __future__ import annotations

from ..naming import Form, Rule, deep, shallow
from .torchvision import BLOCK, HEAD, SHALLOW

WORDS = "timm's"

ATTENTION = tuple((name, name) for name in ("layer{s}.{b}.se.fc{n}", "layer{s}.{b}.se.conv"))
STEM: tuple[Rule, ...] = (("maxpool.{n}", "maxpool.{n}"),)
DEEP: tuple[Rule, ...] = (
    *STEM,
    ("conv1", "conv1.0"),
    ("bn1", "conv1.1"),
    ("conv2", "conv1.3"),
    ("bn2", "conv1.4"),
    ("conv3", "conv1.6"),
    ("bn3", "bn1"),
)

FORMS = (
    Form((*SHALLOW, *STEM, *BLOCK, *ATTENTION, *HEAD), shallow),
    Form((*DEEP, *BLOCK, *ATTENTION, *HEAD), deep),
)
