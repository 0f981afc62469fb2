"""timm's names of RegNet, whose stages and blocks are counted from 1: ``s1.b1.conv1.conv``.

RegNetX and RegNetY are words; RegNetZ, which ends a block without an activation, and RegNetV, whose
squeeze and excitation stands before a norm, are chains. Some have a convolution before the pool.
"""

from __future__ import annotations

from itertools import product

from ...planner.plan import Plan
from ..naming import Form, Rule

WORDS = "those of timm's RegNet"

_BLOCK = "s{s}.b{b+1}."
_STEM: tuple[Rule, ...] = (("conv1", "stem.conv"), ("bn1", "stem.bn"))
_HEADS: tuple[tuple[Rule, ...], ...] = (
    (("fc", "head.fc"),),
    (
        ("head.conv1", "final_conv.conv"),
        ("head.norm1", "final_conv.bn"),
        ("head.linear1", "head.fc"),
    ),
)
_WORDS: tuple[Rule, ...] = (
    *_STEM,
    ("layer{s}.{b}.conv{n}", _BLOCK + "conv{n}.conv"),
    ("layer{s}.{b}.bn{n}", _BLOCK + "conv{n}.bn"),
    ("layer{s}.{b}.se.fc{n}", _BLOCK + "se.fc{n}"),
    ("layer{s}.{b}.downsample.0", _BLOCK + "downsample.conv"),
    ("layer{s}.{b}.downsample.1", _BLOCK + "downsample.bn"),
)
_CHAINS: tuple[Rule, ...] = (
    *_STEM,
    ("layer{s}.{b}.branch.conv{n}", _BLOCK + "conv{n}.conv"),
    ("layer{s}.{b}.branch.norm{n}", _BLOCK + "conv{n}.bn"),
    ("layer{s}.{b}.branch.se1.fc{n}", _BLOCK + "se.fc{n}"),
)
_ACTIVATED_FIRST: tuple[Rule, ...] = (
    ("stem.conv1", "stem"),
    ("layer{s}.{b}.entry.norm1", _BLOCK + "norm1"),
    ("layer{s}.{b}.branch.conv{n}", _BLOCK + "conv{n}"),
    ("layer{s}.{b}.branch.norm{n}", _BLOCK + "norm{n+1}"),
    ("layer{s}.{b}.branch.se1.fc{n}", _BLOCK + "se.fc{n}"),
)


def _projects(plan: Plan) -> bool:
    """Whether shortcuts project without a pool before."""
    return not any(layer.shortcut and layer.kind == "avg_pool" for layer in plan.layers)


def _pools(plan: Plan) -> bool:
    """Whether shortcuts pool, and then project."""
    return not _projects(plan)


_SHORTCUTS = (("downsample", _projects), ("downsample.1", _pools))


FORMS = (
    *(Form((*body, *head)) for body, head in product((_WORDS, _CHAINS), _HEADS)),
    *(
        Form(
            (*_ACTIVATED_FIRST, ("layer{s}.{b}.downsample.conv1", _BLOCK + name), *_HEADS[0]),
            made_for,
        )
        for name, made_for in _SHORTCUTS
    ),
)
