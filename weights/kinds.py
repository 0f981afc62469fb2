"""The kind of a file of weights, from its first bytes and not its name."""

from __future__ import annotations

import os
from typing import Literal

from .errors import refuse

Kind = Literal["safetensors", "zip", "legacy", "npz", "pickle"]

#: Number of bytes that are examined.
HEAD = 512
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_ASK = "ask its author for a .safetensors file"
_AGAIN = "download it again, and follow the link to the file itself"

#: First bytes of other files that are mistaken for weights, their description and a remedy.
_OTHER_KINDS: tuple[tuple[tuple[bytes, ...], str, str], ...] = (
    (
        (b"version https://git-lfs.github.com/",),
        "is a Git LFS pointer, not the weights themselves",
        "run `git lfs pull` in its repository, or download the file itself",
    ),
    ((b"<!doctype", b"<html", b"<?xml", b"<head"), "is a web page, not weights", _AGAIN),
    ((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!"), "is compressed", "unpack it"),
    ((b"\x89HDF",), "is an HDF5 file, as Keras writes it", "convert it with TensorFlow first"),
    ((b"\x93NUMPY",), "is one NumPy array", _ASK),
    ((b"{", b"["), "is JSON, not weights", "give a file that holds tensors, such as one shard"),
)
#: A tar archive says so in its first record.
_TAR = 257


def kind_of(path: str | os.PathLike[str], head: bytes) -> Kind:
    """The kind of the file at ``path`` that begins with ``head``. Raises :class:`WeightsError`."""
    if not head:
        raise refuse(path, "is empty", _AGAIN)
    if head.startswith(b"PK"):
        if _first_in_zip(head).endswith(b".npy"):
            return "npz"
        return "zip"
    if head.startswith(LEGACY):
        return "legacy"
    if len(head) > 8 and head[8:9] == b"{":
        return "safetensors"
    if head.startswith(b"\x80"):
        return "pickle"
    if head[_TAR:].startswith(b"ustar"):
        remedy = "unpack it; one of torch before 0.1.10 is read by torch.load and saved again"
        raise refuse(path, "is a tar archive", remedy)
    text = head.lstrip().lower()
    for starts, description, remedy in _OTHER_KINDS:
        if any(head.startswith(start) or text.startswith(start) for start in starts):
            raise refuse(path, description, remedy)
    raise refuse(
        path, "is neither a .safetensors file nor one of torch.save, nor NumPy arrays", _ASK
    )


def _first_in_zip(head: bytes) -> bytes:
    """The name of the first file in a zip archive, as its local header gives it."""
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length]
