"""A data set as tensors on a device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .augmentation import AS_THEY_ARE, AnyAugmentation
from .random_crops import CroppedPictures
from .source import DataSource


@dataclass(frozen=True, slots=True)
class Data:
    """Tensors to train and test on.

    ``train_x``, ``test_x``: float32 ``(N, C, H, W)``, normalised; ``train_y``, ``test_y``: int64
    ``(N,)``. ``validation`` holds images and labels that were set aside from the training images;
    ``augment`` is the augmentation of training batches. Where it crops pictures of different sizes,
    ``cropped`` holds the training pictures, and ``train_x`` is empty. ``fingerprint`` is the
    SHA-256 of all of them.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    num_classes: int
    in_channels: int
    fingerprint: str
    validation: tuple[Tensor, Tensor] | None = None
    augment: AnyAugmentation = AS_THEY_ARE
    cropped: CroppedPictures | None = None

    @property
    def device(self) -> torch.device:
        return self.train_y.device


def load_data(spec: DataSource, device: torch.device | str | None = None) -> Data:
    """Load the data set of a data spec onto ``device``.

    Raises :class:`~resforge.SpecError` where its files are missing or damaged, and
    :class:`~resforge.ResforgeError` where a library is not installed.

    >>> from resforge.training import DigitsSpec
    >>> load_data(DigitsSpec()).train_x.shape
    torch.Size([1000, 1, 8, 8])
    """
    arrays = spec.arrays()
    aside = arrays.validation
    return Data(
        # The arrays belong to this call: no copy is needed.
        torch.from_numpy(arrays.train_x).to(device),
        torch.from_numpy(arrays.train_y).to(device),
        torch.from_numpy(arrays.test_x).to(device),
        torch.from_numpy(arrays.test_y).to(device),
        num_classes=spec.num_classes,
        in_channels=spec.input_shape[0],
        fingerprint=arrays.fingerprint,
        validation=aside
        and (torch.from_numpy(aside[0]).to(device), torch.from_numpy(aside[1]).to(device)),
        augment=arrays.augment,
        cropped=arrays.cropped,
    )
