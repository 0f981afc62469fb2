"""What is known of the catalogue's networks without reading and planning hundreds of them.

``known.json`` beside this file holds it; ``python docs/tables.py`` writes it. It says of which
catalogue it is, and of any other one nothing is taken from it: then each network is planned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from math import prod
from typing import Any, NamedTuple

from ..reading.load import load
from ..specs.block import shorten_block
from ..specs.catalogue import entries
from ..specs.head import shorten_head
from ..specs.layer import Layer
from ..specs.network import ResNetSpec
from ..specs.resolve import runs_of
from ..specs.shortcut import shorten_inner
from ..specs.stem import shorten_stem
from .plan import lay_out

FILE = "known.json"
Parts = Mapping[str, Sequence[Any]]


class Known(NamedTuple):
    """The parameters of a network, and of the parts that other numbers change."""

    params: int
    in_channels: int
    first: int
    """Of its first convolution, for each input channel."""
    head: int
    """Of all its head."""
    classes: int
    each_class: int
    depths: tuple[int, ...]
    repeats: tuple[int | None, ...]
    """Of a block that is added to a stage; None where no block of the stage is repeated."""


def networks() -> list[str]:
    """One name for each network of the catalogue."""
    return [name for name, entry in entries().items() if not entry.is_alias]


@cache
def known_of(name: str) -> Known:
    """The figures of a network of the catalogue."""
    known = _stored().get("networks", {}).get(name)
    if known is None:
        return planned(load(name))
    *numbers, depths, repeats = known
    return Known._make((*numbers, tuple(depths), tuple(repeats)))


@cache
def parts_of(dims: int) -> Parts:
    """The ``blocks``, ``shortcuts``, ``stems`` and ``heads`` of the catalogue's networks of
    ``dims`` axes, as files write them, each once."""
    known = _stored().get("parts", {}).get(str(dims))
    return known or _parts(map(load, networks()), dims)


def fingerprint() -> str:
    """A text that changes with any entry of the catalogue."""
    return sha256("".join(entry.text for entry in entries().values()).encode()).hexdigest()


def written() -> str:
    """The text of the file, made anew."""
    specs = {name: load(name) for name in networks()}
    rows = {name: planned(spec) for name, spec in specs.items()}
    dims = sorted({spec.dims for spec in specs.values()})
    parts = {str(each): _parts(specs.values(), each) for each in dims}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    kinds = ",\n".join(
        f"{json.dumps(axes)}: {{\n" + ",\n".join(_listed(part)) + "\n}"
        for axes, part in parts.items()
    )
    return (
        f'{{"fingerprint": "{fingerprint()}",\n"networks": {{\n{lines}\n}},\n'
        f'"parts": {{\n{kinds}\n}}}}\n'
    )


def _listed(parts: Parts) -> list[str]:
    return [
        f"{json.dumps(noun)}: [\n" + ",\n".join(map(json.dumps, trees)) + "\n]"
        for noun, trees in parts.items()
    ]


@cache
def _stored() -> Mapping[str, Any]:
    file = files(__package__) / FILE
    if not file.is_file():
        return {}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found if found["fingerprint"] == fingerprint() else {}


def planned(spec: ResNetSpec) -> Known:
    """The figures of any network."""
    plan = lay_out(spec)
    first = next(layer for layer in plan.layers if layer.kind == "conv")
    linear = [layer for layer in plan.head if layer.kind == "linear"][-1:]
    return Known(
        plan.params,
        spec.in_channels,
        prod(_weight(first)) // spec.in_channels,
        sum(layer.params for layer in plan.head),
        linear[0].out_channels if linear else 0,
        sum(prod(shape[1:]) for layer in linear for shape in layer.parameters.values()),
        tuple(map(len, plan.stages)),
        tuple(_repeated(stage) for stage in plan.stages),
    )


def _weight(layer: Layer) -> tuple[int, ...]:
    return layer.parameters[f"{layer.name}.weight"]


def _repeated(stage: Sequence[Any]) -> int | None:
    return sum(layer.params for layer in stage[-1].layers) if len(stage) > 1 else None


def _parts(specs: Iterable[ResNetSpec], dims: int) -> Parts:
    specs = [spec for spec in specs if spec.dims == dims]
    blocks = [block for spec in specs for stage in runs_of(spec) for block, _ in stage]
    return {
        "blocks": _each_once(shorten_block(block.block) for block in blocks),
        "shortcuts": _each_once(shorten_inner(block.shortcut) for block in blocks),
        "stems": _each_once(shorten_stem(spec.stem) for spec in specs),
        "heads": _each_once(
            shorten_head(spec.head) for spec in specs if spec.head and spec.head.kind == "chain"
        ),
    }


def _each_once(trees: Iterable[Any]) -> list[Any]:
    return [json.loads(text) for text in dict.fromkeys(map(json.dumps, trees))]
