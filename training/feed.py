"""Batches for the training loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .data.augment import Augment
from .data.tensors import Data
from .streams import Batches, OwnRandomState, stream_seed


class Batch(NamedTuple):
    """The input of one training step, on the device.

    ``x: (N, C, H, W)``, normalised and augmented; ``labels: (N,)``; ``targets``: the labels, or
    class probabilities ``(N, classes)``. The forward pass draws from ``random``.
    """

    x: Tensor
    labels: Tensor
    targets: Tensor
    random: OwnRandomState


class DataFeed(Iterator[Batch]):
    """Endless batches of a data set in memory, shuffled in each epoch and augmented.

    Order, augmentation and dropout have random streams of their own, each continued from step to
    step; ``state()`` holds them.
    """

    def __init__(self, data: Data, batch_size: int, seed: int) -> None:
        self.data = data
        self.seed = seed
        self.order = Batches(len(data.train_y), batch_size, seed)
        self.augment = Augment(data.augment, len(data.train_y), seed)
        self.random = OwnRandomState(stream_seed(seed, "dropout"), data.device)

    def __next__(self) -> Batch:
        numbers = next(self.order)
        labels = self.data.train_y[numbers.to(self.data.device)]
        return Batch(self._images(numbers), labels, labels, self.random)

    def _images(self, numbers: Tensor) -> Tensor:
        data, epoch = self.data, self.order.epoch
        if data.cropped is None:
            return self.augment(data.train_x[numbers.to(data.device)], numbers, epoch)
        crops = data.cropped.batch(numbers.tolist(), epoch, self.seed)
        return torch.from_numpy(crops).to(data.device)

    def state(self) -> dict[str, Any]:
        return {
            "batches": self.order.state(),
            "chance": self.augment.generator.get_state(),
            "dropout": self.random.states,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.order.restore(state["batches"])
        self.augment.generator.set_state(state["chance"])
        self.random.states = state["dropout"]
