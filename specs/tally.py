"""What the layers of a part of a network add to the whole, without their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .layer import End, Layer, Module
from .operation import misfit, takes_any_map
from .windows import is_wider, steps_over_one

# Skips the Python-level call of a named tuple's constructor.
_new = tuple.__new__


class Tally(NamedTuple):
    """The sums over the layers of a part, and the map that it leaves of the one it takes."""

    params: int
    macs: int
    activations: int
    depth: int
    """Weighted layers on the path of the map."""
    channels: int
    """Those that it puts out."""
    end: End
    """The map that it leaves, as if that had one channel: parts of many widths share it."""
    fits: bool
    """Whether each layer and each operation can take the map that it meets."""


def tally_of(layers: Iterable[Layer], modules: Iterable[Module], end: End) -> Tally:
    """The tally of a part that was written down by itself."""
    params = macs = activations = 0
    fits = True
    # In one round: four fifths of the time of a sum for each.
    for layer in layers:
        params += layer.params
        macs += layer.macs
        activations += layer.activations
        if (layer.kernel != 1 or layer.stride != 1) and fits:
            fits = not (is_too_wide(layer) or strides_over_one(layer))
    # Most kinds take any map: to ask each module would take an eighth of a first plan's time.
    picky = [module for module in modules if not takes_any_map(module.op.__class__)]
    fits = fits and not any(map(misfit, picky))
    counts = params, macs, activations, len(weighted(layers))
    return _new(Tally, (*counts, end.channels, _new(End, (1, *end[1:])), fits))


def weighted(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Those of the layers that depth counts."""
    kinds = ("conv", "linear")
    return tuple([layer for layer in layers if layer.kind in kinds and layer.path == "main"])


def is_too_wide(layer: Layer) -> bool:
    """Whether a layer's window is wider than its map, padding included."""
    if layer.kernel == 1:
        return False
    overlaps = layer.kind == "avg_pool" and layer.kernel != layer.stride and layer.padding != 0
    slides = overlaps or layer.kind in ("conv", "max_pool")
    return slides and is_wider(layer.kernel, layer.dilation, layer.padding, layer.in_size)


def strides_over_one(layer: Layer) -> bool:
    """Whether a layer strides, but only along axes of one pixel."""
    return steps_over_one(layer.stride, layer.in_size)
