"""The activation functions a network may use, under PyTorch's names."""

from __future__ import annotations

from typing import Literal, get_args

Activation = Literal[
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
]
ACTIVATIONS: tuple[str, ...] = get_args(Activation)
