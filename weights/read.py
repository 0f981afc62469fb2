"""Opens a file of weights as named tensors, mapped from disk."""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from safetensors import safe_open
from torch import Tensor

from ..errors import SpecError, wrong_type
from ..reading.load import loads
from ..specs.network import ResNetSpec
from .array_pickles import read_array_pickle
from .arrays import in_pytorchs_names, read_npz
from .entries import Entry, entries_of
from .errors import WeightsError, refuse, shortened
from .kinds import HEAD, Kind, kind_of
from .pickles import MAX_TENSORS, damaged
from .seal import KEY, VERSION, broken, parse
from .torch_file import read_legacy, read_zip

Weights = str | os.PathLike[str] | Mapping[str, Any]
"""The path of a file of weights; or a state dict, or a checkpoint that holds one."""
_LOGGER = logging.getLogger(__name__)
#: Name of a mapping in messages.
IN_MEMORY = Path("the mapping")
#: Characters of the longest name of a tensor.
MAX_NAME = 500
#: Enough for the largest number of tensors allowed, and small enough to parse.
_MAX_HEADER = 8 * 2**20


@dataclass(frozen=True)
class WeightFile:
    """The contents of a file of weights, or of a mapping in memory."""

    path: Path
    kind: Kind | Literal["memory"]
    entries: tuple[Entry, ...]
    """The mappings with tensors in it, outermost first: one in a ``.safetensors`` file."""
    spec: ResNetSpec | None = None
    """The spec in the metadata of a file that resforge wrote."""
    unread: str = ""
    """Why that spec cannot be read; empty where it can, and where there is none."""

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors of the first entry, mapped from disk except in files of torch before 1.6."""
        return self.entries[0].tensors


def read(file: Weights) -> WeightFile:
    """Open a ``.safetensors`` file, one of ``torch.save``, or NumPy arrays, without running code;
    or take the tensors of a mapping.

    NumPy arrays are those of a ``.npz``, such as BiT's, or of a pickle, such as detectron2's
    ``.pkl``; the names and axes of TensorFlow and Caffe2 become PyTorch's.

    Raises :class:`WeightsError` for any other file, for one that is broken or holds more than
    tensors, and for one of :func:`save_weights` whose tensors have changed.
    """
    if isinstance(file, Mapping):
        found = WeightFile(IN_MEMORY, "memory", tuple(entries_of(file)))
        if not found.entries:
            raise refuse(IN_MEMORY, "holds no named tensors", "give a state dict")
    elif isinstance(file, str | os.PathLike):
        found = _opened(Path(file))
        _LOGGER.debug("opened %s (%s)", found.path.absolute(), found.kind)
    else:
        raise wrong_type("read", "the path of a file of weights, or a mapping of tensors", file)
    count = sum(len(entry.tensors) for entry in found.entries)
    if any(len(entry.tensors) > MAX_TENSORS for entry in found.entries):
        raise _too_many(found.path, count)
    if any(len(name) > MAX_NAME for entry in found.entries for name in entry.tensors):
        text = f"has a name of more than {MAX_NAME} characters; no layer is named so"
        raise refuse(found.path, text, "ask its author what it holds")
    return found


def _opened(path: Path) -> WeightFile:
    try:
        head = _head(path)
        kind = kind_of(path, head)
        if kind == "safetensors":
            return _read_safetensors(path, head)
        entries = _READERS[kind](path)
        if kind in ("npz", "pickle"):
            entries = [in_pytorchs_names(entry) for entry in entries]
        return WeightFile(path, kind, tuple(entries))
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


_READERS: dict[Kind, Callable[[Path], list[Entry]]] = {
    "zip": read_zip,
    "legacy": read_legacy,
    "npz": read_npz,
    "pickle": read_array_pickle,
}


def _head(path: Path) -> bytes:
    try:
        # A pipe may never end, and cannot be read twice.
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise _unreadable(path, "it is no regular file")
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except ValueError as error:
        raise _unreadable(path, "no file can be named so") from error


def _unreadable(path: Path, reason: str) -> WeightsError:
    return refuse(path, f"cannot be read ({reason})", "give the path of a file")


def _read_safetensors(path: Path, head: bytes) -> WeightFile:
    size = struct.unpack("<Q", head[:8])[0]
    if size > path.stat().st_size:
        raise damaged(path)
    if size > _MAX_HEADER:
        raise refuse(
            path,
            f"has a header of {size:,} bytes; no residual network needs more than {_MAX_HEADER:,}",
            "ask its author what it holds",
        )
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            names = opened.keys()
            if len(names) > MAX_TENSORS:
                raise _too_many(path, len(names))
            tensors = {name: opened.get_tensor(name) for name in names}
            written = (opened.metadata() or {}).get(KEY)
    except WeightsError:
        raise
    except Exception as error:  # a type of number that torch does not have can raise any exception
        text = f"is not a valid .safetensors file ({shortened(str(error))})"
        raise refuse(path, text, "download or copy it again") from error
    if not tensors:
        raise refuse(path, "holds no tensors", "give a file that holds weights")
    entries = (Entry("", tensors),)
    if written is None:
        return WeightFile(path, "safetensors", entries)
    sealed = parse(written)
    if sealed is not None and sealed.version > VERSION:
        raise refuse(path, f"was written by a newer resforge ({sealed.version})", "upgrade it")
    if sealed is None or broken(tensors, sealed):
        raise refuse(
            path,
            "has changed since resforge wrote it: its SHA-256 differs",
            "copy it again from where it was written; at least one bit has changed",
            "digest",
        )
    return _with_spec(WeightFile(path, "safetensors", entries), sealed.spec)


def _with_spec(file: WeightFile, text: str) -> WeightFile:
    try:
        return replace(file, spec=loads(text))
    except SpecError as error:  # of kinds that nobody registered here, say
        return replace(file, unread=error.message)


def _too_many(path: Path, count: int) -> Exception:
    return refuse(
        path,
        f"holds {count:,} tensors; no residual network has more than {MAX_TENSORS:,}",
        "ask its author what it holds",
    )
