"""Class probabilities of images, and error rates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Context in evaluation mode; afterwards each module is in its former mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def logits(model: nn.Module, x: Tensor, batch_size: int = 256) -> Tensor:
    """``x: (N, C, H, W)`` to ``(N, classes)``, in evaluation mode, without gradients."""
    with evaluating(model), torch.inference_mode():
        return torch.cat([model(part) for part in torch.split(x, batch_size)])


def predict(model: nn.Module, x: Tensor, batch_size: int = 256) -> Tensor:
    """Class probabilities: ``x: (N, C, H, W)`` to ``(N, classes)``; each row adds up to 1.

    The model is in evaluation mode during the call, and then in its former mode.

    >>> predict(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), torch.zeros(5, 1, 2, 2)).shape
    torch.Size([5, 3])
    """
    return logits(model, x, batch_size).softmax(dim=1)


def error_rate(scores: Tensor, labels: Tensor) -> float:
    """Fraction, 0 to 1, of the rows whose highest score is not at the label.

    ``scores: (N, classes)``, probabilities or logits; ``labels: (N,)``.

    >>> error_rate(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1]))
    0.5
    """
    wrong = (scores.argmax(dim=1) != labels).sum()
    return int(wrong) / len(labels)
