"""Opens a file of weights as named tensors, mapped from disk."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import wrong_type
from ..specs.network import ResNetSpec
from .errors import refuse
from .kinds import HEAD, Kind, kind_of
from .pickles import MAX_TENSORS, damaged
from .seal import KEY, VERSION, broken, spec_in, version_of
from .torch_file import read_legacy, read_zip

#: Enough for the largest number of tensors allowed, and small enough to parse.
_MAX_HEADER = 8 * 2**20


@dataclass(frozen=True)
class WeightFile:
    """The contents of a file of weights."""

    path: Path
    kind: Kind
    tensors: dict[str, Tensor]
    """Tensors by name, mapped from disk except in files of torch before 1.6."""
    spec: ResNetSpec | None = None
    """The spec in the metadata of a file that resforge wrote."""
    notes: list[str] = field(default_factory=list)
    """Notes for the user."""


def read(file: str | os.PathLike[str]) -> WeightFile:
    """Open a ``.safetensors`` file, or one of ``torch.save``, without running code.

    Raises :class:`WeightsError` for any other file, for one that is broken or holds more than
    tensors, and for one of :func:`save_weights` whose tensors have changed.
    """
    if not isinstance(file, str | os.PathLike):
        raise wrong_type("read", "the path of a file of weights", file)
    path = Path(file)
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
        return _read(path, kind_of(path, head), head)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file can be named so"
        raise refuse(path, f"cannot be read ({reason})", "give the path of a file") from error


def _read(path: Path, kind: Kind, head: bytes) -> WeightFile:
    if kind == "safetensors":
        found = _read_safetensors(path, head)
    else:
        tensors, notes = (read_zip if kind == "zip" else read_legacy)(path)
        found = WeightFile(path, kind, tensors, None, notes)
    if len(found.tensors) > MAX_TENSORS:
        raise _too_many(path, len(found.tensors))
    return found


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
            sealed = (opened.metadata() or {}).get(KEY)
    except SafetensorError as error:
        raise refuse(
            path, f"is not a valid .safetensors file ({error})", "download or copy it again"
        ) from error
    if sealed is None:
        return WeightFile(path, "safetensors", tensors)
    if version_of(sealed) > VERSION:
        raise refuse(
            path, f"was written by a newer resforge ({version_of(sealed)})", "upgrade resforge"
        )
    if broken(tensors, sealed):
        raise refuse(
            path,
            "has changed since resforge wrote it: its SHA-256 differs",
            "copy it again from where it was written; at least one bit has changed",
            "digest",
        )
    return WeightFile(path, "safetensors", tensors, spec_in(sealed))


def _too_many(path: Path, count: int) -> Exception:
    return refuse(
        path,
        f"holds {count:,} tensors; no residual network has more than {MAX_TENSORS:,}",
        "ask its author what it holds",
    )
