"""Devices that trials are trained on. A trial's key does not depend on the device."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import Literal

from ...errors import ResforgeError

DeviceName = Literal["auto", "cpu", "cuda"]
#: Device of a trial, after ``auto`` is resolved.
DeviceKind = Literal["cpu", "cuda"]


def choose_device(device: str, gpus: int) -> DeviceKind:
    """Resolve ``auto`` to CUDA if there is a GPU, else to the CPU.

    Raises :class:`~resforge.ResforgeError` for CUDA without a GPU, and for an unknown name.

    >>> choose_device("auto", gpus=0), choose_device("auto", gpus=8), choose_device("cpu", gpus=8)
    ('cpu', 'cuda', 'cpu')
    """
    if device == "cpu" or (device == "auto" and gpus == 0):
        return "cpu"
    if device not in ("auto", "cuda"):
        raise ResforgeError(f"unknown device {device!r}: use auto, cpu or cuda")
    if gpus == 0:
        raise ResforgeError(
            "device cuda needs a GPU, and PyTorch finds none here: use cpu or auto, or check"
            " `nvidia-smi` and install PyTorch with CUDA"
        )
    return "cuda"


def count_gpus(device: str = "auto") -> int:
    """Number of GPUs that PyTorch finds; 0 without importing torch if ``device`` is ``cpu``."""
    if device == "cpu" or not _has_driver():
        return 0
    import torch

    return torch.cuda.device_count()


def _has_driver() -> bool:
    """Whether NVIDIA's driver library can be loaded; without it torch need not be imported."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def gpu_of(slot: int, gpus: int, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Environment variables with which the worker in a slot, counted from 0, sees one GPU only.

    GPUs visible to this process are assigned in turn, and shared where there are more workers.

    >>> gpu_of(1, gpus=2, environment={"CUDA_VISIBLE_DEVICES": "4,7"})
    {'CUDA_VISIBLE_DEVICES': '7'}
    >>> gpu_of(2, gpus=2, environment={})
    {'CUDA_VISIBLE_DEVICES': '0'}
    """
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(gpus)]
    return {"CUDA_VISIBLE_DEVICES": names[slot % gpus].strip()}


def cores() -> int:
    """Number of cores that this process may use, which taskset and batch systems can restrict."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
