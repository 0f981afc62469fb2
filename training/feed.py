"""Where the batches of a run come from: tensors that are there, or pictures that are decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .data.augment import Augment
from .data.tensors import Data
from .streams import Batches, stream_seed


class Rows(NamedTuple):
    """Which training pictures make a batch, as numbers, and how far the run is by then."""

    epoch: int
    step: int
    numbers: list[int]


Batch = tuple[Tensor, Tensor]
"""Pictures ``(N, C, H, W)``, normalised, and labels ``(N,)``, on the device."""


class Feed(Protocol):
    """A data set, batch by batch. Each batch hangs on the seed and its rows alone."""

    class_names: tuple[str, ...]
    train_labels: list[int]
    val_count: int

    def training(self, batches: Iterable[Rows]) -> Iterator[Batch]:
        """Augmented pictures for each of ``batches``."""

    def validation(self, part: slice) -> Iterator[Batch]:
        """The pictures held out, as they are; ``part`` of them, in order."""


def rows(count: int, batch_size: int, seed: int, start: int, stop: int) -> Iterator[Rows]:
    """The batches of the steps from ``start`` to before ``stop``, as :class:`Batches` orders them.

    >>> [batch.epoch for batch in rows(5, 2, seed=0, start=1, stop=5)]
    [0, 1, 1, 2]
    """
    batches = Batches(count, batch_size, seed)
    for step, numbers in enumerate(islice(batches, stop)):
        if step >= start:
            yield Rows(step // (count // batch_size), step, numbers.tolist())


class TensorFeed:
    """Data that are in memory, such as the digits and CIFAR; validated with what is set aside."""

    def __init__(self, data: Data, seed: int) -> None:
        self.data = data
        self.seed = seed
        self.augment = Augment(data.augment, len(data.train_x), seed)
        self.held = data.validation or (data.test_x, data.test_y)
        self.class_names = tuple(str(number) for number in range(data.num_classes))
        self.train_labels: list[int] = data.train_y.tolist()
        self.val_count = len(self.held[0])

    def training(self, batches: Iterable[Rows]) -> Iterator[Batch]:
        data = self.data
        for batch in batches:
            numbers = torch.tensor(batch.numbers)
            rows = numbers.to(data.train_x.device)
            # Of each process and step its own, whatever was drawn before.
            chance = stream_seed(self.seed, f"augmentation/{batch.step}/{batch.numbers[0]}")
            self.augment.chance.manual_seed(chance)
            yield self.augment(data.train_x[rows], numbers, batch.epoch), data.train_y[rows]

    def validation(self, part: slice) -> Iterator[Batch]:
        x, y = (held[part] for held in self.held)
        yield from zip(torch.split(x, 256), torch.split(y, 256), strict=True)
