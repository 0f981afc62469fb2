"""Normalisation of images: what is subtracted from their values, and what they are divided by."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Normalize = Literal["pixel_mean", "channel", "none"]
_ROWS = 1024  # of floats that are squared at once

Normal = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


def normal_of(pixels: NDArray[Any], how: Normalize) -> Normal:
    """The numbers to subtract from the values, bytes scaled to 0 to 1, and to divide them by."""
    zero, one = np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1), np.float32)
    if how == "none":
        return zero, one
    as_bytes = pixels.dtype == np.uint8
    # Sums of whole numbers are exact in any order; floats are added row by row, in one order.
    total = pixels.sum(axis=0, dtype=np.int64 if as_bytes else np.float64)
    if how == "pixel_mean":
        return (total / ((255 if as_bytes else 1) * len(pixels))).astype(np.float32), one
    count, ones = pixels[:, :1].size, (-1, *(1,) * (total.ndim - 1))
    if as_bytes:
        within = tuple(range(1, total.ndim))
        mean = total.sum(axis=within) / count
        square = np.square(pixels, dtype=np.uint16).sum(axis=0, dtype=np.int64)
        square = square.sum(axis=within) / count
        # A channel of a single grey is divided by one step of it, not by 0.
        deviation = np.maximum(np.sqrt(np.maximum(square - mean**2, 0.0)), 1.0)
        mean, deviation = mean / 255, deviation / 255
    else:
        mean = np.array([fsum(plane.ravel()) for plane in total]) / count
        squares = np.zeros_like(total)
        for start in range(0, len(pixels), _ROWS):
            away = pixels[start : start + _ROWS].astype(np.float64) - mean.reshape(ones)
            squares += np.square(away).sum(axis=0)
        deviation = np.sqrt([fsum(plane.ravel()) / count for plane in squares])
        deviation[deviation == 0] = 1.0
    shift, scale = mean.reshape(ones), deviation.reshape(ones)
    return shift.astype(np.float32), scale.astype(np.float32)


def normalised(
    pixels: NDArray[Any], shift: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    # In place: CIFAR's training images are 600 MB.
    x = pixels.astype(np.float32)
    if pixels.dtype == np.uint8:
        x /= np.float32(255)
    x -= shift
    x /= scale
    return x
