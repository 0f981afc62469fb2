"""What a network says of labelled pictures, against what they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..training.prediction import logits
from .feed import LabelledBatch


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``confusion[i, j]`` counts the pictures of class i that were told as class j."""

    confusion: Tensor
    loss: float
    """Mean cross-entropy."""

    @property
    def count(self) -> int:
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of pictures told rightly, 0 to 1."""
        return int(self.confusion.diagonal().sum()) / max(1, self.count)

    def per_class(self) -> list[tuple[int, float | None, float | None]]:
        """Of each class: its pictures, the share of them that was found, and the share of those
        told as it that are; None where there are none."""
        right = self.confusion.diagonal().tolist()
        held, told = self.confusion.sum(dim=1).tolist(), self.confusion.sum(dim=0).tolist()
        return [
            (of, hit / of if of else None, hit / said if said else None)
            for hit, of, said in zip(right, held, told, strict=True)
        ]


def evaluate(model: nn.Module, batches: Iterable[LabelledBatch], classes: int) -> Evaluation:
    """Look at every picture of ``batches`` once, as it is.

    >>> eye = nn.Identity()
    >>> evaluate(eye, [(torch.eye(3), torch.tensor([0, 1, 1]))], 3).confusion.tolist()
    [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    """
    confusion = torch.zeros(classes * classes, dtype=torch.int64)
    total, count = 0.0, 0
    for x, y in batches:
        scores = logits(model, x)
        total += F.cross_entropy(scores, y, reduction="sum").item()
        count += len(y)
        cells = (classes * y + scores.argmax(dim=1)).cpu()
        confusion += torch.bincount(cells, minlength=classes * classes)
    return Evaluation(confusion.reshape(classes, classes), total / max(1, count))
