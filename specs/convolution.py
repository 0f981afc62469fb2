"""What a convolution convolves with: its weight as it is, or standardised; and how it pads."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from .base import OneZero, Spec, expand_kind

Eps = Annotated[float, Field(gt=0.0, le=1.0)]


class _ConvolutionSpec(Spec):
    """Base of the kinds of convolutions."""

    kind: str
    padding: Literal["half", "same"] = "half"
    """How a convolution pads that says nothing of it: by half of its window on each side (`half`),
    or by as little as the windows of side / stride, rounded up, need, and of an odd number by one
    more after the map than before it (`same`: TensorFlow)."""

    @property
    def of_weight(self) -> dict[str, Any]:
        """What differs from a default of the weight that it convolves with."""
        return {name: value for name, value in self.differing().items() if name != "padding"}


class PlainConvolutionSpec(_ConvolutionSpec):
    """The weight as it is."""

    kind: Literal["plain"] = "plain"


class StandardizedSpec(_ConvolutionSpec):
    """Each output channel's weight with mean 0 and variance 1: weight standardisation.

    Qiao et al. 2019 (arXiv 1903.10520), equation 7.
    """

    legal_dims: ClassVar[tuple[int, ...]] = (2,)

    kind: Literal["standardized"] = "standardized"
    eps: Eps = 1e-6
    """Added to the variance under the root, or to the deviation of a `sample`. 1e-6 in timm, 1e-8
    in BiT, 1e-5 in the authors' code."""
    estimate: Literal["population", "sample"] = "population"
    """The weight is divided by the root of its variance + `eps`, over n values divided by n
    (`population`: timm, BiT), or by its deviation + `eps`, divided by n - 1 (`sample`: the authors'
    code)."""


class ScaledStandardizedSpec(_ConvolutionSpec):
    """`gamma` g (W - mean) / sqrt(n variance), with a learned gain g for each output channel.

    Scaled weight standardisation of networks without norms: Brock et al. 2021 (arXiv 2101.08692),
    equation 2. n is the number of values that each output is a sum of; biases start at 0.
    """

    legal_dims: ClassVar[tuple[int, ...]] = (2,)

    kind: Literal["scaled_standardized"] = "scaled_standardized"
    gamma: Annotated[float, Field(ge=-16.0, le=16.0), OneZero] = 1.0
    """What makes up for the variance that the activation before takes away: 1.7139588594436646
    for `relu`, 1.7881293296813965 for `silu`, 1.7015043497085571 for `gelu`."""
    eps: Eps = 1e-6
    """Added to the variance under the root."""


_Kinds = Annotated[
    PlainConvolutionSpec | StandardizedSpec | ScaledStandardizedSpec, Field(discriminator="kind")
]
ConvolutionSpec = Annotated[
    _Kinds,
    BeforeValidator(
        expand_kind,
        json_schema_input_type=Literal["plain", "standardized", "scaled_standardized"] | _Kinds,
    ),
]
PLAIN = PlainConvolutionSpec()
