"""What stands before the first stage."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import Channels, Spec, Stride, expand_kind
from .norm import NoNormSpec, NormSpec
from .trace import Trace

Pool = Literal["max", "none"]


class _Stem(Spec):
    kind: str
    bias: bool = False
    """Bias on the convolutions; always there where no norm follows."""

    def meaning(self, norm: NormSpec) -> dict[str, Any]:
        """The fields as the network's identity holds them."""
        fields = self.as_plain()
        if isinstance(norm, NoNormSpec):
            fields["bias"] = True  # whatever it says
        return fields

    def conv_norm(
        self, trace: Trace, number: int, width: int, kernel: int, stride: int, norm: NormSpec
    ) -> None:
        bias = self.bias or isinstance(norm, NoNormSpec)
        trace.conv(f"conv{number}", width, kernel, stride, bias=bias)
        trace.norm(f"bn{number}", norm)


class Conv7x7StemSpec(_Stem):
    """7x7 convolution at stride 2, norm, activation, 3x3 max-pool at stride 2.

    He et al. 2015 (arXiv 1512.03385), Table 1.
    """

    kind: Literal["conv7x7"] = "conv7x7"
    width: Channels = 64
    pool: Pool = "max"

    @property
    def out_channels(self) -> int:
        return self.width

    def lay(self, trace: Trace, norm: NormSpec) -> None:
        self.conv_norm(trace, 1, self.width, 7, 2, norm)
        if self.pool == "max":
            trace.max_pool("maxpool", 3, 2)


class DeepBaseStemSpec(_Stem):
    """Three 3x3 convolutions, the first at stride 2, then the max-pool.

    Szegedy et al. 2016's replacement of the 7x7; the ``deep_base`` ResNets of semantic
    segmentation and the ResNet-C of He et al. 2018 (arXiv 1812.01187), Figure 2b.
    """

    kind: Literal["deep_base"] = "deep_base"
    widths: Annotated[tuple[Channels, ...], Field(strict=False, min_length=3, max_length=3)] = (
        64,
        64,
        128,
    )
    pool: Pool = "max"

    @property
    def out_channels(self) -> int:
        return self.widths[-1]

    def lay(self, trace: Trace, norm: NormSpec) -> None:
        for number, width in enumerate(self.widths, start=1):
            self.conv_norm(trace, number, width, 3, 2 if number == 1 else 1, norm)
        if self.pool == "max":
            trace.max_pool("maxpool", 3, 2)


class Conv3x3StemSpec(_Stem):
    """One 3x3 convolution and no pool: He et al. 2015, section 4.2 (CIFAR-10), and at stride 2
    Radosavovic et al. 2020 (arXiv 2003.13678), section 3.2."""

    kind: Literal["conv3x3"] = "conv3x3"
    width: Channels = 16
    stride: Stride = 1

    @property
    def out_channels(self) -> int:
        return self.width

    def lay(self, trace: Trace, norm: NormSpec) -> None:
        self.conv_norm(trace, 1, self.width, 3, self.stride, norm)

    def meaning(self, norm: NormSpec) -> dict[str, Any]:
        fields = super().meaning(norm)
        if self.stride == 1:
            del fields["stride"]  # as it was before stems could stride
        return fields


_Kinds = Annotated[
    Conv7x7StemSpec | DeepBaseStemSpec | Conv3x3StemSpec, Field(discriminator="kind")
]
StemSpec = Annotated[
    _Kinds,
    BeforeValidator(
        expand_kind,
        json_schema_input_type=Literal["conv7x7", "deep_base", "conv3x3"] | _Kinds,
    ),
]
