"""The identity of a network: one way to say each thing, and only what differs from a default."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

from .block import BlockSpec
from .ends import before_at, closing_at, head_at, stem_at
from .fields import NetworkFields
from .layout import block_at
from .operation import meanings
from .resolve import runs_of
from .shortcut import ShortcutSpec
from .site import Site

T = TypeVar("T")
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def digest(spec: NetworkFields) -> str:
    """SHA-256 of :func:`canonical`, its blocks a line each."""
    ends, rates = _ends(spec), _rates(spec)
    lines = [_ENCODER.encode({**ends, "rates": rates} if rates else ends)]
    for stage in _stages(spec, block_text, _ENCODER.encode):
        lines += ["stage", *stage]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def canonical(spec: NetworkFields) -> dict[str, Any]:
    """What the identity of a network covers: the operations of every chain, resolved, and of each
    of their fields only what differs from its default.

    So a word and the chain that it stands for are one network, and a field that is added to the
    language later changes no identity. Names are left out.
    """
    tree = {**_ends(spec), "stages": _stages(spec, canonical_block, dict)}
    rates = _rates(spec)
    return {**tree, "rates": rates} if rates else tree


def _ends(spec: NetworkFields) -> dict[str, Any]:
    """All but the blocks."""
    stem = stem_at(spec, spec.point).modules
    tree: dict[str, Any] = {"in_channels": spec.in_channels, "stem": meanings(stem)}
    if spec.dims != 2:
        tree["dims"] = spec.dims
    last = runs_of(spec)[-1][-1][0]
    end = closing_at(spec, last.block, last.site.out_channels, spec.point)
    if closing := meanings(end.modules):
        tree["closing"] = closing
    if spec.head is not None:
        tree["head"] = meanings(head_at(spec, end.end.channels, spec.point).modules)
    if init := spec.init.differing():
        tree["init"] = init
    return tree


def _stages(
    spec: NetworkFields, of: Callable[..., T], of_chain: Callable[[dict[str, Any]], T]
) -> list[list[T]]:
    """The blocks of each stage, after the chain before them where there is one."""
    stages, channels = [], spec.stem.channels(spec.stem_site)
    for index, run in enumerate(runs_of(spec)):
        parts: list[T] = []
        if spec.stages[index].before is not None:
            chain = meanings(before_at(spec, index, channels, spec.point).modules)
            parts += [of_chain({"before": chain})] if chain else []
        parts += [part for resolved, times in run for part in [of(*resolved.like)] * times]
        stages.append(parts)
        channels = run[-1][0].site.out_channels
    return stages


def _rates(spec: NetworkFields) -> dict[str, Any] | None:
    """The chance of each block to lose its branch, and how it is drawn; None for none."""
    rule = spec.stochastic_depth
    if rule is None:
        return None
    total = sum(stage.size for stage in spec.stages)
    rates = [rule.drop_rate(number, total) for number in range(1, total + 1)]
    return {"drop": rates, **rule.differing("mode", "scaled")} if any(rates) else None


@lru_cache(1024)
def canonical_block(block: BlockSpec, shortcut: ShortcutSpec, site: Site) -> dict[str, Any]:
    """What a block means for the identity of a network."""
    modules = block_at(block, shortcut, site, site.point).modules
    parts = {name: meanings(getattr(modules, name)) for name in ("entry", "branch", "path", "exit")}
    tree: dict[str, Any] = {name: part for name, part in parts.items() if part}
    join = {"join": "none"} if shortcut.absent else modules.join.canonical()
    return tree if join is None else {**tree, "join": join}


@lru_cache(1024)
def block_text(block: BlockSpec, shortcut: ShortcutSpec, site: Site) -> str:
    """What a block means for the identity of a network, as text."""
    return _ENCODER.encode(canonical_block(block, shortcut, site))
