"""timm's names of RegNet, whose stages and blocks are counted from 1: ``s1.b1.conv1.conv``.

RegNetY's ``se`` has no name here: it stands after the 3x3 and not at the end of the branch.
"""

from __future__ import annotations

from ..naming import Form, shallow

WORDS = "those of timm's RegNet"

_BLOCK = "s{s}.b{b+1}."

FORMS = (
    Form(
        (
            ("conv1", "stem.conv"),
            ("bn1", "stem.bn"),
            ("layer{s}.{b}.conv{n}", _BLOCK + "conv{n}.conv"),
            ("layer{s}.{b}.bn{n}", _BLOCK + "conv{n}.bn"),
            ("layer{s}.{b}.downsample.0", _BLOCK + "downsample.conv"),
            ("layer{s}.{b}.downsample.1", _BLOCK + "downsample.bn"),
            ("fc", "head.fc"),
        ),
        shallow,
    ),
)
