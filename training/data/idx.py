"""IDX: arrays of bytes with a short head, as MNIST is published, bare or under gzip.

Two zero bytes, the type (8: bytes), the number of dimensions; each dimension's length in four
bytes, the highest first; then the values (LeCun, Cortes and Burges, "The MNIST database").
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
    """The array of a file whose items have ``shape``: ``(N, *shape)``, N at most ``most``.

    Not a byte more is read, and unpacked, than such an array takes. Raises ``FileError`` for
    anything else, and ``OSError`` where the disk refuses.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            return _read(stream, shape, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"its gzip stream is damaged ({error})") from None


def _read(stream: BufferedIOBase, shape: tuple[int, ...], most: int) -> NDArray[np.uint8]:
    magic = tuple(_exactly(stream, 4))
    wanted = (0, 0, _BYTES, 1 + len(shape))
    if magic != wanted:
        held = f"{_KINDS[magic]} stand in it: were files swapped?" if magic in _KINDS else ""
        told = f"it begins with {bytes(magic).hex(' ')} instead of {bytes(wanted).hex(' ')}"
        raise FileError(held or told)
    count, *sides = struct.unpack(f">{1 + len(shape)}I", _exactly(stream, 4 * (1 + len(shape))))
    if tuple(sides) != shape:
        given, right = ("x".join(map(str, sides_)) for sides_ in (sides, shape))
        raise FileError(f"its images are {given}, not {right}")
    if not 1 <= count <= most:
        told = f"it says that it holds {count:,} {_KINDS[magic]}, of 1 to {most:,}"
        raise FileError(told + (": were files swapped?" if count else ""))
    values = _exactly(stream, count * prod(shape))
    if stream.read(1):
        raise FileError(f"it goes on after the {count:,} {_KINDS[magic]} that its head says")
    return np.frombuffer(values, np.uint8).reshape(count, *shape)


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise FileError(f"it ends {size - len(found):,} bytes too early")
    return found
