"""What joins a block's input to its output, and where each kind is legal.

The options of He et al. 2015 (arXiv 1512.03385), section 3.3: A is ``zero_pad``, B is
``projection``, C is ``{match: projection, change: projection}``. ``scaled``, ``gate``, ``conv1x1``
and ``dropout`` are those of He et al. 2016 (arXiv 1603.05027), section 3, ``avg_projection`` is
that of ResNet-D (He et al. 2018, arXiv 1812.01187).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from .base import OddKernel, OneZero, Rate, Spec, expand_kind, short_tree
from .norm import NoNormSpec, NormSpec
from .trace import Trace

if TYPE_CHECKING:
    from .block import BlockSpec
    from .network import ResolvedBlock


class _Shortcut(Spec):
    #: What a bare kind means for blocks that keep the shape; None: the kind itself.
    bare_match: ClassVar[str | None] = "identity"
    #: How a help line recommends the kind; None: it does not.
    note: ClassVar[str | None] = None

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        """Why this shortcut cannot join these shapes; None where it can."""
        return None

    def lay(self, trace: Trace, name: str, what: ResolvedBlock, norm: NormSpec) -> None:
        """Write the layers of the shortcut of a block, under ``name``."""

    def constants(self, name: str) -> dict[str, float]:
        """The parameters that start at a value of their own."""
        return {}

    def meaning(self, what: ResolvedBlock, norm: NormSpec) -> dict[str, Any]:
        """The fields as the network's identity holds them: one way to say one thing."""
        return self.as_plain()


class IdentitySpec(_Shortcut):
    """S(x) = x, for blocks that keep the shape."""

    note: ClassVar[str | None] = "x as it is"

    kind: Literal["identity"] = "identity"

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        if in_channels == out_channels and stride == 1:
            return None
        return f"identity cannot join {in_channels} channels to {out_channels} at stride {stride}"


class _Projecting(_Shortcut):
    norm: bool | None = None
    """Whether the network's norm follows; null: as the block has it, which is yes but for ``d2l``
    and for ``full_pre``, whose branch ends without one too."""
    bias: bool | None = None
    """Whether the convolution is biased; null: as those of the block are."""

    def norm_of(self, block: BlockSpec, norm: NormSpec) -> NormSpec:
        """The norm after the convolution, on ``block`` in a network with ``norm``."""
        if self.norm is None:
            return block.shortcut_norm(norm)
        return norm if self.norm else NoNormSpec()

    def bias_of(self, block: BlockSpec, norm: NormSpec) -> bool:
        """Whether the convolution is biased, on ``block`` in a network with ``norm``."""
        return block.bias(norm) if self.bias is None else self.bias

    def meaning(self, what: ResolvedBlock, norm: NormSpec) -> dict[str, Any]:
        return {
            **super().meaning(what, norm),
            "norm": not isinstance(self.norm_of(what.block, norm), NoNormSpec),
            "bias": self.bias_of(what.block, norm),
        }


class ProjectionSpec(_Projecting):
    """S(x) = norm(conv1x1(x)), at the block's stride."""

    note: ClassVar[str | None] = "1x1 convolution, option B"

    kind: Literal["projection"] = "projection"
    kernel: OddKernel = 1
    """Side of the convolution: 1, or 3 as SENet-154 has it (Hu et al. 2018, section 6.4)."""

    def lay(self, trace: Trace, name: str, what: ResolvedBlock, norm: NormSpec) -> None:
        trace.conv(
            f"{name}.0",
            what.out_channels,
            self.kernel,
            what.stride,
            bias=self.bias_of(what.block, norm),
            dilation=self.dilation_of(what),
        )
        trace.norm(f"{name}.1", self.norm_of(what.block, norm))

    def dilation_of(self, what: ResolvedBlock) -> int:
        """That of the convolution that strides, beside which it stands; a 1x1 has none."""
        return what.dilations.first if self.kernel > 1 else 1

    def meaning(self, what: ResolvedBlock, norm: NormSpec) -> dict[str, Any]:
        fields = super().meaning(what, norm)
        if self.kernel > 1:
            fields["dilation"] = self.dilation_of(what)
        return fields


