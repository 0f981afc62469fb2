"""What weighs the channels at the end of a residual branch."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import OddKernel, Spec, expand_kind
from .trace import Trace


class _Attention(Spec):
    def lay(self, trace: Trace) -> None:
        """Write the layers, beside the main path."""
        raise NotImplementedError

    def problems(self, channels: int) -> Iterator[tuple[str, str, str]]:
        """What is wrong with it at this number of channels: field, message, help."""
        return iter(())

    def meaning(self, channels: int) -> dict[str, Any]:
        """The fields as the network's identity holds them: one way to say one thing."""
        return self.as_plain()


class SqueezeExcitationSpec(_Attention):
    """F(x) * sigmoid(W2 relu(W1 mean(F(x)))), W1 and W2 biased and between them C // reduction.

    Hu et al. 2018, Squeeze-and-Excitation Networks (arXiv 1709.01507), section 3 and Figure 3.
    """

    kind: Literal["se"] = "se"
    reduction: Annotated[int, Field(ge=1, le=1024)] = 16
    """Channels over those between the two layers."""

    def lay(self, trace: Trace) -> None:
        channels = trace.channels
        side = trace.fork("attention")
        side.global_avg_pool("se.pool")
        side.conv("se.fc1", channels // self.reduction, bias=True)
        side.conv("se.fc2", channels, bias=True)

    def meaning(self, channels: int) -> dict[str, Any]:
        return {"kind": self.kind, "channels": channels // self.reduction}

    def problems(self, channels: int) -> Iterator[tuple[str, str, str]]:
        if channels < self.reduction:
            yield (
                "reduction",
                f"a reduction of {self.reduction} leaves none of {channels} channels",
                f"use a reduction of at most {channels}",
            )


class ECASpec(_Attention):
    """F(x) * sigmoid(w * mean(F(x))), w a convolution along the channels.

    Wang et al. 2020, ECA-Net (arXiv 1910.03151), section 3.
    """

    kind: Literal["eca"] = "eca"
    kernel: OddKernel | None = None
    """Channels that are seen together; null: the nearest odd number to log2(C) / 2 + 1 / 2
    (equation 12; as the authors' code, an even whole part is raised by one)."""

    def kernel_size(self, channels: int) -> int:
        """The kernel for this number of channels.

        >>> [ECASpec().kernel_size(channels) for channels in (64, 256, 2048)]
        [3, 5, 7]
        """
        if self.kernel is not None:
            return self.kernel
        whole = int((log2(channels) + 1) / 2)
        return whole + 1 - whole % 2

    def lay(self, trace: Trace) -> None:
        side = trace.fork("attention")
        side.global_avg_pool("se.pool")
        side.conv_along_channels("se.conv", self.kernel_size(trace.channels))

    def meaning(self, channels: int) -> dict[str, Any]:
        return {**super().meaning(channels), "kernel": self.kernel_size(channels)}


_Kinds = Annotated[SqueezeExcitationSpec | ECASpec, Field(discriminator="kind")]
AttentionSpec = Annotated[
    _Kinds,
    BeforeValidator(expand_kind, json_schema_input_type=Literal["se", "eca"] | _Kinds),
]
