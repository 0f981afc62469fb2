"""Base of every data set: its spec in a sweep file, and its arrays.

Nothing here imports torch; :mod:`resforge.training.data.tensors` puts the arrays on a device.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ...specs.base import Spec
from .augmentation import AS_THEY_ARE, AnyAugmentation, Augmentation, short_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .random_crops import CroppedPictures

MAX_IMAGES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Arrays:
    """A data set in plain arrays.

    ``train_x`` and ``test_x`` are float32 ``(N, C, H, W)``, normalised with statistics of the
    training images; ``train_y`` and ``test_y`` int64 ``(N,)``. ``validation`` holds images and
    labels that were set aside from the training images; ``augment`` is the augmentation of
    training batches. Where it crops pictures of different sizes, ``cropped`` holds the training
    pictures, and ``train_x`` is empty.
    """

    train_x: NDArray[np.float32]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]
    validation: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None
    augment: AnyAugmentation = AS_THEY_ARE
    cropped: CroppedPictures | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 over shapes and bytes of all arrays and the augmentation, in hex."""
        digest = hashlib.sha256()
        for array in (self.train_x, self.train_y, self.test_x, self.test_y):
            _add(digest, array)
        if self.augment != AS_THEY_ARE:
            digest.update(short_text(self.augment).encode())
        if self.validation is not None:
            digest.update(b"validation")
            for array in self.validation:
                _add(digest, array)
        if self.cropped is not None:
            digest.update(b"cropped" + self.cropped.digest)
            for array in self.cropped.normal:
                _add(digest, array)
        return digest.hexdigest()


class DataSource(Spec):
    """Base of every data set that a file may name."""

    kind: str
    train: int | None
    test: int | None
    validation: Annotated[int, Field(ge=0, le=MAX_IMAGES)] = 0
    """Training images that are set aside and never trained on, of each class in proportion. The
    step whose weights are tested may be selected by them."""
    split: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """Seed of the choice of images that are set aside, the same for all trials."""
    augment: Augmentation = AS_THEY_ARE
    """Augmentation of each batch of training images."""

    @model_validator(mode="after")
    def _some_are_left(self) -> Self:
        if self.train is not None and self.validation > self.train - 2:
            raise PydanticCustomError(
                "data",
                "validation {given} leaves fewer than 2 of {train} images to train on",
                {
                    "given": self.validation,
                    "train": self.train,
                    "help": f"set aside at most {self.train - 2}",
                },
            )
        return self

    @property
    def default_batch(self) -> int:
        """Images in a batch where a sweep's recipe does not say it, if there are as many."""
        return 128

    @property
    def stamp(self) -> tuple[int, ...]:
        """Value that changes when the files change; empty where they are expected not to."""
        return ()

    def check(self) -> None:
        """Raise the errors that :meth:`arrays` would raise, as far as possible without reading
        images."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width of an image; channels and a side for each axis."""
        raise NotImplementedError

    @property
    def num_classes(self) -> int:
        raise NotImplementedError

    @property
    def trained(self) -> int:
        """Number of images that are trained on: those of ``train`` that are not set aside."""
        assert self.train is not None  # subclasses where it may be None override this
        return self.train - self.validation

    @property
    def tested(self) -> int:
        """Number of images that are tested on."""
        assert self.test is not None
        return self.test

    def warnings(self) -> tuple[str, ...]:
        """What a reader of the results should know of the images; this may read their files."""
        return ()

    def beside(self, folder: Path) -> Self:
        """This spec with relative paths resolved against ``folder``."""
        return self

    def arrays(self) -> Arrays:
        """Read the images and labels.

        Raises :class:`~resforge.SpecError` at the field that is wrong, and
        :class:`~resforge.ResforgeError` where a library is missing.
        """
        raise NotImplementedError


def _add(digest: hashlib._Hash, array: NDArray[np.generic]) -> None:
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    digest.update(f"{little.dtype.str}{little.shape}".encode())
    digest.update(little.data)
