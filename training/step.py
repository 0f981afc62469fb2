"""Optimizer steps in the precision and memory format of a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import isfinite
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ResforgeError
from .compiling import explained, forward_of
from .optimizer import AdamSpec, OptimizerSpec, SgdSpec
from .recipe import Recipe
from .result import GradientNorm

_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class Stepper:
    """Optimizer of one run, with its gradient scaler.

    Weights, gradients and the optimizer's state are float32 in any precision; the forward pass
    runs under autocast (Micikevicius et al. 2018, arXiv 1710.03740). Raises
    :class:`~resforge.ResforgeError` for float16 and for CUDA graphs on a CPU.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, device: torch.device) -> None:
        recipe.check_device(device.type)
        self.model = model
        self.recipe = recipe
        self.device = device
        if recipe.channels_last:
            to_channels_last(model)
        self.forward = forward_of(model, recipe)
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
        if self.recipe.channels_last and x.ndim == 4:
            x = x.to(memory_format=torch.channels_last)
        self.optimizer.zero_grad(set_to_none=True)
        with explained(self.device) if self.recipe.compile else nullcontext():
            value, scores = self._gradients(x, y)
        if isfinite(value):
            self.scaler.unscale_(self.optimizer)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return value, scores

    def _gradients(self, x: Tensor, y: Tensor) -> tuple[float, Tensor]:
        """The loss and its scores; its gradients are in the parameters, where it is finite."""
        with self._precision():
            scores = self.forward(x)
            loss = F.cross_entropy(scores, y, label_smoothing=self.recipe.label_smoothing)
        value = loss.item()
        if isfinite(value):
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return value, scores.detach()

    def state(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from the ``state`` of another stepper of the same arguments.

        Raises any exception for a state that does not fit.
        """
        options = [_options(group) for group in self.optimizer.param_groups]
        groups = state["optimizer"]["param_groups"]
        # The recipe and the device decide them, not the file.
        own = [{**group, **mine} for group, mine in zip(groups, options, strict=True)]
        self.optimizer.load_state_dict({**state["optimizer"], "param_groups": own})
        check_moments(self.optimizer)
        self.scaler.load_state_dict(state["scaler"])

    def _precision(self) -> AbstractContextManager[object]:
        half = _HALVES.get(self.recipe.precision)
        return torch.autocast(self.device.type, half) if half is not None else nullcontext()


def to_channels_last(model: nn.Module) -> None:
    """Give the weights of a network of pictures, and their gradients, the memory format
    ``channels_last``; those of networks of signals and volumes stay as they are."""
    if not any(parameter.ndim == 5 for parameter in model.parameters()):
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimizer of a recipe, for all parameters of the model.

    Raises :class:`~resforge.ResforgeError` where PyTorch has no fused kernels for their device.
    """
    spec, parameters = recipe.optimizer, [*model.parameters()]
    if spec.fused and parameters:
        _check_fused(spec, parameters[0].device)
    return _optimizer(parameters, spec, _fuses(parameters) if spec.fused is None else spec.fused)


def _fuses(parameters: Sequence[Tensor]) -> bool:
    """Whether the optimizer of some parameters is fused by default: on a CPU, where the kernel was
    measured, if it fits all of them."""
    # It takes elements in their order in memory: only of a dense parameter is that the order in its
    # gradient, too.
    usual = (p.requires_grad and p.is_floating_point() and _is_dense(p) for p in parameters)
    return all(p.device.type == "cpu" for p in parameters) and all(usual)


def _is_dense(tensor: Tensor) -> bool:
    """Whether the elements of a tensor fill its memory, in the order of a memory format."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    own = formats.get(tensor.ndim, torch.contiguous_format)
    return tensor.is_contiguous() or tensor.is_contiguous(memory_format=own)


def _check_fused(spec: OptimizerSpec, device: torch.device) -> None:
    """Do a step on one number: PyTorch looks for the kernel only then."""
    probe = nn.Parameter(torch.zeros(1, device=device))
    probe.grad = torch.zeros_like(probe)
    try:
        _optimizer([probe], spec, fused=True).step()
    except RuntimeError as error:
        raise ResforgeError(
            f"optimizer.fused is true, and PyTorch has no such kernel for {device.type}: leave"
            " fused out"
        ) from error


def _optimizer(
    parameters: Iterable[nn.Parameter], spec: OptimizerSpec, fused: bool
) -> torch.optim.Optimizer:
    if isinstance(spec, SgdSpec):
        parameters = [*parameters]
        optimizer = torch.optim.SGD(
            parameters,
            lr=spec.lr,
            momentum=spec.momentum,
            nesterov=spec.nesterov and spec.momentum > 0,
            weight_decay=spec.weight_decay,
            fused=fused or None,
        )
        if fused and spec.momentum:
            # PyTorch makes them at the first step, and fails where a parameter has its first
            # gradient later; where a gradient scaler skips that step, it leaves them unwritten.
            for parameter in parameters:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimizer
    kind = torch.optim.Adam if isinstance(spec, AdamSpec) else torch.optim.AdamW
    return kind(
        parameters,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        fused=fused or None,
    )


def check_moments(optimizer: torch.optim.Optimizer) -> None:
    """Raise ``ValueError`` unless the state of ``optimizer`` fits its parameters.

    PyTorch takes any state, and fails at the next step.
    """
    adam = isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW)
    names = ("step", "exp_avg", "exp_avg_sq") if adam else ("momentum_buffer",)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            moments = optimizer.state.get(parameter)
            if not moments:  # a parameter that is not trained, and every one before the first step
                continue
            if not isinstance(moments, dict) or {*moments} != {*names}:
                raise ValueError(f"the optimizer's state does not hold {', '.join(names)}")
            for name, value in moments.items():
                _check_moment(name, value, parameter)


def _check_moment(name: str, value: Any, parameter: Tensor) -> None:
    if name == "step":
        if not isfinite(float(value)) or float(value) < 0:
            raise ValueError(f"the optimizer has done {float(value)} steps")
    elif value is None and name == "momentum_buffer":
        pass  # before the first step
    elif not isinstance(value, Tensor) or value.shape != parameter.shape:
        raise ValueError(f"the optimizer's {name} has another shape than its parameter")


def _options(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def gradient_norms(model: nn.Module) -> tuple[GradientNorm, ...]:
    """2-norms of the gradients of all weights of two or more dimensions, in order."""
    norms = [
        (name, parameter.grad.norm().item())
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1 and parameter.grad is not None
    ]
    return tuple((name, norm if isfinite(norm) else None) for name, norm in norms)
