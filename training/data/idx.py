"""IDX, the file format of MNIST: arrays of bytes with a short header, maybe compressed by gzip.

Two zero bytes, the type (8: bytes), the number of dimensions; each dimension's length in four
bytes, big-endian; then the values (LeCun, Cortes and Burges, "The MNIST database").
"""

from __future__ import annotations

import gzip
import struct
import zlib
from io import BufferedIOBase
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .files import FileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BYTES = 8
_KINDS = {(0, 0, _BYTES, 1): "labels", (0, 0, _BYTES, 3): "images"}


def read_idx(file: Path, shape: tuple[int, ...], most: int) -> NDArray[np.uint8]:
    """Read the array ``(N, *shape)`` of a file, with N at most ``most``.

    No more bytes are read and decompressed than such an array takes. Raises ``FileError`` for any
    other content, and ``OSError`` where the file cannot be read.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            return _read(stream, shape, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"its gzip stream is damaged ({error})") from None


def _read(stream: BufferedIOBase, shape: tuple[int, ...], most: int) -> NDArray[np.uint8]:
    magic = tuple(_exactly(stream, 4))
    expected = (0, 0, _BYTES, 1 + len(shape))
    if magic in _KINDS and magic != expected:
        raise FileError(f"it holds {_KINDS[magic]}: were files swapped?")
    if magic != expected:
        raise FileError(
            f"it begins with {bytes(magic).hex(' ')} instead of {bytes(expected).hex(' ')}"
        )
    count, *sides = struct.unpack(f">{1 + len(shape)}I", _exactly(stream, 4 * (1 + len(shape))))
    if tuple(sides) != shape:
        actual, expected_shape = ("x".join(map(str, lengths)) for lengths in (sides, shape))
        raise FileError(f"its images are {actual}, not {expected_shape}")
    if not 1 <= count <= most:
        hint = ": were files swapped?" if count else ""
        raise FileError(f"its header promises {count:,} {_KINDS[magic]}, of 1 to {most:,}{hint}")
    values = _exactly(stream, count * prod(shape))
    if stream.read(1):
        raise FileError(f"bytes follow the {count:,} {_KINDS[magic]} of its header")
    return np.frombuffer(values, np.uint8).reshape(count, *shape)


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise FileError(f"it ends {size - len(data):,} bytes too early")
    return data
