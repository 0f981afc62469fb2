"""NumPy archives from untrusted sources: nothing is unpickled, and an array takes no more memory
than its header and the length of its file agree on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeVar
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from numpy.lib import format as npy

from .errors import ResforgeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BYTES = 4 * 1024**3  # of one array, unpacked
_CHUNK = 1024**2
_T = TypeVar("_T")
_SHOWN = 200  # characters of a library's message that ours quote


class ArrayFileError(Exception):
    """Reason why a file does not hold the arrays it should."""


class Head(NamedTuple):
    """Header of an array's file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_column: bool


class Archive:
    """Arrays of an open archive. Methods raise ``ArrayFileError`` for a damaged archive."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive

    @property
    def names(self) -> list[str]:
        """Names of the arrays."""
        files = self._archive.namelist()
        return [file.removesuffix(".npy") for file in files if file.endswith(".npy")]

    @property
    def unpacked(self) -> int:
        """Bytes of all that it holds, unpacked, as it says itself."""
        return sum(info.file_size for info in self._archive.infolist())

    def head(self, name: str) -> Head:
        return self._open(name, lambda head, _: head)

    def array(self, name: str) -> NDArray[Any]:
        return self._open(name, _read)

    def _open(self, name: str, read: Callable[[Head, IO[bytes]], _T]) -> _T:
        file = f"{name}.npy"
        if file not in self._archive.namelist():
            names = ", ".join(sorted(self._archive.namelist()))[:_SHOWN]
            raise ArrayFileError(f"it lacks {name}, and holds {names or 'nothing'}")
        info = self._archive.getinfo(file)
        # The other methods can take memory without bound; NumPy writes these two.
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise ArrayFileError(f"{name} is compressed by a method that NumPy does not use")
        if info.file_size > MAX_BYTES:
            raise ArrayFileError(f"{name} has {info.file_size:,} bytes, of at most {MAX_BYTES:,}")
        with self._archive.open(info) as member:
            # Headers of later versions have no bound; arrays of numbers have the first version.
            if npy.read_magic(member) != (1, 0):
                raise ArrayFileError(f"{name} is not an array of numbers")
            shape, by_column, dtype = npy.read_array_header_1_0(member)
            size = prod(shape) * dtype.itemsize
            if dtype.hasobject or min(shape, default=1) < 0:
                raise ArrayFileError(f"{name} is not an array of numbers")
            if member.tell() + size != info.file_size:
                raise ArrayFileError(
                    f"the header of {name} promises {shape_text(shape)}, and its length differs"
                )
            return read(Head(shape, dtype, by_column), member)


@contextmanager
def open_archive(file: Path) -> Iterator[Archive]:
    """Open the archive ``file``. Raises ``ArrayFileError`` for any other file, and ``OSError``."""
    try:
        with ZipFile(file) as archive:
            yield Archive(archive)
    except (ArrayFileError, ResforgeError, OSError):
        raise
    except Exception as error:  # a broken archive can raise anything at all
        raise ArrayFileError(f"{type(error).__name__}, {str(error)[:_SHOWN]}") from None


def _read(head: Head, member: IO[bytes]) -> NDArray[Any]:
    values = np.empty(prod(head.shape), head.dtype)
    into, start = values.view(np.uint8), 0
    while chunk := member.read(_CHUNK):
        into[start : start + len(chunk)] = np.frombuffer(chunk, np.uint8)
        start += len(chunk)
    if start < len(into):
        raise ArrayFileError("it ends too early")
    return values.reshape(head.shape, order="F" if head.by_column else "C")


def shape_text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a single number"
