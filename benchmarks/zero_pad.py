"""Option A: what joining without the padding saves over pad-then-add.

The residual is made anew for each turn, outside the clock,
as a block makes it: the output of an operation that does not need it for its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from resforge.blocks import ZeroPad
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .turns import Row, Work, compare_prepared

Join = Callable[[Tensor, Tensor], Tensor]
Step = Callable[[Join, Tensor, Tensor], Work]
"""Prepares the tensors for one turn and returns what is to be timed."""

# (batch, in_channels, out_channels, height and width of x); the stride is 2.
SHAPES = {
    "ImageNet, 64 to 128": (8, 64, 128, 56),
    "ImageNet, 256 to 512": (8, 256, 512, 14),
    "CIFAR, 16 to 32": (128, 16, 32, 32),
}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def run(pairs: int) -> Iterator[Row]:
    """Every shape, layout and step."""
    steps: dict[str, Step] = {"forward": _forward, "forward + backward": _train}
    for shape_name, (batch, in_channels, out_channels, size) in SHAPES.items():
        shortcut = ZeroPad(in_channels, out_channels, stride=2)
        for layout_name, layout in LAYOUTS.items():
            shape = (batch, in_channels, size, size)
            x = torch.randn(shape).contiguous(memory_format=layout)
            residual = torch.randn_like(shortcut(x)).contiguous(memory_format=layout)
            for step_name, step in steps.items():
                ours = partial(step, shortcut.join, residual, x)
                theirs = partial(step, pad_then_add, residual, x)
                memory = f"{_megabytes(ours()):.1f} against {_megabytes(theirs()):.1f} MB"
                what = f"zero_pad {step_name}, {shape_name}, {layout_name}"
                yield compare_prepared(what, f"pad-then-add, {memory}", ours, theirs, pairs)


def pad_then_add(residual: Tensor, x: Tensor) -> Tensor:
    """Option A as it is usually written: a padded copy of x, then the sum in place."""
    residual += F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, residual.shape[1] - x.shape[1]))
    return residual


def _forward(join: Join, residual: Tensor, x: Tensor) -> Work:
    fresh = residual.clone()

    def work() -> None:
        with torch.no_grad():
            join(fresh, x)

    return work


def _train(join: Join, residual: Tensor, x: Tensor) -> Work:
    leaf, x = residual.detach().requires_grad_(), x.detach().requires_grad_()
    fresh = leaf.clone()
    grad = torch.ones_like(residual)
    return lambda: torch.autograd.grad(join(fresh, x), (leaf, x), grad)


def _megabytes(work: Work) -> float:
    fresh = _FreshMemory()
    with fresh:
        work()
    return fresh.bytes / 1e6


class _FreshMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the memory that operations return without having been given it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = set(_storages((args, kwargs)))
        result = func(*args, **kwargs)
        self.bytes += sum(
            size for storage, size in _storages(result).items() if storage not in given
        )
        return result


def _storages(tree: Any) -> dict[int, int]:
    """Address and size of the memory under every tensor in a tree."""
    storages = (leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))
    return {storage.data_ptr(): storage.nbytes() for storage in storages}
