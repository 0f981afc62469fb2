"""CIFAR-10 and CIFAR-100 from files that are there already; nothing is ever downloaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from ...specs.errors import Fault, SpecError
from .cifar_files import CIFAR10, CIFAR100, Layout, Pictures, read_pictures
from .source import Arrays, Augment, DataSource

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _CifarSpec(DataSource):
    layout: ClassVar[Layout]

    path: Annotated[str, Field(max_length=4096)]
    """The folder that holds the files, or the folder in which an archive of them was unpacked."""
    train: Annotated[int, Field(ge=2, le=50_000)] = 50_000
    """Training images: the first of the files."""
    test: Annotated[int, Field(ge=1, le=10_000)] = 10_000
    """Test images: the first of the file."""
    normalize: Literal["pixel_mean", "channel"] = "pixel_mean"
    """``pixel_mean``: values of 0 to 1, less the mean training image (He et al. 2015, section 4.2);
    ``channel``: each channel to mean 0 and deviation 1 over the training images."""
    augment: Augment = "none"
    """``crop_flip``: each training image padded by 4, a crop of 32x32 at random, and flipped left
    to right by chance (the same section)."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (3, 32, 32)

    @property
    def num_classes(self) -> int:
        return self.layout.num_classes

    def beside(self, folder: Path) -> Self:
        return self.model_copy(update={"path": str(folder / os.path.expanduser(self.path))})

    def arrays(self) -> Arrays:
        train, test = read_pictures(self.path, self.layout)
        train = _first(train, self.train, "train")
        test = _first(test, self.test, "test")
        normal = _normal(train.pixels, self.normalize)
        return Arrays(
            train_x=_apply(train.pixels, *normal),
            train_y=train.labels,
            test_x=_apply(test.pixels, *normal),
            test_y=test.labels,
            augment=self.augment,
        )


class Cifar10Spec(_CifarSpec):
    """60,000 small photographs of ten kinds of things, 32x32 in colour (Krizhevsky 2009)."""

    layout: ClassVar[Layout] = CIFAR10

    kind: Literal["cifar10"] = "cifar10"


class Cifar100Spec(_CifarSpec):
    """CIFAR-10's sibling of a hundred classes: the ``fine`` labels."""

    layout: ClassVar[Layout] = CIFAR100

    kind: Literal["cifar100"] = "cifar100"


def _first(pictures: Pictures, count: int, field: str) -> Pictures:
    held = len(pictures.labels)
    if count > held:
        message = f"{field} is {count}, and the files hold {held} images"
        raise SpecError(Fault("data", message, field, f"write {field}: {held}"))
    return Pictures(pictures.pixels[:count], pictures.labels[:count])


def _normal(
    pixels: NDArray[np.uint8], how: Literal["pixel_mean", "channel"]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is taken off values of 0 to 1, and what they are then divided by."""
    # Sums of whole numbers are exact, whatever order a machine adds them in.
    if how == "pixel_mean":
        shift = pixels.sum(axis=0, dtype=np.int64) / (255 * len(pixels))
        return shift.astype(np.float32), np.ones((1, 1, 1), np.float32)
    count = pixels[:, :1].size
    mean = pixels.sum(axis=(0, 2, 3), dtype=np.int64) / count
    square = np.square(pixels, dtype=np.uint16).sum(axis=(0, 2, 3), dtype=np.int64) / count
    # A channel of one single grey stays as it is.
    deviation = np.maximum(np.sqrt(np.maximum(square - mean**2, 0.0)), 1.0)
    shift, scale = (mean / 255).reshape(3, 1, 1), (deviation / 255).reshape(3, 1, 1)
    return shift.astype(np.float32), scale.astype(np.float32)


def _apply(
    pixels: NDArray[np.uint8], shift: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    # In place: the training images are 600 MB.
    x = pixels.astype(np.float32)
    x /= np.float32(255)
    x -= shift
    x /= scale
    return x
