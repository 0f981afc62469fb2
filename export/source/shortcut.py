"""Shortcuts as the expressions that make them, and as the way they join the branch."""

from __future__ import annotations

from ...planner.plan import BlockPlan
from ...specs import norm as norms
from ...specs import shortcut as kinds
from ...specs.shortcut import ShortcutSpec
from . import parts
from .arguments import Arguments
from .calls import Call, Expression, call
from .parts import Parts

IDENTITY = call("nn.Identity")

#: What S(x) is, in the words of a docstring.
WORDS = {
    "identity": "x",
    "projection": "a {kernel}x{kernel} convolution of x",
    "conv1x1": "a 1x1 convolution of x",
    "avg_projection": "a 1x1 convolution of averages of x (ResNet-D)",
    "zero_pad": "x subsampled and padded with channels of zeros",
}


def settled(block: BlockPlan, shortcut: ShortcutSpec | None = None) -> ShortcutSpec:
    """The shortcut of a block; zero-padding that pads nothing is x itself."""
    shortcut = block.shortcut if shortcut is None else shortcut
    if isinstance(shortcut, kinds.Around):
        return shortcut.model_copy(update={"of": settled(block, shortcut.of)})
    if isinstance(shortcut, kinds.ZeroPadSpec) and block.what.keeps_shape:
        return kinds.IdentitySpec()
    return shortcut


def joins(shortcut: ShortcutSpec) -> str:
    """How it meets the branch: ``none``, ``add``, or ``join`` where it is told F(x) too."""
    if isinstance(shortcut, kinds.NoShortcutSpec):
        return "none"
    return "join" if isinstance(shortcut, kinds.ScaledSpec | kinds.GateSpec) else "add"


def in_words(shortcut: ShortcutSpec) -> str:
    """What S(x) is."""
    if isinstance(shortcut, kinds.DropoutShortcutSpec):
        return f"dropout of {in_words(shortcut.of)}"
    if isinstance(shortcut, kinds.Around):
        return in_words(shortcut.of)
    return WORDS[shortcut.kind].format(kernel=getattr(shortcut, "kernel", 1))


