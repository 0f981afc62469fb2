"""Reads files of ``torch.save`` that hold nothing but tensors, mapped from disk if possible."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from .entries import Entry, entries_of
from .errors import refuse
from .pickles import check_pickle, damaged, resave

_MAX_PICKLE = 16 * 2**20
_MAX_RECORDS = 200_000
_LEGACY_PICKLES = 5


def read_zip(path: Path) -> list[Entry]:
    """The named tensors in a file of ``torch.save``, mapped from disk."""
    _check_zip(path)
    # Under this suffix torch.load expects another format, unless it is given an open file.
    return _entries(path, _load(path, mapped=path.suffix != ".safetensors"))


def read_legacy(path: Path) -> list[Entry]:
    """The named tensors in a file of ``torch.save`` before torch 1.6, in memory."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        for _ in range(_LEGACY_PICKLES):
            check_pickle(path, stream, size)
    return _entries(path, _load(path, mapped=False))


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
                    f"where its author is trusted: torch.save(torch.jit.load({str(path)!r})"
                    f".state_dict(), {str(path.with_suffix('.tensors.pth'))!r})",
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
                check_pickle(path, stream, size)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise damaged(path) from error


def _load(path: Path, *, mapped: bool) -> Any:
    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")  # a broken file is reported as an error
            # Passed explicitly, so that no default or environment variable can change it.
            source = os.fspath(path) if mapped else stream
            return torch.load(source, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        found = "contains more than tensors; nothing was run"
        raise refuse(path, found, resave(path), "code") from error
    except OSError:
        raise
    except Exception as error:  # a broken file can raise any exception
        raise damaged(path) from error


def _entries(path: Path, found: Any) -> list[Entry]:
    kind = type(found).__name__
    if not isinstance(found, dict | list | tuple):
        raise refuse(path, f"holds a {kind}, not named tensors", "save a state_dict")
    if entries := entries_of(found):
        return entries
    what = "no" if isinstance(found, dict) else f"a {kind} without"
    raise refuse(path, f"holds {what} named tensors", "save a state_dict")
