"""Base of the data sets of pictures in local files: their fields, and the normalisation."""

from __future__ import annotations

import os
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticKnownError

from ...errors import Fault, SpecError
from .source import Arrays, DataSource
from .split import set_aside

if TYPE_CHECKING:
    from numpy.typing import NDArray

Normalize = Literal["pixel_mean", "channel", "none"]
_ROWS = 1024  # of floats that are squared at once


class Pictures(NamedTuple):
    """``pixels``: ``(N, C, H, W)``, bytes of 0 to 255 or float32; ``labels``: ``(N,)``."""

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int64]


def not_true(value: Any) -> Any:
    """Refuse booleans for a choice of numbers; Python treats true as equal to 1."""
    if isinstance(value, bool):
        raise PydanticKnownError("int_type")
    return value


#: Channels of grey pictures; 3 repeats the values, for networks that take colour.
GreyChannels = Annotated[Literal[1, 3], BeforeValidator(not_true)]


class PictureFiles(DataSource):
    """Base of the data sets that are read from local files."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    """Folder or file of the data set; a relative path in a sweep file starts at that file."""
    normalize: Normalize = "pixel_mean"
    """``pixel_mean``: values of 0 to 1, minus the mean training image (He et al. 2015, section
    4.2); ``channel``: each channel to mean 0 and standard deviation 1 over the training images;
    ``none``: values of 0 to 1. Floats are not scaled to 0 to 1."""

    def beside(self, folder: Path) -> Self:
        return self.model_copy(update={"path": str(folder / os.path.expanduser(self.path))})

    def pictures(self) -> tuple[Pictures, Pictures]:
        """All training pictures and all test pictures of the files.

        Raises :class:`~resforge.SpecError` at the field that is wrong.
        """
        raise NotImplementedError

    def arrays(self) -> Arrays:
        train, test = self.pictures()
        train, test = first(train, self.train, "train"), first(test, self.test, "test")
        left, aside = set_aside(train.labels, self.validation, self.split)
        pixels = train.pixels[left] if len(aside) else train.pixels
        normal = _normal(pixels, self.normalize)
        validation = None
        if len(aside):
            validation = _apply(train.pixels[aside], *normal), train.labels[aside]
        return Arrays(
            train_x=_apply(pixels, *normal),
            train_y=train.labels[left],
            test_x=_apply(test.pixels, *normal),
            test_y=test.labels,
            validation=validation,
            augment=self.augment,
        )


def first(pictures: Pictures, count: int | None, field: str) -> Pictures:
    """The first ``count`` pictures, or all. Raises an error at ``field`` if there are fewer."""
    available = len(pictures.labels)
    if count is not None and count > available:
        message = f"{field} is {count}, and the files hold {available} images"
        raise SpecError(Fault("data", message, field, f"write {field}: {available}"))
    return Pictures(pictures.pixels[:count], pictures.labels[:count])


def as_colour(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """Repeat the channel of grey pictures ``(N, 1, H, W)`` ``channels`` times."""
    return pixels if channels == 1 else pixels.repeat(channels, axis=1)


_Normal = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


def _normal(pixels: NDArray[Any], how: Normalize) -> _Normal:
    """The numbers to subtract from the values, bytes scaled to 0 to 1, and to divide them by."""
    zero, one = np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1), np.float32)
    if how == "none":
        return zero, one
    as_bytes = pixels.dtype == np.uint8
    # Sums of whole numbers are exact in any order; floats are added row by row, in one order.
    total = pixels.sum(axis=0, dtype=np.int64 if as_bytes else np.float64)
    if how == "pixel_mean":
        return (total / ((255 if as_bytes else 1) * len(pixels))).astype(np.float32), one
    count = pixels[:, :1].size
    if as_bytes:
        mean = total.sum(axis=(1, 2)) / count
        square = np.square(pixels, dtype=np.uint16).sum(axis=(0, 2, 3), dtype=np.int64) / count
        # A channel of a single grey is divided by one step of it, not by 0.
        deviation = np.maximum(np.sqrt(np.maximum(square - mean**2, 0.0)), 1.0)
        mean, deviation = mean / 255, deviation / 255
    else:
        mean = np.array([fsum(plane.ravel()) for plane in total]) / count
        squares = np.zeros_like(total)
        for start in range(0, len(pixels), _ROWS):
            away = pixels[start : start + _ROWS].astype(np.float64) - mean[:, None, None]
            squares += np.square(away).sum(axis=0)
        deviation = np.sqrt([fsum(plane.ravel()) / count for plane in squares])
        deviation[deviation == 0] = 1.0
    shift, scale = mean.reshape(-1, 1, 1), deviation.reshape(-1, 1, 1)
    return shift.astype(np.float32), scale.astype(np.float32)


def _apply(
    pixels: NDArray[Any], shift: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    # In place: CIFAR's training images are 600 MB.
    x = pixels.astype(np.float32)
    if pixels.dtype == np.uint8:
        x /= np.float32(255)
    x -= shift
    x /= scale
    return x
