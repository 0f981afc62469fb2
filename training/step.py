"""Optimiser steps in the precision and memory format of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from math import isfinite
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .optimizer import SgdSpec
from .recipe import Recipe
from .result import GradientNorm

_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class Stepper:
    """Optimiser of one run, with its gradient scaler.

    Weights, gradients and the optimiser's state are float32 in any precision; the forward pass
    runs under autocast (Micikevicius et al. 2018, arXiv 1710.03740). Raises
    :class:`~resforge.ResforgeError` for float16 on a CPU.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, device: torch.device) -> None:
        recipe.check_device(device.type)
        self.model = model
        self.recipe = recipe
        self.device = device
        if recipe.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(model, recipe)
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "float16")

    def step(self, x: Tensor, y: Tensor, rate: float) -> tuple[float, Tensor]:
        """Do one step at a learning rate, on ``x: (N, C, H, W)`` with targets ``y``: labels
        ``(N,)`` or class probabilities ``(N, classes)``.

        Returns the loss before the step and its scores ``(N, classes)``. The weights stay as they
        are where the loss is not finite, and where gradients of float16 overflow, until the
        scaler has reduced its factor.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.recipe.channels_last:
            x = x.to(memory_format=torch.channels_last)
        self.optimizer.zero_grad(set_to_none=True)
        with self._precision():
            scores: Tensor = self.model(x)
            loss = F.cross_entropy(scores, y, label_smoothing=self.recipe.label_smoothing)
        value = loss.item()
        if isfinite(value):
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            self.scaler.unscale_(self.optimizer)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return value, scores.detach()

    def state(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])

    def _precision(self) -> AbstractContextManager[object]:
        half = _HALVES.get(self.recipe.precision)
        return torch.autocast(self.device.type, half) if half is not None else nullcontext()


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser of a recipe, for all parameters of the model."""
    spec = recipe.optimizer
    if isinstance(spec, SgdSpec):
        return torch.optim.SGD(
            model.parameters(),
            lr=spec.lr,
            momentum=spec.momentum,
            nesterov=spec.nesterov and spec.momentum > 0,
            weight_decay=spec.weight_decay,
        )
    return torch.optim.AdamW(
        model.parameters(),
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
    )


def gradient_norms(model: nn.Module) -> tuple[GradientNorm, ...]:
    """2-norms of the gradients of all weights of two or more dimensions, in order."""
    norms = [
        (name, parameter.grad.norm().item())
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1 and parameter.grad is not None
    ]
    return tuple((name, norm if isfinite(norm) else None) for name, norm in norms)