class AvgProjectionSpec(_Projecting):
    """S(x) = norm(conv1x1(pool(x))), the pool an average at the block's stride, or none at 1.

    ResNet-D: He et al. 2018 (arXiv 1812.01187), Figure 2c. A square that the border cuts is
    averaged over what is left of it, as in timm and mmpretrain.
    """

    kind: Literal["avg_projection"] = "avg_projection"

    def lay(self, trace: Trace, name: str, what: ResolvedBlock, norm: NormSpec) -> None:
        if what.stride > 1:
            trace.avg_pool(f"{name}.0", what.stride)
        trace.conv(f"{name}.1", what.out_channels, bias=self.bias_of(what.block, norm))
        trace.norm(f"{name}.2", self.norm_of(what.block, norm))


class ZeroPadSpec(_Shortcut):
    """S(x) = every stride-th pixel of x, then channels of zeros; without parameters."""

    note: ClassVar[str | None] = "option A"

    kind: Literal["zero_pad"] = "zero_pad"
    pad: Literal["end", "both"] = "end"
    """Where the zero channels stand: all after, or half on either side."""
    subsample: Literal["pixel", "avg_pool"] = "pixel"
    """Every stride-th pixel, or the mean of each square (as in the code of Han et al. 2017,
    PyramidNet, arXiv 1610.02915)."""

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        if in_channels <= out_channels:
            return None
        return f"zero_pad can widen, never narrow: {in_channels} channels to {out_channels}"

    def lay(self, trace: Trace, name: str, what: ResolvedBlock, norm: NormSpec) -> None:
        stride = what.stride
        if self.subsample == "avg_pool" and stride > 1:
            trace.avg_pool(f"{name}.pool", stride)
            stride = 1
        trace.zero_pad(name, what.out_channels, stride)

    def meaning(self, what: ResolvedBlock, norm: NormSpec) -> dict[str, Any]:
        if what.keeps_shape:
            return IdentitySpec().meaning(what, norm)
        fields = super().meaning(what, norm)
        if what.out_channels - what.in_channels < 2:
            del fields["pad"]  # half of one channel is none
        if what.stride == 1:
            del fields["subsample"]
        return fields


class Conv1x1Spec(_Shortcut):
    """S(x) = conv1x1(x), bare, at the block's stride; as a bare kind, in every block.

    He et al. 2016 (arXiv 1603.05027), section 3.1 and Figure 2e. Option C of He et al. 2015 has a
    norm after it: ``{match: projection, change: projection}``.
    """

    bare_match: ClassVar[str | None] = None
    kind: Literal["conv1x1"] = "conv1x1"
    bias: bool = False

    def lay(self, trace: Trace, name: str, what: ResolvedBlock, norm: NormSpec) -> None:
        trace.conv(f"{name}.0", what.out_channels, 1, what.stride, bias=self.bias)

    def meaning(self, what: ResolvedBlock, norm: NormSpec) -> dict[str, Any]:
        return ProjectionSpec(norm=False, bias=self.bias).meaning(what, norm)


class NoShortcutSpec(_Shortcut):
    """S(x) = 0: the block of a plain network."""

    bare_match: ClassVar[str | None] = None
    kind: Literal["none"] = "none"


_Simple = IdentitySpec | ProjectionSpec | AvgProjectionSpec | ZeroPadSpec | Conv1x1Spec
_SimpleNames = Literal["identity", "projection", "avg_projection", "zero_pad", "conv1x1"]
_InnerKinds = Annotated[_Simple | NoShortcutSpec, Field(discriminator="kind")]
_InnerNames = Literal[_SimpleNames, "none"]
InnerShortcutSpec = Annotated[
    _InnerKinds, BeforeValidator(expand_kind, json_schema_input_type=_InnerNames | _InnerKinds)
]


class Around(_Shortcut):
    """Something done to another shortcut, in every block if the kind stands alone."""

    bare_match: ClassVar[str | None] = None
    of: InnerShortcutSpec = ZeroPadSpec()
    """The shortcut it is done to; option A unless said, which is x itself where the shape is
    kept (He et al. 2016 do it to that of ResNet-110)."""

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        if isinstance(self.of, NoShortcutSpec):
            return f"{self.kind} of none: a plain block has no shortcut"  # type: ignore[attr-defined]
        return self.of.why_illegal(in_channels, out_channels, stride)

    def lay(self, trace: Trace, name: str, what: ResolvedBlock, norm: NormSpec) -> None:
        self.of.lay(trace, f"{name}.of", what, norm)

    def meaning(self, what: ResolvedBlock, norm: NormSpec) -> dict[str, Any]:
        return {**super().meaning(what, norm), "of": self.of.meaning(what, norm)}


