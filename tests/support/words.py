"""A small network for each sample of each kind in every registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS, Operation, ResNetSpec
from resforge.specs.attention import attention_kinds
from resforge.specs.by_axis import parts_of
from torch import nn

SIZE = 21
SIZES = {1: (SIZE,), 2: (SIZE, SIZE), 3: (9, 9, 9)}
"""Sides of the maps, by the number of axes."""
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


def cases(dims: int) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Family, kind and the tree of a network, for each sample of each kind; in networks of one or
    three axes for the first sample of the kinds that are defined there, each at one place."""
    found: dict[str, tuple[str, str, dict[str, Any]]] = {}
    for family, (kinds, place) in FAMILIES.items():
        for kind, model in kinds.items():
            samples = model.samples
            if dims != 2:
                again = family in ("match", "dilated")
                samples = () if again or not defined(model(**samples[0]), dims) else samples[:1]
            for number, sample in enumerate(samples):
                alone = SHORTCUTS[kind](**sample) if family in ("change", "dilated") else None
                if alone is not None and alone.why_illegal(1, 2, 2):
                    continue
                if dims == 2:
                    tree = {**BASE, **place({"kind": kind, **sample})}
                    found[f"{family} {kind} {number}"] = family, kind, tree
                    continue
                if model(**sample).map_size is not None:
                    sample = {**sample, "size": SIZES[dims][0] // 2 + 1}
                tree = {**BASE, "dims": dims, **place({"kind": kind, **sample})}
                found[f"{family} {kind} {dims}d"] = family, kind, tree
    return found


def defined(word: Operation, dims: int) -> bool:
    """Whether a word and all that it holds are defined for ``dims`` axes."""
    return all(dims in part.legal_dims for _, part in parts_of(word))


def chain_with(op: dict[str, Any]) -> dict[str, Any]:
    """A network in whose branches the operation stands, or in whose head where it is no map."""
    pools = ("global_pool", "attention_pool", "flatten")
    if OPERATIONS[op["kind"]].flattening is not None or op["kind"] in pools:
        before = [] if op["kind"] in pools else ["global_pool"]
        return {"head": [*before, op, {"linear": 3}]}
    return {"block": {"branch": [{"conv": 3, "stride": "block"}, "norm", op, {"conv": 3}, "norm"]}}


CASES = cases(2)
EVERYWHERE = CASES | cases(1) | cases(3)
"""As :data:`CASES`, and in networks of one and three axes."""


def images(spec: ResNetSpec) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(2, spec.in_channels, *SIZES[spec.dims], generator=generator)


def scattered(model: nn.Module) -> nn.Module:
    """The model with weights of both signs in every parameter, norms included."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return model
