"""Reads files of ``torch.save`` that hold nothing but tensors, mapped from disk if possible."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import refuse
from .pickles import check_pickle, damaged

#: Entries of a checkpoint that may hold the weights, the most likely first.
ENTRIES = ("state_dict", "model", "model_state_dict", "net", "module", "weights")
_MAX_PICKLE = 16 * 2**20
_MAX_RECORDS = 200_000
_LEGACY_PICKLES = 5


def read_zip(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of a file of ``torch.save``, mapped from disk, and notes for the user."""
    _check_zip(path)
    return _tensors_of(path, _load(path, mapped=True))


def read_legacy(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of a file of ``torch.save`` before torch 1.6, in memory, and notes."""
    with path.open("rb") as stream:
        for _ in range(_LEGACY_PICKLES):
            check_pickle(path, stream)
    return _tensors_of(path, _load(path, mapped=False))


def _check_zip(path: Path) -> None:
    """Raise :class:`WeightsError` for an archive that holds code or would expand when read."""
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
            size = path.stat().st_size
            names = {record.filename.partition("/")[2] for record in records}
            if "constants.pkl" in names:
                raise refuse(
                    path,
                    "is a TorchScript program, which is code",
                    "where it is trusted, torch.jit.load it there and save its state_dict()",
                    "code",
                )
            if any(record.compress_type != zipfile.ZIP_STORED for record in records):
                unfolded = sum(record.file_size for record in records)
                raise refuse(
                    path,
                    f"is a compressed zip of {size:,} bytes that unfold to {unfolded:,}; "
                    "torch.save never compresses",
                    "ask for a .safetensors file",
                )
            if len(records) > _MAX_RECORDS or sum(record.file_size for record in records) > size:
                raise damaged(path)
            pickles = [r for r in records if r.filename.partition("/")[2] == "data.pkl"]
            if len(pickles) != 1:
                raise refuse(
                    path,
                    "is a zip, but not one of torch.save",
                    "unpack it, or give the file it was made from",
                )
            if pickles[0].file_size > _MAX_PICKLE:
                raise damaged(path)
            with archive.open(pickles[0]) as stream:
                check_pickle(path, stream)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise damaged(path) from error


def _load(path: Path, *, mapped: bool) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a broken file is reported as an error
            # Passed explicitly, so that no default or environment variable can change it.
            return torch.load(os.fspath(path), map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise refuse(
            path,
            "contains more than tensors; nothing was run",
            "ask for a .safetensors file",
            "code",
        ) from error
    except OSError:
        raise
    except Exception as error:  # a broken file can raise any exception
        raise damaged(path) from error


def _tensors_of(path: Path, found: Any) -> tuple[dict[str, Tensor], list[str]]:
    """The named tensors in the contents of a file, and notes for the user."""
    notes: list[str] = []
    if not isinstance(found, dict):
        raise refuse(
            path, f"holds a {type(found).__name__}, not named tensors", "save a state_dict"
        )
    if not _named_tensors(found):
        entries = [key for key, value in found.items() if _named_tensors(value)]
        if not entries:
            raise refuse(path, "holds no named tensors", "save a state_dict")
        chosen = next((entry for entry in ENTRIES if entry in entries), entries[0])
        others = [str(entry) for entry in entries if entry != chosen]
        notes.append(
            f"the tensors come from its entry {chosen!r}"
            + (f"; not read: {', '.join(others)}" if others else "")
        )
        found = found[chosen]
    tensors = _named_tensors(found)
    left = [str(name) for name in found if name not in tensors]
    if left:
        notes.append(f"ignored, since not tensors: {', '.join(left[:10])}")
    return tensors, notes


def _named_tensors(value: Any) -> dict[str, Tensor]:
    if not isinstance(value, dict):
        return {}
    return {
        name: tensor
        for name, tensor in value.items()
        if isinstance(name, str) and isinstance(tensor, Tensor)
    }
