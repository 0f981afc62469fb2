"""An activation."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..activation import Activation
from ..call import IDENTITY, Call, call
from ..operation import Operation
from ..site import Site
from ..trace import Module

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
}
# These compute their gradient from their output, so that writing over the input saves a copy.
# Others (SiLU, Mish, Hardswish) would have to clone their input first.
IN_PLACE = {"relu", "leaky_relu", "elu", "selu"}


class ActSpec(Operation):
    """An activation: the network's unless another is named."""

    main: ClassVar[str | None] = "function"
    sign: ClassVar[str | None] = "activation"
    legend: ClassVar[str] = "activation"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"function": "silu"})

    kind: Literal["act"] = "act"
    function: Activation | None = None
    """Its name, as the network's `activation` has it. Left out: the network's activation."""

    def settle(self, site: Site) -> Operation:
        return self if self.function is not None else act_op(site.activation)

    def call(self, module: Module) -> Call:
        function = str(self.function)
        if function == "none":
            return IDENTITY
        options = {"inplace": True} if module.in_place and function in IN_PLACE else {}
        return call(CLASSES[function], **options)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return None if self.function == "none" else {"op": "act", "function": self.function}

    def sign_of(self, module: Module) -> str | None:
        return "" if self.function == "none" else self.sign


@lru_cache(64)
def act_op(function: Activation) -> ActSpec:
    """The step that applies ``function``."""
    return ActSpec(function=function)
