"""Proposals of kinds, written down as a plan does, and compared with the layers that show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from ..specs.head import HeadSpec
from ..specs.layer import Layer, Shape
from ..specs.operation import Operation, Steps, trace_chain
from ..specs.registry import Kinds
from ..specs.seen import Seen, SeenConv
from ..specs.site import Site
from ..specs.stem import StemSpec
from ..specs.trace import Trace
from .errors import WeightsError
from .match import BUFFERS
from .observed import Observed, unknowable

T = TypeVar("T", bound=Operation)
End = TypeVar("End", StemSpec, HeadSpec)


def proposed(kinds: Kinds[T], seen: Seen) -> Iterator[T]:
    """Every kind with every set of fields that it proposes."""
    for model in kinds.values():
        for fields in model.proposals(seen):
            try:
                yield model(**fields)
            except ValidationError:  # a channel count, say, beyond the language's ceilings
                continue


def fitting(ends: Iterable[End], seen: Seen, site: Site) -> Iterator[tuple[End, frozenset[str]]]:
    """Those of the stems or heads whose layers show, and the names of these layers."""
    for op in ends:
        used = explained(laid(op.steps(site), site), seen)
        if used is not None:
            yield op, used


def laid(steps: Steps, site: Site) -> Sequence[Layer]:
    """The layers of a chain at a place."""
    trace = Trace(site.in_channels, site.point)
    trace_chain(trace, steps, site, None, fresh=False)
    return trace.layers


def explained(
    planned: Iterable[Layer], seen: Seen, moved: Mapping[str, str] | None = None
) -> frozenset[str] | None:
    """Names of the layers that are planned; None where one does not show as it is planned."""
    names = set()
    for layer in planned:
        name = (moved or {}).get(layer.name, layer.name)
        for tensor, shape in layer.parameters.items():
            owner, _, leaf = tensor.rpartition(".")
            owner = name if owner == layer.name else owner
            there = seen.tensors.get(owner, {}).get(leaf)
            # A norm without its bias lacks a tensor; it is no other layer.
            lacks = there is None and owner in seen.tensors and layer.kind.endswith("norm")
            if there != shape and not lacks:
                return None
            names.add(owner)
        if layer.kind == "conv" and not _is_conv(layer, name, seen):
            return None
    return frozenset(names & set(seen.tensors))


def misfits(planned: Iterable[Layer], seen: Seen) -> float:
    """How much of what shows is not as planned: 2 for a layer or a tensor that lacks on one side, 1
    for another stride, dilation or bias, and for a shape the part of its sides that differ."""
    wrong, owners = 0.0, dict[str, set[str]]()
    for layer in planned:
        for tensor, shape in layer.parameters.items():
            owner, _, leaf = tensor.rpartition(".")
            there = seen.tensors.get(owner, {}).get(leaf)
            lacks = there is None and owner in seen.tensors and layer.kind.endswith("norm")
            owners.setdefault(owner, set()).add(leaf)
            wrong += 0 if there == shape or lacks else _apart(there, shape)
        if layer.kind == "conv" and layer.name in seen.tensors:
            wrong += not _is_conv(layer, layer.name, seen)
    for owner, leaves in seen.tensors.items():
        known = owners.get(owner)
        more = {leaf for leaf in leaves if not leaf.endswith(BUFFERS)}
        wrong += 2 if known is None else len(more - known)
    return wrong


def _apart(there: Shape | None, shape: Shape) -> float:
    if there is None or len(there) != len(shape):
        return 2.0
    return sum(a != b for a, b in zip(there, shape, strict=True)) / len(shape)


def _is_conv(layer: Layer, name: str, seen: Seen) -> bool:
    conv = seen.conv(name)
    if conv is None or conv.bias != layer.bias:
        return False
    spread = layer.dilation if layer.kernel != 1 else conv.dilation
    return conv.stride in (None, layer.stride) and conv.dilation in (None, spread)


def sides(convs: Iterable[SeenConv], noun: str) -> str:
    """The sides of the convolutions that no kind called ``noun`` has, for messages."""
    sides = [conv.kernel for conv in convs]
    return f"has convolutions of sides {sides}; no {noun} of the language has these layers"


def stranger(layers: Observed, part: str, left: Iterable[str], otherwise: str) -> WeightsError:
    """The error of a layer that no kind explains, or else of what is wrong."""
    for name in sorted(left):
        ours = f"{part}.{name}" if part and name else part or name
        theirs = layers.names.get(ours, ours)
        return unknowable(f"it holds {theirs}, a layer that infer_spec does not know")
    return unknowable(otherwise)
