"""Training targets: labels, or class probabilities for mixup and class weights."""

from __future__ import annotations

from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor

from ..training.streams import stream_seed


class Targets:
    """Targets of the loss for a batch.

    ``weights`` multiplies each class's term of the loss, whose mean is over pictures. With
    ``mixup`` above 0 each pair of neighbours in a batch becomes two mixtures, with a weight drawn
    from Beta(mixup, mixup) for each step (Zhang et al. 2018, arXiv 1710.09412); the last picture
    of an odd batch is not mixed.
    """

    def __init__(
        self,
        classes: int,
        smoothing: float = 0.0,
        weights: Tensor | None = None,
        mixup: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.classes = classes
        self.smoothing = smoothing
        self.weights = weights
        self.mixup = mixup
        self.seed = seed

    @property
    def are_labels(self) -> bool:
        """Whether the targets are the labels; the loss then smooths them."""
        return self.weights is None and self.mixup == 0

    def of(self, x: Tensor, y: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Pictures and targets of a step, from ``x: (N, C, H, W)`` and labels ``y: (N,)``.

        The targets are ``y``, or smoothed and weighted probabilities ``(N, classes)``.
        """
        if self.are_labels:
            return x, y
        target = F.one_hot(y, self.classes).to(x.dtype)
        target = target * (1 - self.smoothing) + self.smoothing / self.classes
        if self.weights is not None:
            target = target * self.weights.to(target)
        if self.mixup > 0:
            random = Random(stream_seed(self.seed, f"mixup/{step}"))
            weight = random.betavariate(self.mixup, self.mixup)
            x, target = mix(x, weight), mix(target, weight)
        return x, target


def mix(rows: Tensor, weight: float) -> Tensor:
    """``weight`` times each row, plus ``1 - weight`` times its neighbour: 0 with 1, 2 with 3.

    >>> mix(torch.tensor([1.0, 2.0, 5.0]), 0.75)
    tensor([1.2500, 1.7500, 5.0000])
    """
    pairs = len(rows) // 2 * 2
    partner = torch.arange(len(rows), device=rows.device)
    partner[:pairs] ^= 1
    mixed = weight * rows + (1 - weight) * rows[partner]
    # The last of an odd number is copied: rounding could change weight * x + (1 - weight) * x.
    return torch.cat([mixed[:pairs], rows[pairs:]])


def balanced(labels: list[int], classes: int) -> Tensor:
    """Weight of each class, inverse to its number of labels; the mean over labels is 1.

    >>> balanced([0, 0, 0, 1], 2)
    tensor([0.6667, 2.0000])
    """
    counts = torch.bincount(torch.tensor(labels), minlength=classes)
    present = int((counts > 0).sum())
    return torch.where(counts > 0, len(labels) / (present * counts.clamp(min=1)), 0.0)
