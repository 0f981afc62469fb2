"""torchvision's names of RegNet: ``trunk_output.block1.block1-0.f.a.0``."""

from __future__ import annotations

from ..naming import Form, shallow

WORDS = "those of torchvision's RegNet"

_BLOCK = "trunk_output.block{s}.block{s}-{b}."

FORMS = (
    Form(
        (
            ("conv1", "stem.0"),
            ("bn1", "stem.1"),
            *(
                (f"layer{{s}}.{{b}}.conv{n}", f"{_BLOCK}f.{abc}.0")
                for n, abc in enumerate("abc", 1)
            ),
            *((f"layer{{s}}.{{b}}.bn{n}", f"{_BLOCK}f.{abc}.1") for n, abc in enumerate("abc", 1)),
            ("layer{s}.{b}.se.fc{n}", _BLOCK + "f.se.fc{n}"),
            ("layer{s}.{b}.downsample.{n}", _BLOCK + "proj.{n}"),
            ("fc", "fc"),
        ),
        shallow,
    ),
)
