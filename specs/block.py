"""What a stage repeats: the residual branch F(x) of a block, and its rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Union

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from .attention import AttentionSpec
from .base import Channels, Spec, expand_kind
from .norm import NoNormSpec, NormSpec
from .order import Order, ShortcutInput, activates_first
from .trace import Layer, Trace

if TYPE_CHECKING:
    from .network import ResolvedBlock


class Dilations(NamedTuple):
    """How far apart the taps of a block's convolutions stand.

    Where a stage dilates instead of striding, the convolution that would have strided still
    reads the map of the stage before.
    """

    first: int
    """Of the convolution that strides, and those before it."""
    rest: int
    """Of those after it."""


UNDILATED = Dilations(1, 1)


class BlockSpec(Spec):
    """Base of every block kind, built-in or registered.

    A kind says how wide its output is (:meth:`out_channels`) and writes down the layers of its
    residual branch (:meth:`lay`); the shortcut and the final activation come with the network.
    """

    kind: str
    #: Whether :meth:`lay` takes a ``dilations`` too.
    dilates: ClassVar[bool] = False
    #: Whether :meth:`problems` is all that its layers can have: no groups that do not divide.
    sound: ClassVar[bool] = False

    def out_channels(self, width: int) -> int:
        """Channels of the block's output, from the stage's width."""
        return width

    def lay(self, trace: Trace, width: int, stride: int, norm: NormSpec) -> None:
        """Write the layers of the residual branch, from the block's input to the sum."""
        raise NotImplementedError

    def bias(self, norm: NormSpec) -> bool:
        """Whether convolutions carry a bias: where no norm follows them."""
        return isinstance(norm, NoNormSpec)

    def shortcut_norm(self, norm: NormSpec) -> NormSpec:
        """The norm a projection on this block's shortcut carries."""
        return norm

    def residual_end(self, branch: Sequence[Layer]) -> Layer | None:
        """The last norm of the branch, which ``zero_residual`` starts at 0; None for none."""
        norms = [layer for layer in branch if layer.kind.endswith("_norm")]
        return norms[-1] if norms else None

    @property
    def arrangement(self) -> Order:
        """Where the norms and activations stand."""
        return "post"

    def meaning(self, what: ResolvedBlock) -> dict[str, Any]:
        """The fields as the network's identity holds them: one way to say one thing."""
        fields = self.as_plain()
        if self.dilates:
            fields["dilations"] = what.dilations
        return fields

    def problems(self, width: int) -> Iterator[tuple[str, str, str]]:
        """What is wrong with this block at this width: field, message, help."""
        return iter(())


class _Ordered(BlockSpec):
    dilates: ClassVar[bool] = True
    sound: ClassVar[bool] = True

    order: Order = "post"
    """Where norms and activations stand."""
    shortcut_input: ShortcutInput = "auto"
    """What the shortcut takes in the orders that activate first."""
    attention: AttentionSpec | None = None
    """What weighs the channels at the end of the residual branch."""

    @property
    def arrangement(self) -> Order:
        return self.order

    def shortcut_norm(self, norm: NormSpec) -> NormSpec:
        # Beside a branch that ends in a bare convolution, so does the projection.
        return NoNormSpec() if self.order == "full_pre" else norm

    def residual_end(self, branch: Sequence[Layer]) -> Layer | None:
        """The last norm, or the convolution after it where the order leaves that bare."""
        return [layer for layer in branch if layer.path == "main"][-1]

    def lay(
        self,
        trace: Trace,
        width: int,
        stride: int,
        norm: NormSpec,
        dilations: Dilations = UNDILATED,
    ) -> None:
        self.lay_convs(trace, width, stride, norm, dilations)
        if self.attention is not None:
            self.attention.lay(trace)

    def lay_convs(
        self, trace: Trace, width: int, stride: int, norm: NormSpec, dilations: Dilations
    ) -> None:
        """Write the convolutions of the branch and their norms."""
        raise NotImplementedError

    def lay_last_norm(self, trace: Trace, name: str, norm: NormSpec) -> None:
        if self.order not in ("full_pre", "norm_after_add"):
            trace.norm(name, norm)

    def dilations(self, dilations: Dilations) -> tuple[int, ...]:
        """The dilation of each 3x3 convolution."""
        raise NotImplementedError

    def meaning(self, what: ResolvedBlock) -> dict[str, Any]:
        fields = super().meaning(what)
        shares = what.shares_entry and what.shortcut.kind != "none"
        fields["shortcut_input"] = "activated" if shares else "raw"
        fields["dilations"] = self.dilations(what.dilations)
        if self.attention is not None:
            fields["attention"] = self.attention.meaning(what.out_channels)
        return fields

    def problems(self, width: int) -> Iterator[tuple[str, str, str]]:
        if self.shortcut_input != "auto" and not activates_first(self.order):
            yield (
                "shortcut_input",
                f"{self.order} does not activate before the block divides",
                "leave shortcut_input out, or use order: full_pre or relu_only_pre",
            )
        if self.attention is not None:
            for field, message, help_ in self.attention.problems(self.out_channels(width)):
                yield f"attention.{field}", message, help_


