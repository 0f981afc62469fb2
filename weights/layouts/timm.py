"""timm's names: torchvision's, except that a deep stem is one ``nn.Sequential``.

The last norm of the stem is outside it, as ``bn1``. Attention is ``se``, and an average pool before
a projection is ``downsample.0``, as in resforge.
"""

from __future__ import annotations

from ..naming import Form, deep, shallow
from .torchvision import BLOCK, HEAD, SHALLOW

WORDS = "timm's"

_ATTENTION = tuple((name, name) for name in ("layer{s}.{b}.se.fc{n}", "layer{s}.{b}.se.conv"))
_DEEP = (
    ("conv1", "conv1.0"),
    ("bn1", "conv1.1"),
    ("conv2", "conv1.3"),
    ("bn2", "conv1.4"),
    ("conv3", "conv1.6"),
    ("bn3", "bn1"),
)

FORMS = (
    Form((*SHALLOW, *BLOCK, *_ATTENTION, *HEAD), shallow),
    Form((*_DEEP, *BLOCK, *_ATTENTION, *HEAD), deep),
)
