"""The random streams of a run, each with a seed of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ..errors import SpecError
from .device import RandomState
from .recipe import batch_fault
from .seeds import stream_seed as stream_seed


class Batches(Iterator[Tensor]):
    """Endless batches of row numbers, in a new order in each epoch, without its incomplete last
    batch.

    Raises :class:`~resforge.SpecError` if ``batch_size`` is above ``count``.

    >>> next(Batches(4, 4, seed=0)).sort().values
    tensor([0, 1, 2, 3])
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        if fault := batch_fault(batch_size, count):
            raise SpecError(fault)
        self.count = count
        self.batch_size = batch_size
        self.generator = stream(seed, "batches")
        self.epoch = 0
        """Epoch of the last batch, counted from 0."""
        self._shuffle()

    def __next__(self) -> Tensor:
        if self.used == self.count // self.batch_size:
            self._shuffle()
            self.epoch += 1
        self.used += 1
        return self.order[(self.used - 1) * self.batch_size : self.used * self.batch_size]

    def state(self) -> dict[str, Any]:
        return {"before": self.before, "used": self.used, "epoch": self.epoch}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.generator.set_state(state["before"])
        self._shuffle()
        self.used, self.epoch = state["used"], state["epoch"]

    def _shuffle(self) -> None:
        self.before = self.generator.get_state()
        """State of the generator before this epoch's order was drawn."""
        self.order = torch.randperm(self.count, generator=self.generator)
        self.used = 0


def stream(seed: int, purpose: str) -> torch.Generator:
    """Generator on the CPU for one purpose; its draws are the same for every device."""
    return torch.Generator().manual_seed(stream_seed(seed, purpose))


class OwnRandomState:
    """A random state of one run's own, which takes the place of PyTorch's global one on demand."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._random = RandomState(device)
        with self._random.forked():
            self._random.seed(seed)
            self.states = self._random.now()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Context in which this is the global state; the former one is restored afterwards."""
        with self._random.forked():
            self._random.set(self.states)
            yield
            self.states = self._random.now()
