"""The random streams of a run, each with a seed of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ..errors import ResforgeError


class Batches(Iterator[Tensor]):
    """Batches of row numbers for ever: each epoch a new order, its incomplete end left out.

    Raises :class:`~resforge.ResforgeError` where ``batch_size`` is above ``count``.

    >>> next(Batches(4, 4, seed=0)).sort().values
    tensor([0, 1, 2, 3])
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        if batch_size > count:
            raise ResforgeError(
                f"batch_size {batch_size} is larger than the training set of {count} images:"
                f" use at most {count}"
            )
        self.count = count
        self.batch_size = batch_size
        self.generator = stream(seed, "batches")
        self.epoch = 0
        """The one that the last batch is of, from 0."""
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
        """Of the generator, from which this epoch's order is drawn."""
        self.order = torch.randperm(self.count, generator=self.generator)
        self.used = 0


def stream_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose, so that no two purposes share a random stream."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)


def stream(seed: int, purpose: str) -> torch.Generator:
    """The CPU's generator for one purpose: every device gets the same from it."""
    return torch.Generator().manual_seed(stream_seed(seed, purpose))


class OwnRandomState:
    """PyTorch's global random state as one run sees it: nobody else draws from it."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=self.devices):
            # Not torch.manual_seed, which would reseed devices that are not put back afterwards.
            torch.default_generator.manual_seed(seed)
            for cuda in self.devices:
                with torch.cuda.device(cuda):
                    torch.cuda.manual_seed(seed)
            self.states = self._now()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """The state is the global one inside; afterwards that is as it was."""
        with torch.random.fork_rng(devices=self.devices):
            torch.set_rng_state(self.states[0])
            for cuda, state in zip(self.devices, self.states[1:], strict=True):
                torch.cuda.set_rng_state(state, cuda)
            yield
            self.states = self._now()

    def _now(self) -> list[Tensor]:
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(cuda) for cuda in self.devices)]
