"""Where specs meet modules: one line for each kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from .. import blocks, specs
from ..specs.errors import wrong_type
from ..specs.plan import BlockPlan
from ..specs.register import register_block
from ..specs.shortcut import ShortcutSpec

MakeBlock = Callable[..., nn.Module]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "none": nn.Identity,
}

NORMS: dict[type, Callable[[Any], blocks.Norm]] = {
    specs.BatchNormSpec: lambda s: partial(nn.BatchNorm2d, eps=s.eps, momentum=s.momentum),
    specs.GroupNormSpec: lambda s: partial(nn.GroupNorm, s.groups, eps=s.eps),
    specs.NoNormSpec: lambda s: blocks.NoNorm,
}

STEMS: dict[type, Callable[..., nn.Sequential]] = {
    specs.Conv7x7StemSpec: lambda s, c, **parts: blocks.Conv7x7Stem(
        c, s.width, pool=s.pool, bias=s.bias or None, **parts
    ),
    specs.DeepBaseStemSpec: lambda s, c, **parts: blocks.DeepStem(
        c, s.widths, pool=s.pool, bias=s.bias or None, **parts
    ),
    specs.Conv3x3StemSpec: lambda s, c, **parts: blocks.Conv3x3Stem(
        c, s.width, bias=s.bias or None, **parts
    ),
}

SHORTCUTS: dict[type, Callable[..., blocks.Shortcut | None]] = {
    specs.IdentitySpec: lambda s, i, o, stride, **parts: blocks.Identity(),
    specs.ProjectionSpec: lambda s, i, o, stride, **parts: blocks.Projection(i, o, stride, **parts),
    specs.ZeroPadSpec: lambda s, i, o, stride, **parts: blocks.ZeroPad(i, o, stride, pad=s.pad),
    specs.NoShortcutSpec: lambda s, i, o, stride, **parts: None,
}

BLOCKS: dict[type[specs.BlockSpec], MakeBlock] = {
    specs.BasicSpec: lambda block, **parts: blocks.BasicBlock(
        block.in_channels, block.out_channels, stride=block.stride, **parts
    ),
    specs.BottleneckSpec: lambda block, **parts: blocks.Bottleneck(
        block.in_channels,
        block.out_channels,
        width=block.layer("conv2").out_channels,
        stride=block.stride,
        groups=block.layer("conv2").groups,
        stride_on=block.spec.stride_on,
        **parts,
    ),
    specs.D2LSpec: lambda block, **parts: blocks.Residual(
        block.in_channels, block.out_channels, stride=block.stride, **parts
    ),
}


BUILT_IN = frozenset(BLOCKS)


def register(spec: type[specs.BlockSpec], make: MakeBlock) -> None:
    """Make a block kind of your own known to files, plans and the builder.

    ``spec`` is a :class:`~resforge.specs.BlockSpec` with a ``kind`` of its own, whose ``lay``
    writes down its layers. ``make(block, *, shortcut, norm, activation)`` returns the module:
    ``block`` is its :class:`~resforge.specs.BlockPlan`, ``shortcut`` a module or None, ``norm``
    and ``activation`` make modules. Building raises :class:`BuildError` where the module's
    parameters are not those that ``lay`` wrote down.

    Registering a kind again replaces it; a built-in kind raises :class:`SpecError`.
    """
    if not callable(make):
        raise wrong_type("register", "a function that makes the module", make)
    register_block(spec)
    BLOCKS[spec] = make


def make_norm(spec: specs.BatchNormSpec | specs.GroupNormSpec | specs.NoNormSpec) -> blocks.Norm:
    """What makes the norm of a spec, given the channels."""
    return NORMS[type(spec)](spec)


def make_shortcut(spec: ShortcutSpec, block: BlockPlan, **parts: Any) -> blocks.Shortcut | None:
    """The shortcut module of a block."""
    sizes = (block.in_channels, block.out_channels, block.stride)
    return SHORTCUTS[type(spec)](spec, *sizes, **parts)
