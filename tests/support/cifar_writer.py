"""Small files in the exact formats of CIFAR-10 and CIFAR-100, of pictures made up."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILES = {
    "cifar10": ([f"data_batch_{number}" for number in range(1, 6)], "test_batch"),
    "cifar100": (["train"], "test"),
}


def pictures(count: int, classes: int, seed: int) -> tuple[NDArray[np.uint8], list[int]]:
    """Rows of 3,072 bytes and labels."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, 256, (count, 3072), dtype=np.uint8)
    return rows, random.integers(0, classes, count).tolist()


def write_cifar(
    folder: Path, kind: str = "cifar10", version: str = "python", count: int = 4
) -> list[tuple[NDArray[np.uint8], list[int]]]:
    """Write ``count`` pictures to a file; what each file holds, the test file last."""
    train, test = FILES[kind]
    folder.mkdir(parents=True, exist_ok=True)
    held = []
    for seed, name in enumerate([*train, test]):
        rows, labels = pictures(count, 10 if kind == "cifar10" else 100, seed)
        held.append((rows, labels))
        if version == "python":
            (folder / name).write_bytes(batch_pickle(rows, labels, kind))
        else:
            (folder / f"{name}.bin").write_bytes(batch_binary(rows, labels, kind))
    return held


def batch_binary(rows: NDArray[np.uint8], labels: list[int], kind: str) -> bytes:
    coarse = b"\7" if kind == "cifar100" else b""
    return b"".join(
        coarse + bytes([label]) + row.tobytes() for row, label in zip(rows, labels, strict=True)
    )


def batch_pickle(rows: NDArray[np.uint8], labels: list[int], kind: str) -> bytes:
    """As Python 2's cPickle wrote them: protocol 2, every text and array as a string of bytes."""
    key = "labels" if kind == "cifar10" else "fine_labels"
    names = b"".join(string(f"picture_{index}.png") for index in range(len(labels)))
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    return (
        b"\x80\x02}q\x01("
        + (string("batch_label") + string("training batch 1 of 5"))
        + (string(key) + b"](" + numbers + b"e")
        + (string("data") + array(rows.tobytes(), rows.shape))
        + (string("filenames") + b"](" + names + b"e")
        + b"u."
    )


def string(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()


def array(
    raw: bytes, shape: tuple[int, ...], code: bytes = b"u1", by_column: bool = False
) -> bytes:
    """A NumPy array as cPickle wrote one."""
    sizes = b"(" + b"".join(b"J" + struct.pack("<i", size) for size in shape) + b"t"
    dtype = b"cnumpy\ndtype\nU\x02" + code + b"K\x00K\x01\x87R(K\x03U\x01|NNNJ" + b"\xff" * 4
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + sizes
        + (dtype + b"J" + b"\xff" * 4 + b"K\x00tb")
        + (b"\x88" if by_column else b"\x89")
        + (b"T" + struct.pack("<i", len(raw)) + raw + b"tb")
    )
