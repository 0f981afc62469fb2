"""Norms that stay as they are while the rest of a network is trained."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Self, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """A batch norm whose statistics, weight and bias are fixed, whatever `train()` is told.

    >>> FrozenBatchNorm2d(8).train().training
    False
    """

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


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
        if isinstance(module, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(module.num_features, module.eps, device="meta")
            frozen.momentum = module.momentum
            frozen.load_state_dict(module.state_dict(), assign=True)
            model.set_submodule(name, frozen.train())
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            model.get_submodule(name).requires_grad_(False)
    return model
