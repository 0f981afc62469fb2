"""Norms that stay as they are while the rest of a network is trained."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Self, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .evonorm import EvoNormB0, EvoNormS0
from .response_norm import FilterResponseNorm

Model = TypeVar("Model", bound=nn.Module)


class _Frozen(_BatchNorm):
    """A batch norm whose statistics, weight and bias are fixed, whatever `train()` is told."""

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class FrozenBatchNorm1d(_Frozen, nn.BatchNorm1d):
    """A batch norm of signals whose statistics, weight and bias are fixed, whatever `train()` is
    told."""


class FrozenBatchNorm2d(_Frozen, nn.BatchNorm2d):
    """A batch norm whose statistics, weight and bias are fixed, whatever `train()` is told.

    >>> FrozenBatchNorm2d(8).train().training
    False
    """


class FrozenBatchNorm3d(_Frozen, nn.BatchNorm3d):
    """A batch norm of volumes whose statistics, weight and bias are fixed, whatever `train()` is
    told."""


class FrozenEvoNormB0(EvoNormB0):
    """An EvoNorm-B0 whose statistics, weights and bias are fixed, whatever `train()` is told."""

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation."""
        return super().train(False)


FROZEN: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: FrozenBatchNorm1d,
    nn.BatchNorm2d: FrozenBatchNorm2d,
    nn.BatchNorm3d: FrozenBatchNorm3d,
    EvoNormB0: FrozenEvoNormB0,
}
"""The frozen classes of norms that hold statistics."""
NORMS = (_BatchNorm, nn.GroupNorm, EvoNormB0, EvoNormS0, FilterResponseNorm)


def freeze_norm(model: Model) -> Model:
    """Fix every norm of `model`, in place, and return it; its state dict stays the same.

    Batch norms keep their running statistics under `model.train()`, as detectors that are
    trained on a few images a batch want it (He et al. 2017, Mask R-CNN, arXiv 1703.06870, and
    its successors), and no norm's weight or bias is trained.

    >>> from resforge.blocks import BasicBlock
    >>> block = freeze_norm(BasicBlock(8, 8)).train()
    >>> [name for name, parameter in block.named_parameters() if parameter.requires_grad]
    ['conv1.weight', 'conv2.weight']
    """
    for name, module in list(model.named_modules()):
        frozen_class = next((cls for kind, cls in FROZEN.items() if isinstance(module, kind)), None)
        if frozen_class is not None:
            model.set_submodule(name, _as(frozen_class, module))
        if isinstance(module, NORMS):
            model.get_submodule(name).requires_grad_(False)
    return model


def _as(frozen_class: type[nn.Module], module: nn.Module) -> nn.Module:
    """The module in a class that adds methods alone, with its tensors and settings."""
    frozen = frozen_class.__new__(frozen_class)
    frozen.__dict__.update(module.__dict__)
    return frozen.train()
