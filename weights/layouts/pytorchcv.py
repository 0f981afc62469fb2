"""pytorchcv's names: ``features.stage1.unit1.body.conv1.conv``; for large pictures, for small ones,
pre-activated for small ones, RegNetX.

Pre-activated networks for small pictures have the first norm in the first block, where resforge has
it at the end of the stem: the same network where the first block has a projection, which takes the
activated map; their form needs it. Those for large pictures have a norm in both places, for which
the language has no word.
"""

from __future__ import annotations

from ...planner.plan import Plan
from ..naming import Form, Rule, deep, shallow, shallow_and_activated, without_pools

WORDS = "those of pytorchcv"

_BLOCK = "features.stage{s}.unit{b+1}."
_HEAD: Rule = ("fc", "output")
_BODY: tuple[Rule, ...] = (
    ("layer{s}.{b}.conv{n}", _BLOCK + "body.conv{n}.conv"),
    ("layer{s}.{b}.bn{n}", _BLOCK + "body.conv{n}.bn"),
    ("layer{s}.{b}.se.fc{n}", _BLOCK + "se.conv{n}"),
    _HEAD,
)


def _projection(name: str) -> tuple[Rule, ...]:
    return (
        ("layer{s}.{b}.downsample.0", f"{_BLOCK}{name}.conv"),
        ("layer{s}.{b}.downsample.1", f"{_BLOCK}{name}.bn"),
    )


def _stem(ours: str, conv: str) -> tuple[Rule, ...]:
    return (
        (f"conv{ours}", f"features.init_block{conv}.conv"),
        (f"bn{ours}", f"features.init_block{conv}.bn"),
    )


_PREACTIVATED: tuple[Rule, ...] = (
    ("conv1", "features.init_block"),
    ("bn1", "features.stage1.unit1.body.conv1.bn"),
    ("layer{s}.{b}.conv{n}", _BLOCK + "body.conv{n}.conv"),
    ("layer{s}.{b}.bn{n}", _BLOCK + "body.conv{n+1}.bn"),
    ("layer{s}.{b}.downsample.0", _BLOCK + "identity_conv"),
    ("norm", "features.post_activ.bn"),
    _HEAD,
)


def _has_7x7(plan: Plan) -> bool:
    return shallow(plan) and [layer.kernel for layer in plan.stem][:1] == [7]


FORMS = (
    Form((*_stem("1", ".conv"), *_projection("identity_conv"), *_BODY), _has_7x7),
    # RegNet, and networks for small pictures.
    Form((*_stem("1", ""), *_projection("identity_conv"), *_BODY), shallow),
    # A stem of three convolutions.
    Form((*_stem("{n}", ".conv{n}"), *_projection("identity_conv"), *_BODY), deep),
    # The same with an average pool in the shortcut.
    Form(
        (*_stem("{n}", ".conv{n}"), *_projection("identity_block.conv"), *_BODY),
        deep,
        without_pools,
    ),
    Form(_PREACTIVATED, shallow_and_activated, requires="layer1.0.downsample.0"),
)
