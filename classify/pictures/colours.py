"""The mean and the deviation of pictures' colours."""

from __future__ import annotations

import hashlib

import numpy as np

from .decode import PictureError, decode
from .folder import Picture
from .loader import ahead
from .view import View

#: Pictures that are looked at, and the side they are looked at.
MOST, SIDE = 2000, 64


def measure(
    pictures: tuple[Picture, ...], channels: int, workers: int | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel, 0 to 1, over the middle squares of ``pictures``.

    Of many, 2,000 are looked at, drawn by their names; those that cannot be read are left out.
    Sums are of whole numbers: the same on every machine that decodes the same pixels. Raises the
    first :class:`PictureError` where none can be read.
    """
    drawn = sorted(pictures, key=lambda picture: hashlib.sha256(picture.name.encode()).digest())
    view = View(size=SIDE, mean=(0.0,) * channels, std=(1.0,) * channels)
    total, squares, count = np.zeros(channels, np.int64), np.zeros(channels, np.int64), 0

    def sums(picture: Picture) -> tuple[np.ndarray, np.ndarray] | PictureError:
        try:
            pixels = decode(picture.path, SIDE, channels, view.choose).astype(np.int64)
        except PictureError as error:
            return error
        return pixels.sum(axis=(0, 1)), (pixels**2).sum(axis=(0, 1))

    for (found,) in ahead(([picture] for picture in drawn[:MOST]), sums, workers):
        if isinstance(found, PictureError):
            first = found
            continue
        total, squares, count = total + found[0], squares + found[1], count + SIDE * SIDE
    if not count:
        raise first
    mean = total / count
    # A channel of one single grey is divided by one step of it.
    deviation = np.maximum(np.sqrt(np.maximum(squares / count - mean**2, 0.0)), 1.0)
    return tuple((mean / 255).tolist()), tuple((deviation / 255).tolist())
