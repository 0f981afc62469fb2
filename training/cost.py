"""Measured cost of a network: its latency, and the memory that its training takes."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

_SECONDS = 2.0  # of runs at one batch size
_RUNS = (10, 200)


@dataclass(frozen=True)
class Latency:
    """Seconds of a forward pass in evaluation mode: the median of ``runs``, and the quartiles."""

    batch: int
    median: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True)
class Cost:
    """Cost of one network on one machine; what could not be measured is missing."""

    latencies: tuple[Latency, ...] = ()
    """For a batch of 1, and for the batch of the recipe."""
    training_memory: int | None = None
    """Bytes at the peak of two training steps of the recipe, beyond those in use before the
    network was built: of the process on a CPU, of PyTorch's tensors on CUDA."""
    environment: tuple[tuple[str, str], ...] = ()
    """Device, processor, threads and version of PyTorch."""

    @property
    def single(self) -> Latency | None:
        """Latency of a batch of 1."""
        return self.latencies[0] if self.latencies else None

    @property
    def batch(self) -> Latency | None:
        """Latency of the recipe's batch."""
        return self.latencies[-1] if self.latencies else None


def measure(spec: str, shape: tuple[int, ...], recipe: str, device: str = "cpu") -> Cost:
    """Measure the network of a ``spec`` on images of a ``shape``: channels, then a side each axis.

    ``spec`` and ``recipe`` are JSON. Call it in a fresh process, since memory that the process has
    freed would not be counted again; on a CPU it runs on one thread, as trials do.
    """
    import torch

    from ..builder import build
    from ..reading.load import loads
    from .recipe import Recipe
    from .step import Stepper

    where, plan = torch.device(device), Recipe.model_validate_json(recipe)
    if where.type == "cpu":
        torch.set_num_threads(1)
    network = loads(spec)
    # The first use loads libraries, which are no cost of a network.
    Stepper(torch.nn.Linear(2, 2).to(where), Recipe(), where).step(
        torch.zeros(2, 2, device=where), torch.zeros(2, dtype=torch.int64, device=where), 0.0
    )
    x = torch.randn(plan.batch_size, *shape, device=where)
    y = torch.zeros(plan.batch_size, dtype=torch.int64, device=where)
    before = _reset_peak(where)
    model = build(network, seed=0, device=where)
    stepper = Stepper(model, plan, where)
    for _ in range(2):  # the optimizer's state is made in the first
        stepper.step(x, y, 0.0)
    peak = _peak(where)
    model.eval()
    latencies = tuple(_latency(model, x[:count]) for count in (1, plan.batch_size))
    memory = None if before is None or peak is None else max(0, peak - before)
    return Cost(latencies, memory, tuple(_environment(where).items()))


def _latency(model: Any, x: Any) -> Latency:
    import torch

    times: list[float] = []
    least, most = _RUNS
    with torch.inference_mode():
        for _ in range(3):
            _timed(model, x)
        end = time.perf_counter() + _SECONDS
        while len(times) < least or (len(times) < most and time.perf_counter() < end):
            times.append(_timed(model, x))
    low, median, high = quantiles(times, n=4, method="inclusive")
    return Latency(len(x), median, low, high, len(times))


def _timed(model: Any, x: Any) -> float:
    import torch

    start = time.perf_counter()
    model(x)
    if x.device.type != "cpu":
        torch.accelerator.synchronize(x.device)
    return time.perf_counter() - start


def _reset_peak(device: Any) -> int | None:
    """Bytes in use now, from which on the peak is counted; None where it is unknown."""
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    if device.type != "cpu":
        return None
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak becomes what is in use now
    return _status("VmRSS")


def _peak(device: Any) -> int | None:
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _status("VmHWM") if device.type == "cpu" else None


def _status(name: str) -> int | None:
    """A figure of this process in bytes, of Linux; None elsewhere."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return 1024 * int(line.split()[1])
    return None


def _environment(device: Any) -> dict[str, str]:
    import torch

    threads = str(torch.get_num_threads()) if device.type == "cpu" else ""
    facts = {
        "device": device.type,
        "name": device_name(device),
        "threads": threads,
        "torch": torch.__version__,
    }
    return {key: str(value) for key, value in facts.items() if value}


def device_name(device: Any) -> str:
    """The maker's name of a GPU, or of this machine's processor."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return os.uname().machine if hasattr(os, "uname") else ""
