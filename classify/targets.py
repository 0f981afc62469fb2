"""What a batch is to be told as: labels, or shares of classes where pictures or weights mix."""

from __future__ import annotations

from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor

from ..training.streams import stream_seed


class Targets:
    """From a batch to what the loss is taken on.

    ``weights`` multiplies each class's part of the loss, whose mean is over pictures.
    With ``mixup`` above 0 each two neighbours of a batch become two mixtures of them, by a share
    drawn from Beta(mixup, mixup) for each step (Zhang et al. 2018, arXiv 1710.09412); of an odd
    batch the last picture stays as it is.
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
        """Whether labels go through as they are, for the loss to smooth."""
        return self.weights is None and self.mixup == 0

    def of(self, x: Tensor, y: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """``x: (N, C, H, W)`` and ``y: (N,)`` to the pictures and targets of a step.

        The targets are ``y``, or shares ``(N, classes)``, smoothed and weighted.
        """
        if self.are_labels:
            return x, y
        target = F.one_hot(y, self.classes).to(x.dtype)
        target = target * (1 - self.smoothing) + self.smoothing / self.classes
        if self.weights is not None:
            target = target * self.weights.to(target)
        if self.mixup > 0:
            chance = Random(stream_seed(self.seed, f"mixup/{step}"))
            share = chance.betavariate(self.mixup, self.mixup)
            x, target = mix(x, share), mix(target, share)
        return x, target


def mix(rows: Tensor, share: float) -> Tensor:
    """Each row times ``share``, plus the rest of its neighbour: 0 with 1, 2 with 3.

    >>> mix(torch.tensor([1.0, 2.0, 5.0]), 0.75)
    tensor([1.2500, 1.7500, 5.0000])
    """
    pairs = len(rows) // 2 * 2
    partner = torch.arange(len(rows), device=rows.device)
    partner[:pairs] ^= 1
    mixed = share * rows + (1 - share) * rows[partner]
    # By name: share + (1 - share) times a number need not be that number.
    return torch.cat([mixed[:pairs], rows[pairs:]])


def balanced(labels: list[int], classes: int) -> Tensor:
    """A weight for each class, against its share of the labels; the mean over labels is 1.

    >>> balanced([0, 0, 0, 1], 2)
    tensor([0.6667, 2.0000])
    """
    counts = torch.bincount(torch.tensor(labels), minlength=classes)
    present = int((counts > 0).sum())
    return torch.where(counts > 0, len(labels) / (present * counts.clamp(min=1)), 0.0)
