"""Of the blocks that have the layers which show, those that are the same otherwise too.

A block of resforge's own modules prints what it does. Any other one is run by itself, where it can
be called with a map, and compared with each of its fits: so what a block does beside its layers is
known block by block, not for every combination of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..builder.make import make_block
from ..specs.activation import Activation
from ..specs.canonical import block_text
from ..specs.shortcut import ShortcutSpec
from .fit import Fit, planned_block
from .observed import Observed, printed
from .specimen import distance, output_of
from .whole import activations_of

_SIDE = {1: 37, 2: 11, 3: 7}
"""Sides of the maps that blocks are run on, by the number of axes."""
_CLOSE = 1e-3
"""Of the largest output: beyond it two blocks differ. The whole network is compared later."""

Test = Callable[[Fit, ShortcutSpec, Activation], bool]


def alike(layers: Observed, name: str, fits: list[Fit]) -> list[Fit]:
    """Those of ``fits`` that do what the block ``name`` does; all, where none does."""
    test = _prints(layers, name) if layers.is_own else _runs(layers, name)
    if test is None:
        return fits
    for activations in _one_after_another(layers):
        found = []
        for fit in fits:
            shortcuts = tuple(
                shortcut
                for shortcut in fit.shortcuts
                if any(test(fit, shortcut, each) for each in activations)
            )
            if shortcuts:
                found.append(fit._replace(shortcuts=shortcuts))
        if found:
            if not layers.is_own:
                layers.prefer(activations[0])
            return found
    return fits


def _one_after_another(layers: Observed) -> Sequence[Sequence[Activation]]:
    found = activations_of(layers)
    return [found] if layers.is_own else [(each,) for each in found]


def _prints(layers: Observed, name: str) -> Test:
    shown = printed(layers.blocks[name])

    def test(fit: Fit, shortcut: ShortcutSpec, activation: Activation) -> bool:
        made = _made(name, fit, shortcut, activation, "meta")
        return made is not None and printed(made) == shown

    return test


def _made(
    name: str, fit: Fit, shortcut: ShortcutSpec, activation: Activation, device: str
) -> nn.Module | None:
    site = fit.site._replace(activation=activation)
    planned = planned_block(name, fit.block, shortcut, site)
    try:
        with torch.device(device):
            return None if planned is None else make_block(planned)
    except (ValueError, ArithmeticError):  # groups of a norm that do not divide its channels
        return None


def _runs(layers: Observed, name: str) -> Test | None:
    """A test by running; None for a block that cannot be called with a map."""
    block = layers.running(name)
    if block is None:
        return None
    known: dict[tuple[Activation, str], bool] = {}
    wanted: dict[int, tuple[Tensor, Tensor | None]] = {}

    def output(channels: int, dims: int) -> tuple[Tensor, Tensor | None]:
        if channels not in wanted:
            generator = torch.Generator().manual_seed(5)
            x = torch.randn(2, channels, *(_SIDE[dims],) * dims, generator=generator)
            wanted[channels] = x, output_of_block(block, x)
        return wanted[channels]

    def test(fit: Fit, shortcut: ShortcutSpec, activation: Activation) -> bool:
        site = fit.site._replace(activation=activation)
        x, there = output(site.in_channels, site.dims)
        if there is None:
            return False
        key = activation, block_text(fit.block, shortcut, site)
        if key not in known:
            made = _made(name, fit, shortcut, activation, "cpu")
            planned = planned_block(name, fit.block, shortcut, site)
            known[key] = (
                made is not None
                and planned is not None
                and layers.fill(made, planned)
                and distance(there, output_of_block(made, x)) < _CLOSE
            )
        return known[key]

    return test


def output_of_block(block: nn.Module, x: Tensor) -> Tensor | None:
    """What a block puts out; None where it cannot be called with a map alone."""
    try:
        with torch.no_grad():
            return output_of(block(x.clone()))
    except Exception:  # it may take other arguments, or maps of one size
        return None
