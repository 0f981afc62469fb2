"""The identity of a network: one way to say each thing, and only what differs from a default."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, TypeVar

from .block import BlockSpec
from .fields import NetworkFields
from .layout import block_at, trace_end, trace_stem
from .resolve import runs_of
from .shortcut import ShortcutSpec
from .site import Site
from .trace import Module, Trace

T = TypeVar("T")
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def digest(spec: NetworkFields) -> str:
    """SHA-256 of :func:`canonical`, its blocks a line each."""
    ends, rates = _ends(spec), _rates(spec)
    lines = [_ENCODER.encode({**ends, "rates": rates} if rates else ends)]
    for stage in _stages(spec, block_text):
        lines += ["stage", *stage]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def canonical(spec: NetworkFields) -> dict[str, Any]:
    """What the identity of a network covers: the operations of every chain, resolved, and of each
    of their fields only what differs from its default.

    So a word and the chain that it stands for are one network, and a field that is added to the
    language later changes no identity. Names are left out.
    """
    tree = {**_ends(spec), "stages": _stages(spec, canonical_block)}
    rates = _rates(spec)
    return {**tree, "rates": rates} if rates else tree


def _ends(spec: NetworkFields) -> dict[str, Any]:
    """All but the blocks."""
    trace = Trace(spec.in_channels, (1, 1))
    trace_stem(trace, spec)
    tree: dict[str, Any] = {"in_channels": spec.in_channels, "stem": canonical_chain(trace.modules)}
    *_, (*_, (last, _)) = runs_of(spec)
    end = Trace(last.site.out_channels, (1, 1))
    _, cut = trace_end(end, spec, last.block)
    if closing := canonical_chain(end.modules[:cut]):
        tree["closing"] = closing
    if spec.head is not None:
        tree["head"] = canonical_chain(end.modules[cut:])
    if init := spec.init.differing():
        tree["init"] = init
    return tree


def _stages(spec: NetworkFields, of: Callable[..., T]) -> list[list[T]]:
    return [
        [part for resolved, times in run for part in [of(*resolved.like)] * times]
        for run in runs_of(spec)
    ]


def _rates(spec: NetworkFields) -> dict[str, Any] | None:
    """The chance of each block to lose its branch, and how it is drawn; None for none."""
    rule = spec.stochastic_depth
    if rule is None:
        return None
    total = sum(len(stage.entries) for stage in spec.stages)
    rates = [rule.drop_rate(number, total) for number in range(1, total + 1)]
    return {"drop": rates, **rule.differing("mode")} if any(rates) else None


@lru_cache(1024)
def canonical_block(block: BlockSpec, shortcut: ShortcutSpec, site: Site) -> dict[str, Any]:
    """What a block means for the identity of a network."""
    modules = block_at(block, shortcut, site, (1, 1)).modules
    parts = {
        name: canonical_chain(getattr(modules, name))
        for name in ("entry", "branch", "path", "exit")
    }
    tree: dict[str, Any] = {name: part for name, part in parts.items() if part}
    join = {"join": "none"} if shortcut.absent else modules.join.canonical()
    return tree if join is None else {**tree, "join": join}


@lru_cache(1024)
def block_text(block: BlockSpec, shortcut: ShortcutSpec, site: Site) -> str:
    """What a block means for the identity of a network, as text."""
    return _ENCODER.encode(canonical_block(block, shortcut, site))


def canonical_chain(modules: Iterable[Module]) -> list[dict[str, Any]]:
    """What a chain means for the identity of a network, operation by operation."""
    meant = (module.op.canonical(module) for module in modules)
    return [part for part in meant if part is not None]
