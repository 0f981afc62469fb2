"""Where specs meet modules: one line for each kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from .. import blocks, specs
from ..errors import wrong_type
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
        c, s.width, stride=s.stride, bias=s.bias or None, **parts
    ),
}

# From the shortcut's spec, the plan of its block, its sizes (channels in and out, stride) and the
# network's norm.
SHORTCUTS: dict[type, Callable[..., blocks.Shortcut]] = {
    specs.IdentitySpec: lambda s, block, sizes, norm: blocks.Identity(),
    specs.ProjectionSpec: lambda s, block, sizes, norm: blocks.Projection(
        *sizes,
        kernel_size=s.kernel,
        dilation=s.dilation_of(block.what),
        norm=make_norm(s.norm_of(block.spec, norm)),
        bias=s.bias_of(block.spec, norm),
    ),
    specs.AvgProjectionSpec: lambda s, block, sizes, norm: blocks.AvgProjection(
        *sizes, norm=make_norm(s.norm_of(block.spec, norm)), bias=s.bias_of(block.spec, norm)
    ),
    specs.ZeroPadSpec: lambda s, block, sizes, norm: blocks.ZeroPad(
        sizes[0], sizes[1], sizes[2], s.pad, s.subsample
    ),
    specs.Conv1x1Spec: lambda s, block, sizes, norm: blocks.Projection(
        *sizes, norm=blocks.NoNorm, bias=s.bias
    ),
    specs.ScaledSpec: lambda s, block, sizes, norm: blocks.Scaled(
        make_shortcut(s.of, block, norm), s.shortcut, s.residual
    ),
    specs.GateSpec: lambda s, block, sizes, norm: blocks.Gate(
        *sizes, mode=s.mode, bias_init=s.bias_init, of=make_shortcut(s.of, block, norm)
    ),
    specs.DropoutShortcutSpec: lambda s, block, sizes, norm: blocks.DropoutShortcut(
        make_shortcut(s.of, block, norm), s.rate
    ),
    specs.NoShortcutSpec: lambda s, block, sizes, norm: blocks.NoShortcut(),
}

# From the attention's spec and the plan of its block.
ATTENTIONS: dict[type, Callable[..., blocks.Attention]] = {
    specs.SqueezeExcitationSpec: lambda s, block: partial(
        blocks.SqueezeExcitation, reduction=s.reduction
    ),
    specs.ECASpec: lambda s, block: lambda channels: blocks.ECA(block.layer("se.conv").kernel),
}

BLOCKS: dict[type[specs.BlockSpec], MakeBlock] = {
    specs.BasicSpec: lambda block, **parts: blocks.BasicBlock(
        block.in_channels,
        block.out_channels,
        stride=block.stride,
        dilations=(block.layer("conv1").dilation, block.layer("conv2").dilation),
        **_arrangement(block),
        **parts,
    ),
    specs.BottleneckSpec: lambda block, **parts: _bottleneck(
        block, stride_on=block.spec.stride_on, **parts
    ),
    specs.XSpec: lambda block, **parts: _bottleneck(block, **parts),
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


def make_norm(spec: specs.NormSpec) -> blocks.Norm:
    """What makes the norm of a spec, given the channels."""
    return NORMS[type(spec)](spec)


def make_shortcut(spec: ShortcutSpec, block: BlockPlan, norm: specs.NormSpec) -> blocks.Shortcut:
    """The shortcut module of a block, in a network with ``norm``."""
    sizes = (block.in_channels, block.out_channels, block.stride)
    return SHORTCUTS[type(spec)](spec, block, sizes, norm)


def _bottleneck(block: BlockPlan, **parts: Any) -> nn.Module:
    conv2 = block.layer("conv2")
    return blocks.Bottleneck(
        block.in_channels,
        block.out_channels,
        width=conv2.out_channels,
        stride=block.stride,
        groups=conv2.groups,
        dilation=conv2.dilation,
        **_arrangement(block),
        **parts,
    )


def _arrangement(block: BlockPlan) -> dict[str, Any]:
    """What places the parts of a built-in block other than its convolutions."""
    spec: Any = block.spec
    attention = spec.attention
    return {
        "order": spec.order,
        "follows_activation": block.what.follows_activation,
        "shortcut_input": spec.shortcut_input,
        "attention": attention and ATTENTIONS[type(attention)](attention, block),
    }
