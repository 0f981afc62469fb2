"""pycls's names of RegNet and ResNet, whose convolutions are ``s1.b1.f.a``, ``f.b`` and ``f.c``.

A RegNetY has squeeze-and-excitation between the last two.
"""

from __future__ import annotations

from ..naming import Form, shallow

WORDS = "those of pycls"

_BLOCK = "s{s}.b{b+1}."

FORMS = (
    Form(
        (
            ("conv1", "stem.conv"),
            ("bn1", "stem.bn"),
            *((f"layer{{s}}.{{b}}.conv{n}", f"{_BLOCK}f.{abc}") for n, abc in enumerate("abc", 1)),
            *((f"layer{{s}}.{{b}}.bn{n}", f"{_BLOCK}f.{abc}_bn") for n, abc in enumerate("abc", 1)),
            ("layer{s}.{b}.se.fc1", _BLOCK + "f.se.f_ex.0"),
            ("layer{s}.{b}.se.fc2", _BLOCK + "f.se.f_ex.2"),
            ("layer{s}.{b}.downsample.0", _BLOCK + "proj"),
            ("layer{s}.{b}.downsample.1", _BLOCK + "bn"),
            ("fc", "head.fc"),
        ),
        shallow,
    ),
)
