"""Training in several processes, started by ``torchrun``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import ResforgeError


class Ranks:
    """Process number ``rank`` of ``world``. With one process, no method communicates."""

    def __init__(self, rank: int = 0, world: int = 1, device: torch.device | None = None) -> None:
        self.rank = rank
        self.world = world
        self.device = device or torch.device("cpu")

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and prints."""
        return self.rank == 0

    def part(self, numbers: list[int]) -> list[int]:
        """This process's part of a batch. The parts of all processes are disjoint and complete.

        Raises :class:`~resforge.ResforgeError` for a batch that cannot be divided evenly.

        >>> [Ranks(rank, 2).part([5, 3, 8, 1]) for rank in (0, 1)]
        [[5, 3], [8, 1]]
        """
        each, left = divmod(len(numbers), self.world)
        if left:
            raise ResforgeError(
                f"a batch of {len(numbers)} cannot be divided evenly between {self.world}"
                f" processes: use a batch size of {self.world * max(1, each)}"
            )
        return numbers[self.rank * each : (self.rank + 1) * each]

    def wrap(self, model: nn.Module) -> nn.Module:
        """Wrap the model so that gradients are means over all processes."""
        if self.world == 1 or not any(p.requires_grad for p in model.parameters()):
            return model
        devices = [self.device] if self.device.type != "cpu" else None
        return DistributedDataParallel(model, device_ids=devices)

    def sum(self, values: Sequence[float]) -> Sequence[float]:
        """Sum of each value over all processes."""
        if self.world == 1:
            return values
        tensor = torch.tensor([*values], dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        sums: list[float] = tensor.tolist()
        return sums

    def mean(self, value: float) -> float:
        """Mean of a value over all processes."""
        return self.sum([value])[0] / self.world

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Copy the values of the first process to all others, in place."""
        if self.world > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def wait(self) -> None:
        """Wait until all processes have called this."""
        self.sum([0.0])


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that ``torchrun`` started, by gloo on CPUs and NCCL on CUDA.

    Without ``torchrun`` this process is alone. Each process uses the accelerator of its local
    rank. Raises :class:`~resforge.ResforgeError` if another process ends early.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks(device=device)
        return
    # Its functions keep the group that there is when they are defined as a default. Imported later,
    # as DistributedDataParallel does, they would keep that of this run for ever: its threads, which
    # may need Python, would outlive it, and now and then end a process that is done with an abort.
    import_module("torch.distributed.nn")

    if device.type != "cpu":
        device = torch.device(device.type, int(os.environ.get("LOCAL_RANK", "0")))
        torch.accelerator.set_device_index(device)
    dist.init_process_group(dist.get_default_backend_for_device(device))
    try:
        yield Ranks(dist.get_rank(), world, device)
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        raise ResforgeError(
            "another process of this run has ended: see its messages; --resume continues from"
            " the last state"
        ) from error
    finally:
        dist.destroy_process_group()
