"""Evaluation of a network on labelled pictures."""

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
    """Results on labelled pictures.

    ``confusion[i, j]`` counts the pictures of class i that are classified as class j.
    """

    confusion: Tensor
    loss: float
    """Mean cross-entropy."""

    @property
    def count(self) -> int:
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Fraction of pictures classified correctly, 0 to 1."""
        return int(self.confusion.diagonal().sum()) / max(1, self.count)

    def per_class(self) -> list[tuple[int, float | None, float | None]]:
        """Number of pictures, recall and precision of each class; None where undefined."""
        correct = self.confusion.diagonal().tolist()
        actual, predicted = self.confusion.sum(dim=1).tolist(), self.confusion.sum(dim=0).tolist()
        return [
            (count, hits / count if count else None, hits / guesses if guesses else None)
            for hits, count, guesses in zip(correct, actual, predicted, strict=True)
        ]


def evaluate(model: nn.Module, batches: Iterable[LabelledBatch], classes: int) -> Evaluation:
    """Evaluate ``model`` on every picture of ``batches``.

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
