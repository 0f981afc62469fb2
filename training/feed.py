"""Batches for the training loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

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
        self.order = Batches(len(data.train_x), batch_size, seed)
        self.augment = Augment(data.augment, len(data.train_x), seed)
        self.random = OwnRandomState(stream_seed(seed, "dropout"), data.train_x.device)

    def __next__(self) -> Batch:
        data, numbers = self.data, next(self.order)
        rows = numbers.to(data.train_x.device)
        x = self.augment(data.train_x[rows], numbers, self.order.epoch)
        labels = data.train_y[rows]
        return Batch(x, labels, labels, self.random)

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
