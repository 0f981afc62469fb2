"""A data set as tensors that live on the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .data import DigitsSpec, load_arrays


@dataclass(frozen=True, slots=True)
class Data:
    """Tensors to train and test on.

    ``train_x``, ``test_x``: float32 ``(N, C, H, W)``, of mean 0 and deviation 1 over the training
    images; ``train_y``, ``test_y``: int64 ``(N,)``. ``fingerprint`` is the SHA-256 of their bytes.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    num_classes: int
    in_channels: int
    fingerprint: str


def load_data(spec: DigitsSpec, device: torch.device | str | None = None) -> Data:
    """The tensors a data spec names.

    Raises :class:`~resforge.ResforgeError` where a library the data needs is not installed.

    >>> load_data(DigitsSpec()).train_x.shape
    torch.Size([1000, 1, 8, 8])
    """
    arrays = load_arrays(spec)
    return Data(
        # Copies: the arrays are shared by everyone in this process.
        torch.tensor(arrays.train_x, device=device),
        torch.tensor(arrays.train_y, device=device),
        torch.tensor(arrays.test_x, device=device),
        torch.tensor(arrays.test_y, device=device),
        num_classes=spec.num_classes,
        in_channels=spec.input_shape[0],
        fingerprint=arrays.fingerprint,
    )
