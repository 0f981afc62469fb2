"""An activation."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..activation import (
    ACTIVATIONS,
    Activation,
    PReLUSpec,
    activation_text,
    fields_of,
    gain_of,
    without_gain,
)
from ..call import IDENTITY, Call, ChannelCount, call
from ..layer import Module
from ..operation import Operation
from ..site import Choices, Site
from ..trace import Trace
from .multiply import MultiplySpec

CLASSES = {
    "relu": "nn.ReLU",
    "relu6": "nn.ReLU6",
    "leaky_relu": "nn.LeakyReLU",
    "elu": "nn.ELU",
    "selu": "nn.SELU",
    "gelu": "nn.GELU",
    "silu": "nn.SiLU",
    "mish": "nn.Mish",
    "hardswish": "nn.Hardswish",
    "softplus": "nn.Softplus",
    "tanh": "nn.Tanh",
    "celu": "nn.CELU",
    "prelu": "nn.PReLU",
    "hardsigmoid": "nn.Hardsigmoid",
    "hardtanh": "nn.Hardtanh",
    "sigmoid": "nn.Sigmoid",
}
ARGUMENTS = {
    "leaky_relu": {"slope": "negative_slope"},
    "elu": {"alpha": "alpha"},
    "celu": {"alpha": "alpha"},
    "prelu": {"slope": "init"},
}
"""What PyTorch calls the fields of an activation."""
# These compute their gradient from their output, so that writing over the input saves a copy.
# Others (SiLU, Mish, Hardswish) would have to clone their input first, and a slope below 0 hides
# the sign of the input.
IN_PLACE = {"relu", "leaky_relu", "elu", "selu", "celu"}


class ActSpec(Operation):
    """An activation: the network's unless another is named."""

    synonyms: ClassVar[tuple[str, ...]] = ("activation", "nonlinearity", *ACTIVATIONS)
    main: ClassVar[str | None] = "function"
    sign: ClassVar[str | None] = "activation"
    legend: ClassVar[str] = "activation"
    sizeless: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"function": "silu"},
        {"function": "prelu"},
        {"function": {"kind": "celu", "alpha": 0.5}},
        {"function": {"kind": "gelu", "gain": 1.5}},
    )

    kind: Literal["act"] = "act"
    function: Activation | None = None
    """Its name, or a mapping, as the network's `activation` has it. Left out: the network's
    activation."""

    def settle(self, choices: Choices) -> Operation:
        return self if self.function is not None else act_op(choices.activation)

    @property
    def name(self) -> str:
        """The name of the function, without its fields."""
        return fields_of(self.function or "none").kind

    @property
    def text(self) -> str:
        """The name of the function and the fields that differ from their defaults."""
        return activation_text(self.function or "none")

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        fields = fields_of(self.function or "none")
        if isinstance(fields, PReLUSpec):
            factors = 1 if fields.shared else trace.channels
            part = name if fields.gain == 1.0 else f"{name}.act"
            trace.parameter(f"{part}.weight", factors, start=fields.slope)

    def call(self, module: Module) -> Call:
        return act_call(self.function or "none", module.in_place, module.in_channels)

    @property
    def parts(self) -> tuple[Operation, ...]:
        function = self.function or "none"
        if (gain := gain_of(function)) == 1.0:
            return (self,)
        return act_op(without_gain(function)), MultiplySpec(factor=gain)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        fields = fields_of(self.function or "none")
        if fields.kind == "none":
            return None
        return {"op": "act", "function": fields.kind, **fields.differing()}

    def evaluated(self, module: Module) -> dict[str, Any] | None:
        meant = self.canonical(module)
        if meant is not None and module.layers:
            meant.pop("slope", None)  # an initial value
        return meant

    def sign_of(self, module: Module) -> str | None:
        return "" if self.name == "none" else self.sign


def act_call(function: Activation, in_place: bool, channels: int = 1) -> Call:
    """The call that makes an activation of ``channels``, ``in_place`` where that saves memory.

    >>> act_call("relu", True).options, act_call("silu", True).options
    ({'inplace': True}, {})
    """
    fields = fields_of(function)
    if fields.kind == "none":
        return IDENTITY
    if (gain := gain_of(function)) != 1.0:
        act = act_call(without_gain(function), in_place, channels)
        return Call("nn.Sequential", (), {"act": act, "gain": call("Multiply", gain)})
    names, values = ARGUMENTS.get(fields.kind, {}), fields.differing()
    options = {names[field]: value for field, value in values.items() if field in names}
    if in_place and fields.kind in IN_PLACE and getattr(fields, "slope", 0.0) >= 0.0:
        options["inplace"] = True
    learned = isinstance(fields, PReLUSpec) and not fields.shared
    return call(CLASSES[fields.kind], *([ChannelCount(channels)] if learned else []), **options)


@lru_cache(64)
def act_op(function: Activation) -> ActSpec:
    """The step that applies ``function``."""
    return ActSpec(function=function)
