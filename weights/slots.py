"""The operations that stand in the words of blocks: in place of a convolution, as attention, or
where a block strides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from ..specs.attention import attention_kinds
from ..specs.axes import largest
from ..specs.block import BlockSpec
from ..specs.operation import OPERATIONS, Operation
from ..specs.seen import Seen, SeenConv
from ..specs.site import Site
from .operations import Found, Place, operations_at
from .published import published_blocks

Tree = dict[str, Any]
_MOST = 2
"""Operations in place of one convolution that are tried."""


def with_operations(branch: Seen, site: Site) -> Seen | None:
    """What shows of a residual branch, with the operations that have its layers by their names;
    None where some are of no operation.

    ``site`` is the block's, whose width is not known yet: it is that of the block's output.
    """
    operations: dict[str, list[Tree]] = {}
    stand_ins: dict[str, SeenConv] = {}
    channels = site.in_channels
    for number in range(1, 1 + len(branch.tensors)):
        name = f"conv{number}"
        conv = branch.conv(name)
        if conv is None:
            if branch.only(name).empty:
                break
            found = _in_place(branch, number, channels, site)
            if not found:
                return None
            operations[name] = [tree for each in found[:_MOST] for tree in _trees(each)]
            conv = SeenConv(name, found[0].channels, channels, 0, False, None, None)
            stand_ins[name] = conv
        channels = conv.out_channels
    if not branch.only("se").empty:
        operations["se"] = _attention(branch, site)
        if not operations["se"]:
            return None
    if site.stride != 1:
        operations["pool"] = _striding(branch, site)
    return replace(branch, operations=operations, stand_ins=stand_ins)


def _in_place(seen: Seen, number: int, channels: int, site: Site) -> list[Found]:
    """The operations in place of a convolution; empty where there is none."""
    following = seen.conv(f"conv{number + 1}")
    norm = seen.tensors.get(f"bn{number}", {}).get("weight", ())
    widths = [*([following.in_channels] if following else []), *norm[:1]]
    for width in dict.fromkeys([*widths, site.out_channels, channels]):
        place = Place(channels, site, width)
        if found := operations_at(seen, f"conv{number}", place, _others()):
            return found
    return []


@cache
def _kinds(registered: tuple[str, ...]) -> Mapping[str, type[Operation]]:
    attention = attention_kinds()
    return {k: OPERATIONS[k] for k in registered if k != "conv" and k not in attention}


def _others() -> Mapping[str, type[Operation]]:
    """The kinds that a plain convolution and attention are not of."""
    return _kinds(tuple(OPERATIONS))


def _trees(found: Found) -> Iterator[Tree]:
    """An operation as a word holds it: the word's stride, and the word's width or its own."""
    tree = found.op.model_dump(mode="json")
    tree.pop("stride", None)
    yield tree
    if "width" in tree and tree["width"] is None:
        yield {**tree, "width": found.channels}


def _attention(seen: Seen, site: Site) -> list[Tree]:
    """The attention, on the block's output or before its last convolution."""
    parts = seen.only("se").tensors.values()
    shown = {side for tensors in parts for shape in tensors.values() for side in shape}
    last = [conv.in_channels for conv in seen.convs if not conv.name.startswith("se")][-1:]
    tried = dict.fromkeys([site.out_channels, *last])
    for channels in [each for each in tried if each in shown] or tried:
        place = Place(channels, site, channels)
        if found := operations_at(seen, "se", place, attention_kinds()):
            return [each.op.model_dump(mode="json") for each in found]
    return []


def _striding(seen: Seen, site: Site) -> list[Tree]:
    """What strides after a convolution: the module ``pool``, or what no module shows."""
    if "pool" in seen.settings:
        kinds = {k: model for k, model in OPERATIONS.items() if _strides(model)}
        place = Place(site.out_channels, site, None)
        found = [each.op for each in operations_at(seen, "pool", place, kinds)]
    elif seen.settings and all(largest(conv.stride or 1) == 1 for conv in seen.convs):
        found = list(_published(published_blocks(site.dims)))
    else:
        return []
    trees = [op.model_dump(mode="json") for op in found]
    return [{name: value for name, value in tree.items() if name != "stride"} for tree in trees]


def _strides(model: type[Operation]) -> bool:
    fields = model.model_fields
    return "stride" in fields and "width" not in fields and "groups" not in fields


@cache
def _published(blocks: tuple[BlockSpec, ...]) -> tuple[Operation, ...]:
    """What strides in the blocks of the catalogue, each once."""
    found = (getattr(block, "stride_by", None) for block in blocks)
    return tuple(dict.fromkeys(op for op in found if op is not None))
