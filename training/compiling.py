"""The forward pass of training, compiled where a recipe asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..errors import ResforgeError
from .recipe import Recipe

Forward = Callable[[Tensor], Tensor]


def forward_of(model: nn.Module, recipe: Recipe) -> Forward:
    """``x: (N, C, H, W)`` to the outputs of ``model``, for training in batches of one size.

    Where the recipe says so, the forward pass is compiled in the first call and the backward pass
    in its first run, within :func:`explained`.
    """
    if not recipe.compile:
        return model
    mode = "reduce-overhead" if recipe.cuda_graphs else "default"
    compiled: Forward = torch.compile(model, dynamic=False, mode=mode)
    return _replayed(compiled) if recipe.cuda_graphs else compiled


def _replayed(compiled: Forward) -> Forward:
    def forward(x: Tensor) -> Tensor:
        # From here on a replay may write over the outputs of the step before.
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return compiled(x)

    return forward


@contextmanager
def explained(device: torch.device) -> Iterator[None]:
    """Context that raises :class:`~resforge.ResforgeError` where PyTorch cannot compile for the
    device."""
    try:
        yield
    except RuntimeError as error:
        from torch._dynamo.exc import TorchDynamoException  # takes a second

        if not isinstance(error, TorchDynamoException):
            raise
        reason = str(error).partition("\n")[0]
        raise ResforgeError(
            f"compile: true, and PyTorch cannot compile for {device.type} here ({reason}): leave"
            " compile out, or install a C++ compiler for the CPU, Triton for a GPU"
        ) from error
