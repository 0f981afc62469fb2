"""Mean and standard deviation of the colours of pictures."""

from __future__ import annotations

import hashlib

import numpy as np

from .decode import PictureError, decode
from .loader import ahead
from .overlap import Picture
from .view import View

#: Largest number of pictures that are measured, and their side in pixels.
MOST, SIDE = 2000, 64


def measure(
    pictures: tuple[Picture, ...], channels: int, workers: int | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, 0 to 1, over the middle squares of ``pictures``.

    At most :data:`MOST` pictures are measured, drawn by their names; unreadable pictures are left
    out. Sums are of whole numbers, and so exact. Raises the first :class:`PictureError` where no
    picture can be read.
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

    first: PictureError | None = None
    for (result,) in ahead(([picture] for picture in drawn[:MOST]), sums, workers):
        if isinstance(result, PictureError):
            first = first or result
            continue
        total, squares, count = total + result[0], squares + result[1], count + SIDE * SIDE
    if not count and first is not None:
        raise first
    mean = total / count
    # A channel of a single grey is divided by one step of it, not by 0.
    deviation = np.maximum(np.sqrt(np.maximum(squares / count - mean**2, 0.0)), 1.0)
    return tuple((mean / 255).tolist()), tuple((deviation / 255).tolist())