class BasicSpec(_Ordered):
    """F(x) = two 3x3 convolutions. He et al. 2015, Figure 5 left.

    With a dilation the first has that of the stage before, the second the stage's own.
    """

    kind: Literal["basic"] = "basic"

    def lay_convs(
        self, trace: Trace, width: int, stride: int, norm: NormSpec, dilations: Dilations
    ) -> None:
        bias = self.bias(norm)
        first, second = dilations
        trace.conv("conv1", width, 3, stride, bias=bias, dilation=first)
        trace.norm("bn1", norm)
        trace.conv("conv2", width, 3, bias=bias, dilation=second)
        self.lay_last_norm(trace, "bn2", norm)

    def dilations(self, dilations: Dilations) -> tuple[int, ...]:
        return dilations


class _Narrowed(_Ordered):
    """1x1, 3x3 and 1x1 convolutions, the 3x3 in groups at a width of its own."""

    @property
    def strides_first(self) -> bool:
        """Whether the first 1x1 strides, and not the 3x3."""
        return False

    def inner_width(self, width: int) -> int:
        """Channels of the 3x3 convolution."""
        raise NotImplementedError

    def inner_groups(self, width: int) -> int:
        """Groups of the 3x3 convolution."""
        raise NotImplementedError

    def lay_convs(
        self, trace: Trace, width: int, stride: int, norm: NormSpec, dilations: Dilations
    ) -> None:
        bias, inner, groups = self.bias(norm), self.inner_width(width), self.inner_groups(width)
        first, second = (stride, 1) if self.strides_first else (1, stride)
        (dilation,) = self.dilations(dilations)
        trace.conv("conv1", inner, 1, first, bias=bias)
        trace.norm("bn1", norm)
        trace.conv("conv2", inner, 3, second, groups, bias, dilation)
        trace.norm("bn2", norm)
        trace.conv("conv3", self.out_channels(width), 1, bias=bias)
        self.lay_last_norm(trace, "bn3", norm)

    def dilations(self, dilations: Dilations) -> tuple[int, ...]:
        return (dilations.rest if self.strides_first else dilations.first,)


