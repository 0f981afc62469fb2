"""The files of CIFAR-10 and CIFAR-100, in the "python" and the "binary" version.

https://www.cs.toronto.edu/~kriz/cifar.html describes both. The python version is made of pickles,
which can run any code when they are loaded; here only data are read from them.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .files import FileError, errors_at_path, path_fault
from .pictures import Pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
_SHAPE = (3, 32, 32)
_PIXELS = prod(_SHAPE)
_MAX_BYTES = 512 * 1024 * 1024  # the largest true file has a third of that
_SHOWN = 200  # characters of a broken file that a message quotes


@dataclass(frozen=True)
class Layout:
    """Names and contents of the files of one of the two data sets."""

    name: str
    num_classes: int
    train: tuple[str, ...]
    test: str
    stem: str
    """First part of the names of its archives and folders."""
    python_folder: str
    binary_folder: str
    label_key: bytes
    """Python version: the key of the labels."""
    label_bytes: int
    """Binary version: bytes before each picture, the last of them its label."""


CIFAR10 = Layout(
    name="CIFAR-10",
    num_classes=10,
    train=tuple(f"data_batch_{number}" for number in range(1, 6)),
    test="test_batch",
    stem="cifar-10",
    python_folder="cifar-10-batches-py",
    binary_folder="cifar-10-batches-bin",
    label_key=b"labels",
    label_bytes=1,
)
CIFAR100 = Layout(
    name="CIFAR-100",
    num_classes=100,
    train=("train",),
    test="test",
    stem="cifar-100",
    python_folder="cifar-100-python",
    binary_folder="cifar-100-binary",
    label_key=b"fine_labels",
    label_bytes=2,
)


def read_pictures(path: str, layout: Layout) -> tuple[Pictures, Pictures]:
    """Read the training and the test pictures from the folder ``path``, or from the folder in it
    that an archive unpacks to.

    Raises :class:`~resforge.SpecError` at ``path`` for files that are missing or damaged.
    """
    folder, suffix, read = _find(Path(path), layout)
    *train, test = (
        _pictures(folder / f"{name}{suffix}", layout, read) for name in (*layout.train, layout.test)
    )
    pixels, labels = zip(*train, strict=True)
    return Pictures(np.concatenate(pixels), np.concatenate(labels)), test


#: From a file's bytes to pixels ``(N, 3, 32, 32)`` and labels, which are not checked yet.
_Read = Callable[[bytes, Layout], tuple[Any, Any]]


def _find(path: Path, layout: Layout) -> tuple[Path, str, _Read]:
    """Folder with all files of one version, their suffix, and their reader."""
    versions: tuple[tuple[str, str, _Read], ...] = (
        (layout.python_folder, "", _from_pickle),
        (layout.binary_folder, ".bin", _from_binary),
    )
    reason = "holds none of its files" if os.path.isdir(path) else "is not a folder"
    message = f"{path} {reason}"
    for unpacked, suffix, read in versions:
        names = [f"{name}{suffix}" for name in (*layout.train, layout.test)]
        for folder in (path, path / unpacked):
            missing = [name for name in names if not os.path.isfile(folder / name)]
            if not missing:
                return folder, suffix, read
            if len(missing) < len(names):
                message = f"{folder} lacks {', '.join(missing)}"
    raise path_fault(
        f"{layout.name}: {message}",
        f"get {layout.stem}-python.tar.gz or {layout.stem}-binary.tar.gz from {PAGE}, unpack it,"
        f" and name the folder that holds {layout.python_folder} or {layout.binary_folder}",
    )


def _pictures(file: Path, layout: Layout, read: _Read) -> Pictures:
    with errors_at_path(file, layout.name, f"get {layout.name} from {PAGE} and unpack it again"):
        size = file.stat().st_size
        if size > _MAX_BYTES:
            raise FileError(f"it has {size:,} bytes, of at most {_MAX_BYTES:,}")
        pixels, labels = read(file.read_bytes(), layout)
        limit = layout.num_classes
        if type(labels) is not list or not all(type(n) is int and 0 <= n < limit for n in labels):
            raise FileError(f"its labels are not whole numbers from 0 to {limit - 1}")
        if len(labels) != len(pixels):
            raise FileError(f"it has {len(pixels)} pictures and {len(labels)} labels")
    return Pictures(pixels, np.array(labels, dtype=np.int64))


def _from_binary(data: bytes, layout: Layout) -> tuple[Any, Any]:
    """Read records of the label's bytes and 3,072 pixels: red, green, blue, each row by row."""
    record = layout.label_bytes + _PIXELS
    if len(data) % record:
        raise FileError(f"{len(data):,} bytes are no whole number of records of {record:,}")
    rows = np.frombuffer(data, np.uint8).reshape(-1, record)
    labels = rows[:, layout.label_bytes - 1]
    return rows[:, layout.label_bytes :].reshape(-1, *_SHAPE), labels.tolist()


def _from_pickle(data: bytes, layout: Layout) -> tuple[Any, Any]:
    """Read a mapping with an array of bytes ``(N, 3072)`` under ``data``, and a list of labels."""
    try:
        # Checked before it is loaded: to store an object under a number, the unpickler allocates
        # a list of that length.
        for code, number, _ in pickletools.genops(data):
            if code.name.endswith("PUT") and isinstance(number, int) and number > len(data):
                raise FileError(f"it stores an object under the number {number}")
        batch = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except FileError:
        raise
    except Exception as error:  # a broken pickle can raise anything at all
        raise FileError(f"{type(error).__name__}, {str(error)[:_SHOWN]}") from None
    mapping = batch if type(batch) is dict else {}
    array = mapping.get(b"data")
    if type(array) is not _Array or array.pixels is None or layout.label_key not in mapping:
        raise FileError(f"it does not hold 'data' and '{layout.label_key.decode()}'")
    return array.pixels, mapping[layout.label_key]


class _Dtype:
    """Stand-in for a dtype in a pickle; holds its arguments."""

    def __init__(self, *given: Any) -> None:
        self.given = given

    def __setstate__(self, state: Any) -> None:
        """Ignore byte order and the like, which single bytes do not have."""


class _Array:
    """Stand-in for an array in a pickle; NumPy's own class trusts the state it is given."""

    def __init__(self, *given: Any) -> None:
        self.pixels: NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_column, raw = state
        if type(dtype) is not _Dtype or dtype.given[:1] != (b"u1",) or type(raw) is not bytes:
            raise FileError("an array in it is not of bytes")
        if shape[1:] != (_PIXELS,) or prod(shape) != len(raw):
            raise FileError(f"an array in it is not (N, {_PIXELS:,})")
        rows = np.frombuffer(raw, np.uint8).reshape(shape, order="F" if by_column else "C")
        self.pixels = rows.reshape(-1, *_SHAPE)


class _Unpickler(pickle.Unpickler):
    """Unpickler that replaces the three names in the published files by stand-ins."""

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case ("numpy.core.multiarray", "_reconstruct") | ("numpy", "ndarray"):
                return _Array
            case ("numpy", "dtype"):
                return _Dtype
        raise FileError(f"it asks for {f'{module}.{name}'[:_SHOWN]}, which is code and not data")
