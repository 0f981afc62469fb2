"""What every data set is: a part of a sweep file that says which pictures, and their bytes.

Nothing here imports torch; :mod:`resforge.training.data.tensors` puts the arrays on a device.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from ...specs.base import Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Augment = Literal["none", "crop_flip"]


@dataclass(frozen=True, slots=True)
class Arrays:
    """A data set in plain arrays.

    ``train_x`` and ``test_x`` are float32 ``(N, C, H, W)``, normalised by what the training images
    are; ``train_y`` and ``test_y`` int64 ``(N,)``. ``augment`` names what is done to each batch
    of training images.
    """

    train_x: NDArray[np.float32]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]
    augment: Augment = "none"

    @property
    def fingerprint(self) -> str:
        """SHA-256 over shapes and bytes of all four and the augmentation, in hex."""
        digest = hashlib.sha256()
        for array in (self.train_x, self.train_y, self.test_x, self.test_y):
            little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
            digest.update(f"{little.dtype.str}{little.shape}".encode())
            digest.update(little.data)
        if self.augment != "none":
            digest.update(self.augment.encode())
        return digest.hexdigest()


class DataSource(Spec):
    """Base of every data set that a file may name."""

    kind: str
    train: int
    test: int

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        raise NotImplementedError

    @property
    def num_classes(self) -> int:
        raise NotImplementedError

    def beside(self, folder: Path) -> Self:
        """The same, as a file in ``folder`` means it: relative paths start there."""
        return self

    def arrays(self) -> Arrays:
        """The images and labels, read anew.

        Raises :class:`~resforge.SpecError` with the field that keeps them from being read, and
        :class:`~resforge.ResforgeError` where a library is missing.
        """
        raise NotImplementedError
