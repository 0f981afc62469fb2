"""The activation functions a network may use, under PyTorch's names."""

from __future__ import annotations

from functools import lru_cache
from math import log
from typing import Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    SerializationInfo,
    create_model,
)
from pydantic_core import CoreSchema

from .base import OneZero, Spec, expand_kind

Slope = Annotated[float, Field(ge=-1.0, le=1.0)]
Alpha = Annotated[float, Field(gt=0.0, le=16.0)]


class ActivationSpec(Spec):
    """Base of every activation: a name of PyTorch's, and its fields."""

    kind: str

    def __reduce__(self) -> Any:
        # By name: the classes of most functions are made below, and pickle finds none of them.
        return _restored, (self.model_dump(),)

    @property
    def text(self) -> str:
        """The name and the fields that differ from their defaults, on one line.

        >>> CELUSpec(alpha=0.3).text
        'celu (alpha 0.3)'
        """
        fields = self.differing().items()
        written = (
            (f"{key} {value:g}" if not isinstance(value, bool) else key) for key, value in fields
        )
        return f"{self.kind} ({', '.join(written)})" if fields else self.kind

    @property
    def at_zero(self) -> float:
        """What it makes of 0.

        >>> fields_of("tanh").at_zero, fields_of("sigmoid").at_zero
        (0.0, 0.5)
        """
        return _AT_ZERO.get(self.kind, 0.0) * gain_of(self)

    @property
    def is_dead_at_zero(self) -> bool:
        """Whether it passes no gradient where its input is 0, as PyTorch has it.

        >>> fields_of("relu").is_dead_at_zero, fields_of("silu").is_dead_at_zero
        (True, False)
        """
        return self.kind in ("relu", "relu6") or getattr(self, "slope", 1.0) == 0.0


class FunctionSpec(ActivationSpec):
    """An activation that computes something."""

    gain: Annotated[float, Field(gt=0.0, le=16.0), OneZero] = 1.0
    """What its output is multiplied by: what makes up for the variance that it takes away, in
    networks without norms (Brock et al. 2021, arXiv 2101.08692, section 4.3)."""


class LeakyReLUSpec(FunctionSpec):
    """x where it is positive, elsewhere ``slope`` x (Maas et al. 2013)."""

    kind: Literal["leaky_relu"] = "leaky_relu"
    slope: Slope = 0.01
    """Slope below zero."""


class ELUSpec(FunctionSpec):
    """x where it is positive, elsewhere ``alpha`` (exp(x) - 1) (Clevert et al. 2016, arXiv
    1511.07289)."""

    kind: Literal["elu"] = "elu"
    alpha: Alpha = 1.0
    """The value that is approached below zero, without its sign."""


class CELUSpec(FunctionSpec):
    """x where it is positive, elsewhere ``alpha`` (exp(x / ``alpha``) - 1) (Barron 2017, arXiv
    1704.07483)."""

    kind: Literal["celu"] = "celu"
    alpha: Alpha = 1.0
    """The value that is approached below zero, without its sign."""


class PReLUSpec(FunctionSpec):
    """x where it is positive, elsewhere a x, with a learned factor a for each channel (He et al.
    2015, arXiv 1502.01852, section 2.1)."""

    kind: Literal["prelu"] = "prelu"
    slope: Slope = 0.25
    """Initial value of every factor."""
    shared: bool = False
    """Whether one factor is shared by all channels."""


_AT_ZERO = {"sigmoid": 0.5, "hardsigmoid": 0.5, "softplus": log(2.0)}
_FIELDLESS = (
    *("relu", "relu6", "selu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh"),
    *("sigmoid", "softplus", "tanh"),
)
ACTIVATION_KINDS: dict[str, type[ActivationSpec]] = {
    **{
        name: create_model(
            name,
            __base__=ActivationSpec if name == "none" else FunctionSpec,
            kind=(Literal[name], name),  # type: ignore[arg-type]
        )
        for name in (*_FIELDLESS, "none")
    },
    "leaky_relu": LeakyReLUSpec,
    "elu": ELUSpec,
    "celu": CELUSpec,
    "prelu": PReLUSpec,
}
"""The fields of each activation, by its name."""
ACTIVATIONS: tuple[str, ...] = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "hardswish"),
    *("softplus", "tanh", "none", "celu", "prelu", "hardsigmoid", "hardtanh", "sigmoid"),
)
"""The names of the activations."""


Function = Literal[
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "hardswish",
    "softplus",
    "tanh",
    "none",
    "network",
]
"""An activation within a part that has no place for fields of it; ``network``: the network's."""


class _NameOrFields:
    """The annotation of an activation: a name, or a mapping where a field differs."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        models = Union[tuple(ACTIVATION_KINDS[name] for name in ACTIVATIONS)]  # type: ignore # noqa: UP007
        kinds: Any = Annotated[models, Field(discriminator="kind")]
        written: Any = Literal[ACTIVATIONS] | kinds
        return handler.generate_schema(
            Annotated[
                kinds,
                BeforeValidator(expand_kind, json_schema_input_type=written),
                AfterValidator(_shortest),
                PlainSerializer(_dump),
            ]
        )


def _shortest(value: ActivationSpec) -> Activation:
    """One value for the ways to write the same."""
    return value if value.differing() else value.kind


def _dump(value: Activation, info: SerializationInfo) -> Any:
    if isinstance(value, str):
        return value
    return value.model_dump(mode=info.mode, exclude_defaults=info.exclude_defaults)


Activation = Annotated[str | ActivationSpec, _NameOrFields()]
"""A name, where all fields have their defaults, or else the fields."""


@lru_cache(256)
def fields_of(activation: Activation) -> ActivationSpec:
    """The activation with all of its fields.

    >>> fields_of("celu")
    CELUSpec(kind='celu', gain=1.0, alpha=1.0)
    """
    if not isinstance(activation, str):
        return activation
    return ACTIVATION_KINDS[activation](kind=activation)


def _restored(fields: dict[str, Any]) -> ActivationSpec:
    """An activation that was pickled."""
    return ACTIVATION_KINDS[fields["kind"]](**fields)


def gain_of(activation: Activation) -> float:
    """What an activation multiplies its output by."""
    return 1.0 if isinstance(activation, str) else getattr(activation, "gain", 1.0)


def without_gain(activation: Activation) -> Activation:
    """The activation that multiplies its output by nothing.

    >>> without_gain(FunctionSpec(kind="gelu", gain=1.7))
    'gelu'
    """
    if gain_of(activation) == 1.0:
        return activation
    return _shortest(fields_of(activation).model_copy(update={"gain": 1.0}))


def activation_text(activation: Activation) -> str:
    """The name of an activation, with the fields that differ from their defaults."""
    return activation if isinstance(activation, str) else activation.text
