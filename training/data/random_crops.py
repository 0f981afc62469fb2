"""Training pictures of different sizes, from which each batch is cropped at random."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from ..pictures.decode import cut, decode_whole
from ..pictures.view import RandomCrop
from ..seeds import stream_seed
from .normal import Normal, normalised

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Shorter side of a stored picture, as a multiple of the size of the crops.
REDUCED = 2


class CroppedPictures:
    """Pictures of a folder, reduced and as bytes, and the crops that batches are made of.

    A crop depends on seed, epoch and the picture's number, as in ``resforge train``. Pictures that
    are not ``cached`` are decoded whenever a batch needs them, to the same bytes.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        size: int,
        crop: RandomCrop,
        normal: Normal,
        cached: Sequence[NDArray[np.uint8]] | None,
        digest: bytes,
    ) -> None:
        self.paths = tuple(paths)
        self.size = size
        self.crop = crop
        self.normal = normal
        self.cached = cached
        self.digest = digest
        """SHA-256 over the bytes of all pictures."""

    def __len__(self) -> int:
        return len(self.paths)

    def batch(self, numbers: Sequence[int], epoch: int, seed: int) -> NDArray[np.float32]:
        """Crops of the pictures with these numbers: ``(N, C, size, size)``, normalised."""
        crops = np.stack([self._crop(number, epoch, seed) for number in numbers])
        return normalised(crops.transpose(0, 3, 1, 2), *self.normal)

    def _crop(self, number: int, epoch: int, seed: int) -> NDArray[np.uint8]:
        pixels = self._pixels(number)
        height, width, _ = pixels.shape
        random = Random(stream_seed(seed, f"picture/{epoch}/{number}"))
        return cut(pixels, self.size, self.crop.choose(width, height, random))

    def _pixels(self, number: int) -> NDArray[np.uint8]:
        if self.cached is not None:
            return self.cached[number]
        return decode_whole(self.paths[number], REDUCED * self.size, len(self.normal[0]))


class Cache:
    """Collects decoded pictures, and gives them up once they take more than ``room`` bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.pictures: list[NDArray[np.uint8]] | None = []
        self.bytes = 0
        self._digest = hashlib.sha256()

    def add(self, pixels: NDArray[np.uint8]) -> None:
        self._digest.update(f"{pixels.shape}".encode())
        self._digest.update(np.ascontiguousarray(pixels).data)
        self.bytes += pixels.nbytes
        if self.bytes > self.room:
            self.pictures = None
        if self.pictures is not None:
            self.pictures.append(pixels)

    @property
    def digest(self) -> bytes:
        return self._digest.digest()


def room() -> int:
    """Bytes that one worker may hold decoded: half of the memory, shared by one worker a core."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 2**30
    return memory // (2 * (os.cpu_count() or 1))
