"""Gradient checkpointing: memory for time."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class CheckpointedSequential(nn.Sequential):
    """An `nn.Sequential` that keeps only what enters each child while it is trained.

    What a child computed is computed again for its gradient; Chen et al. 2016, Training Deep Nets
    with Sublinear Memory Cost (arXiv 1604.06174). Outputs, gradients and random numbers are the
    same, and running statistics move once a step. In evaluation it is an `nn.Sequential`.

    >>> from resforge.blocks import BasicBlock
    >>> stage = CheckpointedSequential(BasicBlock(8, 8), BasicBlock(8, 8))
    >>> stage(torch.zeros(2, 8, 4, 4)).shape
    torch.Size([2, 8, 4, 4])
    """

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C', ...) for x: (N, C, ...)."""
        kept = self.training and torch.is_grad_enabled()
        for child in self:
            if not kept:
                x = child(x)
            # The compiler keeps changes of buffers out of what it computes again by itself.
            elif torch.compiler.is_compiling():
                x = checkpoint(child, x, use_reentrant=False)
            else:
                contexts = partial(_contexts, child)
                x = checkpoint(child, x, use_reentrant=False, context_fn=contexts)
        return x


def checkpoint_stages(stages: list[nn.Module], enable: bool) -> None:
    """Turn checkpointing of `stages` on or off, in place. Raises `ValueError` for a stage that is
    no `nn.Sequential`, such as a compiled one."""
    for stage in stages:
        if type(stage) not in (nn.Sequential, CheckpointedSequential):
            raise ValueError(f"a stage that is {type(stage).__name__} cannot be checkpointed")
    for stage in stages:
        # The class differs in its forward alone.
        stage.__class__ = CheckpointedSequential if enable else nn.Sequential


def _contexts(
    module: nn.Module,
) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """What the first and the second run of `module` stand in."""
    return nullcontext(), _with_copies_of_buffers(module)


@contextmanager
def _with_copies_of_buffers(module: nn.Module) -> Iterator[None]:
    """A second run moves copies of the running statistics, which the first has moved."""
    own = [
        (part._buffers, name, buffer)
        for part in module.modules()
        for name, buffer in part._buffers.items()
        if buffer is not None
    ]
    for buffers, name, buffer in own:
        buffers[name] = buffer.clone()
    try:
        yield
    finally:
        for buffers, name, buffer in own:
            buffers[name] = buffer
