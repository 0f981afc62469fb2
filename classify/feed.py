"""Labelled batches of a data set, in memory or in picture files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ..training.data.augment import Augment
from ..training.data.tensors import Data
from ..training.streams import Batches, stream_seed


class Rows(NamedTuple):
    """The numbers of the training pictures in one batch, with its epoch and step, from 0."""

    epoch: int
    step: int
    numbers: list[int]


LabelledBatch = tuple[Tensor, Tensor]
"""Pictures ``(N, C, H, W)``, normalised, and labels ``(N,)``, on the device."""


class Feed(Protocol):
    """A data set in batches. Each batch depends on the seed and its rows alone."""

    class_names: tuple[str, ...]
    train_labels: list[int]
    val_count: int

    def training(self, batches: Iterable[Rows]) -> Iterator[LabelledBatch]:
        """Augmented pictures and labels for each of ``batches``."""

    def validation(self, part: slice) -> Iterator[LabelledBatch]:
        """The ``part`` of the validation pictures, in order, without augmentation."""


def rows(count: int, batch_size: int, seed: int, start: int, stop: int) -> Iterator[Rows]:
    """Rows of the steps from ``start`` to before ``stop``, in the order of :class:`Batches`.

    >>> [batch.epoch for batch in rows(5, 2, seed=0, start=1, stop=5)]
    [0, 1, 1, 2]
    """
    batches = Batches(count, batch_size, seed)
    for step, numbers in enumerate(islice(batches, stop)):
        if step >= start:
            yield Rows(step // (count // batch_size), step, numbers.tolist())


class TensorFeed:
    """A data set in memory, such as the digits or CIFAR.

    Its validation pictures are the images set aside, or the test images where there are none.
    """

    def __init__(self, data: Data, seed: int) -> None:
        self.data = data
        self.seed = seed
        self.augment = Augment(data.augment, len(data.train_x), seed)
        self.val_data = data.validation or (data.test_x, data.test_y)
        self.class_names = tuple(str(number) for number in range(data.num_classes))
        self.train_labels: list[int] = data.train_y.tolist()
        self.val_count = len(self.val_data[0])

    def training(self, batches: Iterable[Rows]) -> Iterator[LabelledBatch]:
        data = self.data
        for batch in batches:
            numbers = torch.tensor(batch.numbers)
            rows = numbers.to(data.train_x.device)
            # Each process and step has a random stream of its own, so that a run can be resumed.
            seed = stream_seed(self.seed, f"augmentation/{batch.step}/{batch.numbers[0]}")
            self.augment.generator.manual_seed(seed)
            yield self.augment(data.train_x[rows], numbers, batch.epoch), data.train_y[rows]

    def validation(self, part: slice) -> Iterator[LabelledBatch]:
        x, y = (tensor[part] for tensor in self.val_data)
        yield from zip(torch.split(x, 256), torch.split(y, 256), strict=True)
