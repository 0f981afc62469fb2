"""Devices: what trials are trained on. None is part of a sweep, or of a trial's key."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import Literal

from ...errors import ResforgeError

DeviceName = Literal["auto", "cpu", "cuda"]
#: What a trial is told.
DeviceKind = Literal["cpu", "cuda"]


def choose_device(wanted: str, gpus: int) -> DeviceKind:
    """``auto`` is CUDA where there is a GPU. Raises :class:`~resforge.ResforgeError` for CUDA
    without one, and for another name.

    >>> choose_device("auto", gpus=0), choose_device("auto", gpus=8), choose_device("cpu", gpus=8)
    ('cpu', 'cuda', 'cpu')
    """
    if wanted == "cpu" or (wanted == "auto" and gpus == 0):
        return "cpu"
    if wanted not in ("auto", "cuda"):
        raise ResforgeError(f"there is no device {wanted!r}: use auto, cpu or cuda")
    if gpus == 0:
        raise ResforgeError(
            "device cuda was asked for, and PyTorch finds no GPU here: use cpu, or auto, or see"
            " `nvidia-smi` and install PyTorch with CUDA"
        )
    return "cuda"


def count_gpus(wanted: str = "auto") -> int:
    """How many GPUs PyTorch finds; 0, without a look, where none is wanted."""
    if wanted == "cpu" or not _has_driver():
        return 0
    import torch

    return torch.cuda.device_count()


def _has_driver() -> bool:
    """Whether NVIDIA's library is there at all: where it is not, torch need not be imported."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def gpu_of(slot: int, gpus: int, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables by which the worker in a slot, counted from 0, sees one GPU and no other:
    one after the other of those this process sees, and from the first again where there are more
    workers.

    >>> gpu_of(1, gpus=2, environment={"CUDA_VISIBLE_DEVICES": "4,7"})
    {'CUDA_VISIBLE_DEVICES': '7'}
    >>> gpu_of(2, gpus=2, environment={})
    {'CUDA_VISIBLE_DEVICES': '0'}
    """
    seen = environment.get("CUDA_VISIBLE_DEVICES")
    names = seen.split(",") if seen else [str(number) for number in range(gpus)]
    return {"CUDA_VISIBLE_DEVICES": names[slot % gpus].strip()}
