"""Small files in the exact format of MNIST, of pictures made up."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def idx(array: NDArray[np.uint8], count: int | None = None) -> bytes:
    """An array as an IDX file; ``count`` is what the head says that it holds."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    if count is not None:
        head = head[:4] + struct.pack(">I", count) + head[8:]
    return head + array.tobytes()


def write_mnist(folder: Path, train: int = 20, test: int = 4, packed: bool = False) -> list[Part]:
    """Write the four files; the training and the test part."""
    folder.mkdir(parents=True, exist_ok=True)
    held = []
    for seed, (part, count) in enumerate((("train", train), ("t10k", test))):
        random = np.random.default_rng(seed)
        images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        held.append((images, labels))
        for what, array in (("images-idx3", images), ("labels-idx1", labels)):
            name, data = f"{part}-{what}-ubyte", idx(array)
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(data))
            else:
                (folder / name).write_bytes(data)
    return held
