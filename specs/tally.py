"""What the layers of a part of a network add to the whole, without their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .axes import each
from .layer import End, Layer, Module
from .operation import misfit, takes_any_map
from .windows import is_wider_than_map


class Tally(NamedTuple):
    """The sums over the layers of a part, and the map that it leaves of the one it takes."""

    params: int
    macs: int
    activations: int
    depth: int
    """Weighted layers on the path of the map."""
    end: End
    fits: bool
    """Whether each layer and each operation can take the map that it meets."""


def tally_of(layers: Iterable[Layer], modules: Iterable[Module], end: End) -> Tally:
    """The tally of a part that was written down by itself."""
    sliding = [layer for layer in layers if layer.kernel != 1 or layer.stride != 1]
    return Tally(
        sum([layer.params for layer in layers]),
        sum([layer.macs for layer in layers]),
        sum([layer.activations for layer in layers]),
        len(weighted(layers)),
        end,
        not any(is_too_wide(layer) or strides_over_one(layer) for layer in sliding)
        # Most kinds take any map: to ask each module would take an eighth of a first plan's time.
        and not any(misfit(module) for module in modules if not takes_any_map(module.op.__class__)),
    )


def weighted(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Those of the layers that depth counts."""
    kinds = ("conv", "linear")
    return tuple([layer for layer in layers if layer.kind in kinds and layer.path == "main"])


def is_too_wide(layer: Layer) -> bool:
    """Whether a layer's window is wider than its map, padding included."""
    if layer.kernel == 1:
        return False
    overlaps = layer.kind == "avg_pool" and layer.kernel != layer.stride and layer.padding != 0
    return (overlaps or layer.kind in ("conv", "max_pool")) and is_wider_than_map(layer)


def strides_over_one(layer: Layer) -> bool:
    """Whether a layer strides, but only along axes of one pixel."""
    stride = layer.stride
    if isinstance(stride, int):
        return stride > 1 and max(layer.in_size) == 1
    strides = each(stride, layer.dims)
    return all(side == 1 for side, stride in zip(layer.in_size, strides, strict=True) if stride > 1)