class BottleneckSpec(_Narrowed):
    """F(x) = 1x1, 3x3 and 1x1 convolutions. He et al. 2015, Figure 5 right.

    With ``groups`` above 1 the block of ResNeXt (Xie et al. 2017, arXiv 1611.05431, Figure 3c);
    with ``width_per_group`` above 64 that of the wide ResNets (Zagoruyko and Komodakis 2016).
    """

    kind: Literal["bottleneck"] = "bottleneck"
    expansion: Annotated[int, Field(ge=1, le=64)] = 4
    """Output channels over the stage's width."""
    groups: Channels = 1
    """Groups of the 3x3 convolution: ResNeXt's cardinality."""
    width_per_group: Channels = 64
    """Channels of each group where the stage's width is 64."""
    stride_on: Literal["conv2", "conv1"] = "conv2"
    """The convolution that strides: the 3x3 (v1.5, as torchvision) or the first 1x1 (the paper)."""

    def out_channels(self, width: int) -> int:
        return width * self.expansion

    @property
    def strides_first(self) -> bool:
        return self.stride_on == "conv1"

    def inner_width(self, width: int) -> int:
        return width * self.width_per_group // 64 * self.groups

    def inner_groups(self, width: int) -> int:
        return self.groups

    def meaning(self, what: ResolvedBlock) -> dict[str, Any]:
        fields = super().meaning(what)
        if what.stride == 1:
            del fields["stride_on"]
        return fields

    def problems(self, width: int) -> Iterator[tuple[str, str, str]]:
        if width * self.width_per_group < 64:
            yield (
                "width_per_group",
                f"width {width} x width_per_group {self.width_per_group} / 64 leaves no channel",
                f"use a width_per_group of at least {-(-64 // width)}",
            )
        yield from super().problems(width)


class XSpec(_Narrowed):
    """F(x) = 1x1, 3x3 in groups, and 1x1 convolutions, told by the width that is put out.

    The X block of Radosavovic et al. 2020 (arXiv 2003.13678), Figure 4.
    """

    kind: Literal["x"] = "x"
    group_width: Channels = 8
    """Channels of each group of the 3x3, which is one group where it has no more."""
    ratio: Annotated[int, Field(ge=1, le=64)] = 1
    """The stage's width over that of the 3x3: the bottleneck ratio."""

    def inner_width(self, width: int) -> int:
        return width // self.ratio

    def inner_groups(self, width: int) -> int:
        return max(1, self.inner_width(width) // self.group_width)

    def meaning(self, what: ResolvedBlock) -> dict[str, Any]:
        fields = super().meaning(what)
        del fields["group_width"]
        return {**fields, "groups": self.inner_groups(what.width)}

    def problems(self, width: int) -> Iterator[tuple[str, str, str]]:
        inner = self.inner_width(width)
        if width % self.ratio:
            divisors = [str(n) for n in range(1, 65) if width % n == 0]
            message = f"a ratio of {self.ratio} does not divide the width {width}"
            yield "ratio", message, f"use a divisor: {', '.join(divisors)}"
        elif inner > self.group_width and inner % self.group_width:
            message = f"groups of {self.group_width} channels do not divide {inner}"
            yield "group_width", message, f"use a divisor: {gcd(inner, self.group_width)}"
        yield from super().problems(width)


class D2LSpec(BlockSpec):
    """F(x) = two biased 3x3 convolutions; a projection is biased too, and has no norm.

    The Residual class of Zhang et al., Dive into Deep Learning, section 8.6.
    """

    kind: Literal["d2l"] = "d2l"
    sound: ClassVar[bool] = True

    def lay(self, trace: Trace, width: int, stride: int, norm: NormSpec) -> None:
        trace.conv("conv1", width, 3, stride, bias=True)
        trace.norm("bn1", norm)
        trace.conv("conv2", width, 3, bias=True)
        trace.norm("bn2", norm)

    def bias(self, norm: NormSpec) -> bool:
        return True

    def shortcut_norm(self, norm: NormSpec) -> NormSpec:
        return NoNormSpec()


BLOCKS: dict[str, type[BlockSpec]] = {
    "basic": BasicSpec,
    "bottleneck": BottleneckSpec,
    "d2l": D2LSpec,
    "x": XSpec,
}
"""The kinds a file can name. Grown by :func:`resforge.register`, from Python only."""


class _AnyBlock:
    """The union of :data:`BLOCKS`, read when a model that holds it is (re)built."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        union: Any = Union[tuple(BLOCKS.values())]  # noqa: UP007
        kinds: Any = Annotated[union, Field(discriminator="kind")]
        written: Any = Union[Literal[tuple(BLOCKS)], kinds]  # noqa: UP007
        bare = BeforeValidator(expand_kind, json_schema_input_type=written)
        return handler.generate_schema(Annotated[kinds, bare])


AnyBlock = Annotated[BlockSpec, _AnyBlock]
