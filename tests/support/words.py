"""A small network for each sample of each kind in every registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS, Operation, ResNetSpec
from resforge.specs.attention import attention_kinds
from torch import nn

SIZE = 21
BASE: dict[str, Any] = {
    "resforge": 1,
    "in_channels": 2,
    "stem": {"kind": "conv3x3", "width": 4},
    "stages": [{"depth": 2, "width": 4}, {"depth": 2, "width": 8, "stride": 2}],
    "block": "basic",
    "shortcut": "projection",
    "head": {"kind": "classifier", "num_classes": 3},
}

DILATED = [{"depth": 2, "width": 4}, {"depth": 2, "width": 8, "dilation": 2}]


def word_beside(change: Any) -> dict[str, Any]:
    """The pair of x itself and, where the shape changes, the word."""
    return {"match": "identity", "change": change}


FAMILIES: dict[str, tuple[Mapping[str, type[Operation]], Callable[[Any], dict[str, Any]]]] = {
    "stem": (STEMS, lambda word: {"stem": word}),
    "block": (BLOCKS, lambda word: {"block": word}),
    "match": (SHORTCUTS, lambda word: {"shortcut": {"match": word, "change": "projection"}}),
    "change": (SHORTCUTS, lambda word: {"shortcut": word_beside(word)}),
    "dilated": (SHORTCUTS, lambda word: {"shortcut": word_beside(word), "stages": DILATED}),
    "head": (HEADS, lambda word: {"head": word}),
    "attention": (attention_kinds(), lambda word: {"block": {"kind": "basic", "attention": word}}),
    "operation": (OPERATIONS, lambda word: chain_with(word)),
}
"""Each family's registry, and where in a network its words stand."""


def cases() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Family, kind and the tree of a network, for each sample of each kind."""
    found: dict[str, tuple[str, str, dict[str, Any]]] = {}
    for family, (kinds, place) in FAMILIES.items():
        for kind, model in kinds.items():
            for number, sample in enumerate(model.samples):
                alone = SHORTCUTS[kind](**sample) if family in ("change", "dilated") else None
                if alone is not None and alone.why_illegal(1, 2, 2):
                    continue
                tree = {**BASE, **place({"kind": kind, **sample})}
                found[f"{family} {kind} {number}"] = family, kind, tree
    return found


def chain_with(op: dict[str, Any]) -> dict[str, Any]:
    """A network in whose branches the operation stands, or in whose head where it is no map."""
    if OPERATIONS[op["kind"]].flattening is not None or op["kind"] == "global_pool":
        before = [] if op["kind"] == "global_pool" else ["global_pool"]
        return {"head": [*before, op, {"linear": 3}]}
    return {"block": {"branch": [{"conv": 3, "stride": "block"}, "norm", op, {"conv": 3}, "norm"]}}


CASES = cases()


def images(spec: ResNetSpec) -> torch.Tensor:
    return torch.randn(2, spec.in_channels, SIZE, SIZE, generator=torch.Generator().manual_seed(3))


def scattered(model: nn.Module) -> nn.Module:
    """The model with weights of both signs in every parameter, norms included."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return model
