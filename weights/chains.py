"""Chains that are written out, by the names that their modules have: a kind and a number.

resforge names the operations of a chain so, and nobody else does: ``stem.conv1``, ``stem.norm1``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..specs.blocks import ChainBlockSpec
from ..specs.call import call
from ..specs.join import JOINS
from ..specs.operation import OPERATIONS, Operation
from ..specs.seen import Seen
from ..specs.shortcuts import ChainShortcutSpec
from ..specs.site import Site
from .operations import Place, operations_at

SHORTCUT = "downsample"
"""The name of a block's shortcut."""


class Chain(NamedTuple):
    """A chain, and the channels that it puts out."""

    ops: tuple[Operation, ...]
    channels: int


def chain_at(seen: Seen, prefix: str, site: Site, width: int | None = None) -> Chain | None:
    """The chain of the modules whose names begin with ``prefix``, on a map of the site's input.

    None where there is none, or where a module of it is no operation that is known.

    ``width`` is that of a convolution that names none; None: that of the map it takes.
    """
    ops: list[Operation] = []
    channels, flat = site.in_channels, False
    for step in _steps(seen, prefix):
        kind = _kind(step)
        if kind is None:
            if step == "flatten":
                flat = True
                continue
            return None
        place = Place(channels, site, width, flat)
        found = operations_at(seen, prefix + step, place, {kind: OPERATIONS[kind]})
        if not found:
            return None
        ops.append(found[0].op)
        channels, flat = found[0].channels, found[0].flat
    return Chain(tuple(ops), channels) if ops else None


def _steps(seen: Seen, prefix: str) -> Iterator[str]:
    """The names of the operations, in order."""
    found = (name.removeprefix(prefix) for name in seen.settings if name.startswith(prefix))
    return iter(dict.fromkeys(name.partition(".")[0] for name in found))


def _kind(step: str) -> str | None:
    """The kind of the operation of that name; kinds may end in digits themselves."""
    kinds = [kind for kind in OPERATIONS if step.startswith(kind) and step[len(kind) :].isdigit()]
    return max(kinds, key=len, default=None)


def block_at_names(seen: Seen, site: Site) -> Iterator[ChainBlockSpec]:
    """The block whose chains the names say; ``site`` is the block's."""
    found: dict[str, tuple[Operation, ...]] = {}
    channels = site.in_channels
    for part in ("entry", "preactivation", "branch", "exit"):
        if any(name.startswith(f"{part}.") for name in seen.settings):
            width = site.width if part == "branch" else None
            chain = chain_at(seen, f"{part}.", site._replace(in_channels=channels), width)
            if chain is None:
                return
            found[part], channels = chain
    if "branch" in found:
        yield ChainBlockSpec.model_validate({"exit": (), **found})


def shortcuts_at_names(seen: Seen, site: Site) -> Iterator[ChainShortcutSpec]:
    """The shortcut whose path the names say, with the join that its module is."""
    shown = seen.settings.get(SHORTCUT)
    if shown is None:
        return
    for kind, model in JOINS.items():
        fields = {name: shown[name] for name in model.model_fields if name in shown}
        join = model.model_validate({**fields, "kind": kind})
        made = join.call(call(""), site).name
        prefix = f"{SHORTCUT}." if kind == "add" else f"{SHORTCUT}.of."
        chain = chain_at(seen, prefix, site, site.out_channels)
        if chain is not None and made in ("", shown["class"]):
            yield ChainShortcutSpec.model_validate({"path": chain.ops, "join": join})