Factor = Annotated[float, Field(ge=-16.0, le=16.0), OneZero]


class ScaledSpec(Around):
    """shortcut * S(x) + residual * F(x), with constant factors.

    He et al. 2016 (arXiv 1603.05027), section 3.1.
    """

    kind: Literal["scaled"] = "scaled"
    shortcut: Factor = 1.0
    """Factor of the shortcut."""
    residual: Factor = 1.0
    """Factor of the residual branch."""


class GateSpec(Around):
    """(1 - g(x)) S(x) + g(x) F(x), or (1 - g(x)) S(x) + F(x); g = sigmoid(conv1x1(x)), biased.

    He et al. 2016 (arXiv 1603.05027), section 3.1: ``exclusive`` is the gate of Highway Networks
    (Srivastava et al. 2015), ``shortcut_only`` leaves the branch alone. The gate has the block's
    stride, and a value for each channel that the block puts out.
    """

    kind: Literal["gate"] = "gate"
    mode: Literal["exclusive", "shortcut_only"] = "exclusive"
    bias_init: Annotated[float, Field(ge=-1000.0, le=1000.0), OneZero] = -6.0
    """Where the gate's bias starts: the lower, the more open the shortcut. -6 did best."""

    def lay(self, trace: Trace, name: str, what: ResolvedBlock, norm: NormSpec) -> None:
        gate = trace.fork("shortcut")
        super().lay(trace, name, what, norm)
        gate.conv(f"{name}.gate", what.out_channels, 1, what.stride, bias=True)

    def constants(self, name: str) -> dict[str, float]:
        return {f"{name}.gate.bias": self.bias_init}


class DropoutShortcutSpec(Around):
    """dropout(S(x)) + F(x). He et al. 2016 (arXiv 1603.05027), section 3.1, with a rate of 0.5.

    What is kept is divided by 1 - rate, as in PyTorch; the paper reckons with a shortcut that is
    halved.
    """

    kind: Literal["dropout"] = "dropout"
    rate: Rate = 0.5


_Kinds = Annotated[
    _Simple | ScaledSpec | GateSpec | DropoutShortcutSpec | NoShortcutSpec,
    Field(discriminator="kind"),
]
_Names = Literal[_SimpleNames, "scaled", "gate", "dropout", "none"]
ShortcutSpec = Annotated[
    _Kinds, BeforeValidator(expand_kind, json_schema_input_type=_Names | _Kinds)
]
SHORTCUTS: tuple[type[_Shortcut], ...] = (
    IdentitySpec,
    ProjectionSpec,
    AvgProjectionSpec,
    ZeroPadSpec,
    Conv1x1Spec,
    ScaledSpec,
    GateSpec,
    DropoutShortcutSpec,
    NoShortcutSpec,
)


class ShortcutPairSpec(Spec):
    """The shortcuts of blocks that keep the shape and of blocks that change it."""

    match: ShortcutSpec = IdentitySpec()
    change: ShortcutSpec = ProjectionSpec()


def expand_shortcut(value: Any) -> Any:
    """The pair that a bare kind, or one kind with its fields, is short for.

    >>> expand_shortcut("zero_pad")
    {'match': {'kind': 'identity'}, 'change': {'kind': 'zero_pad'}}
    >>> expand_shortcut("none")
    {'match': {'kind': 'none'}, 'change': {'kind': 'none'}}
    """
    long = expand_kind(value)
    if isinstance(long, _Shortcut):
        long = long.model_dump()
    if not isinstance(long, dict) or "kind" not in long:
        return long
    bare = {kind.model_fields["kind"].default: kind.bare_match for kind in SHORTCUTS}
    match = bare.get(long["kind"], "identity") if isinstance(long["kind"], str) else "identity"
    return {"match": {"kind": match} if match else long, "change": long}


def shorten_shortcut(pair: ShortcutPairSpec) -> Any:
    """The shortest way to write ``pair``; the inverse of :func:`expand_shortcut`.

    >>> shorten_shortcut(ShortcutPairSpec(match=IdentitySpec(), change=ZeroPadSpec()))
    'zero_pad'
    """
    change = short_tree(pair.change)
    if ShortcutPairSpec.model_validate(expand_shortcut(change)) == pair:
        return change
    return {"match": short_tree(pair.match), "change": change}


ShortcutRule = Annotated[
    ShortcutPairSpec,
    BeforeValidator(expand_shortcut, json_schema_input_type=_Names | _Kinds | ShortcutPairSpec),
]
