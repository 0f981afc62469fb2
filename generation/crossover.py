"""Crossover: a network with parts of two others."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from ..errors import Fault, SpecError
from ..planner.plan import plan
from ..specs.network import ResNetSpec
from ..specs.plain import as_seed
from .dice import Dice
from .moves import Child, NoChildError

_TRIES = 200
_PARTS = ("stem", "norm", "activation", "stochastic_depth", "init")


def crossover(one: ResNetSpec, other: ResNetSpec, seed: int = 0) -> Child:
    """A child with each stage and each other part from either parent, at random.

    A stage keeps its block and shortcut, also where it inherited them from the network; input and
    head come from ``one``. The child is legal, and its digest differs from both. Raises
    :class:`NoChildError` where no such child is found: parents that differ in one part have none.

    >>> import resforge as rf
    >>> child = crossover(rf.load("resnet18"), rf.load("resnet34"), seed=1)
    >>> [stage.depth for stage in child.spec.stages]
    [2, 2, 6, 3]
    """
    parents = {one.digest, other.digest}
    trees = _explicit(one), _explicit(other)
    dice = Dice("crossover", one.digest, other.digest, as_seed("crossover", seed))
    for _ in range(_TRIES):
        tree = dict(trees[0])
        for name in _PARTS:
            tree[name] = trees[dice.below(2)][name]
        rows = zip_longest(trees[0]["stages"], trees[1]["stages"])
        chosen = [row[dice.below(2)] for row in rows]
        tree["stages"] = [stage for stage in chosen if stage is not None]
        try:
            spec = ResNetSpec(**tree)
            plan(spec, one.natural_input_size)
        except SpecError:
            continue
        if spec.digest not in parents:
            return Child("crossover", spec, spec.digest)
    message = f"none of {_TRIES} children of these two is legal and differs from both"
    raise NoChildError(
        Fault("crossover", message, help="cross networks that differ more, or mutate")
    )


def _explicit(spec: ResNetSpec) -> dict[str, Any]:
    """The spec's tree, with block and shortcut written out in each stage."""
    tree = spec.model_dump(mode="json", exclude={"name"})
    for stage in tree["stages"]:
        for field in ("block", "shortcut"):
            if stage[field] is None:
                stage[field] = tree[field]
    return tree
