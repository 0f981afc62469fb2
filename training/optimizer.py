"""Specs of the optimizers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ..specs.base import Rate, Spec, expand_kind

LearningRate = Annotated[float, Field(gt=0.0, le=1e3)]
Decay = Annotated[float, Field(ge=0.0, le=1e3)]


class SgdSpec(Spec):
    """Stochastic gradient descent with momentum; He et al. 2015, section 3.4, uses 0.1 and 0.9."""

    kind: Literal["sgd"] = "sgd"
    lr: LearningRate = 0.1
    """Peak learning rate; the schedule scales it."""
    momentum: Rate = 0.9
    """Momentum; 0 for none."""
    nesterov: bool = False
    """Nesterov's momentum; has no effect at momentum 0."""
    weight_decay: Decay = 1e-4
    """Weight decay, added to the gradient."""
    fused: bool | None = None
    """Whether all parameters are updated by one kernel, which is faster and may round differently.
    Left out: on a CPU."""


class AdaptiveSpec(Spec):
    """What Adam and AdamW have in common: steps scaled by running means of the gradient (``beta1``)
    and of its square (``beta2``)."""

    kind: str
    lr: LearningRate = 1e-3
    """Peak learning rate; the schedule scales it."""
    beta1: Rate = 0.9
    """Decay of the running mean of the gradient."""
    beta2: Rate = 0.999
    """Decay of the running mean of its square."""
    eps: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-8
    """Added to the denominator."""
    weight_decay: Decay = 0.0
    """Weight decay."""
    fused: bool | None = None
    """Whether all parameters are updated by one kernel, which is faster and may round differently.
    Left out: on a CPU."""


class AdamSpec(AdaptiveSpec):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980); ``weight_decay`` is added to the gradient."""

    kind: Literal["adam"] = "adam"


class AdamWSpec(AdaptiveSpec):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""

    kind: Literal["adamw"] = "adamw"
    weight_decay: Decay = 1e-2
    """Weight decay, apart from the gradient."""


_Kinds = Annotated[SgdSpec | AdamSpec | AdamWSpec, Field(discriminator="kind")]
OptimizerSpec = Annotated[
    _Kinds,
    BeforeValidator(expand_kind, json_schema_input_type=Literal["sgd", "adam", "adamw"] | _Kinds),
]