class ShortcutText:
    """Writes the shortcut modules of one class of blocks."""

    def __init__(self, arguments: Arguments, norm: norms.NormSpec, used: Parts) -> None:
        self.arguments = arguments
        self.norm = norm
        self.parts = used

    def module(self, shortcut: ShortcutSpec, block: BlockPlan, name: str = "downsample") -> Call:
        """What makes ``shortcut``, by one of the blocks that have it."""
        sizes = ["in_channels", "out_channels"]
        if self.arguments.stride != "1":
            sizes.append(self.arguments.stride)
        match shortcut:
            case kinds.ProjectionSpec() | kinds.Conv1x1Spec() | kinds.AvgProjectionSpec():
                return self._projection(shortcut, block, name)
            case kinds.ZeroPadSpec():
                return call(self._zero_pad(shortcut), *sizes)
            case kinds.ScaledSpec():
                return call(self._scaled(shortcut), self._of(shortcut, block, name))
            case kinds.GateSpec():
                return call(self._gate(shortcut), self._of(shortcut, block, name), *sizes)
            case kinds.DropoutShortcutSpec():
                return self._dropout(shortcut, block, name)
        return IDENTITY

    def conv_norm(self, block: BlockPlan, conv: str, norm: str) -> list[Expression]:
        """A convolution of the block, and the norm after it if there is one."""
        found = {layer.name[len(block.name) + 1 :] for layer in block.layers}
        made: list[Expression] = [self.conv(block, conv, "in_channels", "out_channels")]
        if norm in found:
            made.append(make_norm(self.norm, "out_channels"))
        return made

    def conv(self, block: BlockPlan, name: str, in_channels: str, out_channels: str) -> Call:
        """What makes a convolution of the block."""
        layer = block.layer(name)
        stride, groups, dilation = (
            self.arguments.text(name, field) for field in ("stride", "groups", "dilation")
        )
        reach = layer.kernel // 2
        if not reach:
            padding, dilation = "0", "1"
        elif dilation.isdigit():
            padding = str(reach * int(dilation))
        else:
            padding = dilation if reach == 1 else f"{reach} * {dilation}"
        return make_conv(
            in_channels, out_channels, layer.kernel, stride, padding, dilation, groups, layer.bias
        )

    def _projection(self, shortcut: ShortcutSpec, block: BlockPlan, name: str) -> Call:
        if not isinstance(shortcut, kinds.AvgProjectionSpec):
            return call("nn.Sequential", *self.conv_norm(block, f"{name}.0", f"{name}.1"))
        pool: Call = IDENTITY
        if self.arguments.stride != "1":
            pool = call(
                "nn.AvgPool2d", self.arguments.stride, "ceil_mode=True", "count_include_pad=False"
            )
        return call("nn.Sequential", pool, *self.conv_norm(block, f"{name}.1", f"{name}.2"))

    def _of(self, shortcut: kinds.Around, block: BlockPlan, name: str) -> Call:
        return self.module(shortcut.of, block, f"{name}.of")

    def _dropout(self, shortcut: kinds.DropoutShortcutSpec, block: BlockPlan, name: str) -> Call:
        inner, dropout = self._of(shortcut, block, name), call("nn.Dropout", shortcut.rate)
        if inner == IDENTITY:
            return dropout
        if inner.name != "nn.Sequential":
            return call("nn.Sequential", inner, dropout)
        # The inner shortcut's tensors stand under `of` in the state dict.
        of = inner._replace(name=f"of={inner.name}")
        return call("nn.Sequential", call("OrderedDict", of, f"dropout={dropout}"))

    def _zero_pad(self, shortcut: kinds.ZeroPadSpec) -> str:
        pixels, subsample = parts.PIXELS[shortcut.subsample]
        zeros, padding = parts.ZEROS[shortcut.pad]
        return self.parts.add(
            "ZeroPad",
            parts.ZERO_PAD,
            pixels=pixels,
            zeros=zeros,
            padding=padding,
            subsample=subsample,
        )

    def _scaled(self, shortcut: kinds.ScaledSpec) -> str:
        a, b = shortcut.shortcut, shortcut.residual
        left, right = (f"{a} * " if a != 1.0 else ""), (f"{b} * " if b != 1.0 else "")
        return self.parts.add(
            "Scaled",
            parts.SCALED,
            formula=f"{left}S(x) + {right}F(x)",
            left=left,
            right=right,
        )

    def _gate(self, shortcut: kinds.GateSpec) -> str:
        formula, total = parts.GATES[shortcut.mode]
        return self.parts.add(
            "Gate", parts.GATE, formula=formula, sum=total, bias=str(shortcut.bias_init)
        )


def make_conv(
    in_channels: object,
    out_channels: object,
    kernel: int,
    stride: str,
    padding: str,
    dilation: str,
    groups: str,
    bias: bool,
) -> Call:
    """``nn.Conv2d(...)``, without what goes without saying."""
    options = {"stride": (stride, "1"), "padding": (padding, "0"), "dilation": (dilation, "1")}
    options |= {"groups": (groups, "1"), "bias": (str(bias), "True")}
    said = [f"{name}={value}" for name, (value, default) in options.items() if value != default]
    return call("nn.Conv2d", in_channels, out_channels, kernel, *said)


def make_norm(norm: norms.NormSpec, channels: object) -> Call:
    """What makes the norm of a network, which has one."""
    plain = type(norm)()
    said = [
        f"{name}={getattr(norm, name)}"
        for name in ("eps", "momentum")
        if getattr(norm, name, None) != getattr(plain, name, None)
    ]
    if isinstance(norm, norms.GroupNormSpec):
        return call("nn.GroupNorm", norm.groups, channels, *said)
    return call("nn.BatchNorm2d", channels, *said)
