"""Devices that trials are trained on. A trial's key does not depend on the device."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import NamedTuple

from ...errors import ResforgeError

#: Variable that restricts a process to some of the devices of a kind.
_VISIBLE = {"cuda": "CUDA_VISIBLE_DEVICES", "xpu": "ZE_AFFINITY_MASK"}
#: Libraries of the drivers of NVIDIA, AMD and Intel.
_DRIVERS = ("libcuda.so.1", "libamdhip64.so", "libze_loader.so.1")
#: Most trials that share a GPU: Ray counts in steps of 1/10000, in which 1/K must fit K times.
MAX_PER_GPU = 100


class Found(NamedTuple):
    """The accelerators of a machine: their kind, as PyTorch names it, and their number."""

    kind: str
    number: int

    @property
    def places(self) -> int:
        """Number of processes that each can have a device of its own."""
        return self.number if self.kind in _VISIBLE else min(self.number, 1)


NOTHING = Found("cpu", 0)


def choose_device(device: str, found: Found) -> str:
    """Resolve ``auto`` to the accelerator if there is one, else to the CPU.

    Raises :class:`~resforge.ResforgeError` for a device that was not found.

    >>> choose_device("auto", NOTHING), choose_device("auto", Found("cuda", 8))
    ('cpu', 'cuda')
    >>> choose_device("cpu", Found("mps", 1))
    'cpu'
    """
    if device == "cpu" or (device == "auto" and not found.number):
        return "cpu"
    if device in ("auto", found.kind):
        return found.kind
    if found.number:
        use = f"use auto, cpu or {found.kind}"
    else:
        use = "use cpu or auto, or check the driver and install PyTorch for that device"
    raise ResforgeError(f"PyTorch finds no device {device!r} here: {use}")


def trials_per_device(per_gpu: int | None, device: str) -> int:
    """Number of trials that share one device, for an asked ``per_gpu``.

    Raises :class:`~resforge.ResforgeError` where trials run on the CPU, and above
    :data:`MAX_PER_GPU`.

    >>> trials_per_device(None, "cpu"), trials_per_device(4, "cuda")
    (1, 4)
    """
    if per_gpu is not None and device == "cpu":
        raise ResforgeError(
            f"per_gpu is {per_gpu}, but trials run on the CPU: leave it out, or choose a device"
            " that is here"
        )
    if per_gpu is not None and per_gpu > MAX_PER_GPU:
        raise ResforgeError(f"per_gpu is {per_gpu}: use at most {MAX_PER_GPU}")
    return per_gpu or 1


def find_accelerators(device: str = "auto") -> Found:
    """The accelerators that PyTorch finds, for a wanted ``device``.

    Torch is not imported where none is wanted, and for ``auto`` where the machine has no driver.
    """
    if device == "cpu" or (device == "auto" and not may_have_accelerator()):
        return NOTHING
    import torch

    from ...training.device import accelerator

    found = accelerator()
    return NOTHING if found is None else Found(found.type, torch.accelerator.device_count())


def may_have_accelerator() -> bool:
    """Whether torch could find an accelerator, which takes a second where it must be imported."""
    if "torch" in sys.modules or sys.platform == "darwin":
        return True
    return bool(entry_points(group="torch.backends")) or any(map(_is_library, _DRIVERS))


def _is_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def variables_of(
    slot: int, found: Found, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Environment variables with which the worker in a slot, counted from 0, sees one device only.

    Devices visible to this process are assigned in turn, and shared where there are more workers.
    Empty for a kind of which a process cannot be shown a part.

    >>> variables_of(1, Found("cuda", 2), environment={"CUDA_VISIBLE_DEVICES": "4,7"})
    {'CUDA_VISIBLE_DEVICES': '7'}
    >>> variables_of(2, Found("xpu", 2), environment={})
    {'ZE_AFFINITY_MASK': '0'}
    """
    variable = _VISIBLE.get(found.kind)
    if variable is None:
        return {}
    visible = environment.get(variable)
    names = visible.split(",") if visible else [str(number) for number in range(found.number)]
    return {variable: names[slot % found.number].strip()}


def cores() -> int:
    """Number of cores that this process may use, which taskset and batch systems can restrict."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
