"""timm's names of its networks without norms: ``stages.0.0.conv1.gain``.

Attention is ``attn`` before the last convolution of a block and ``attn_last`` after it.
"""

from __future__ import annotations

from itertools import product

from ...planner.plan import Plan
from ..naming import Form, Rule, without_pools

WORDS = "those of timm's NFNets"

_BLOCK = "stages.{s-1}.{b}."
_THREE: tuple[Rule, ...] = (("layer{s}.{b}.branch.conv{n}", _BLOCK + "conv{n}"),)
_FOUR: tuple[Rule, ...] = (
    ("layer{s}.{b}.branch.conv3", _BLOCK + "conv2b"),
    ("layer{s}.{b}.branch.conv4", _BLOCK + "conv3"),
    *_THREE,
)


def _attention(theirs: str) -> tuple[Rule, ...]:
    return (
        ("layer{s}.{b}.branch.se1.fc{n}", f"{_BLOCK}{theirs}.fc{{n}}"),
        ("layer{s}.{b}.branch.eca1.conv", f"{_BLOCK}{theirs}.conv"),
    )


_ENDS: tuple[Rule, ...] = (
    ("layer{s}.{b}.branch.scale1.weight", _BLOCK + "skipinit_gain"),
    ("layer{s}.{b}.downsample.0", _BLOCK + "downsample.conv"),
    ("closing.conv1", "final_conv"),
    ("fc", "head.fc"),
)
_SHALLOW: tuple[Rule, ...] = (("stem.conv1", "stem.conv"),)
_DEEP: tuple[Rule, ...] = (("stem.conv{n}", "stem.conv{n}"),)
#: A word for the stem, whose last convolution stands in the place of a pool.
_WORD: tuple[Rule, ...] = (("maxpool", "stem.conv4"), ("conv{n}", "stem.conv{n}"))


def _has(layer: str, plan: Plan) -> bool:
    return any(each.name == layer for each in plan.layers)


def _inner(plan: Plan) -> bool:
    """Whether attention stands before the last convolution: in networks with a wide end."""
    return _has("closing.conv1", plan) and not _has("layer1.0.branch.conv4", plan)


def _outer(plan: Plan) -> bool:
    return not _inner(plan)


FORMS = tuple(
    Form((*stem, *body, *_attention(theirs), *_ENDS), made_for, without_pools, last)
    for stem, (body, theirs, made_for, last) in product(
        (_SHALLOW, _DEEP, _WORD),
        (
            (_FOUR, "attn_last", _outer, "layer1.0.branch.conv4"),
            (_THREE, "attn", _inner, "layer1.0.branch.conv3"),
            (_THREE, "attn_last", _outer, "layer1.0.branch.conv3"),
        ),
    )
)
#: SkipInit's factor is a number there.
NUMBERS = ("branch.scale1",)
