"""Weights of a run, with its spec, in one ``.safetensors`` file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from ..._version import __version__
from ...errors import SpecError, StoreError, path_text
from ...weights.errors import WeightsError
from ...weights.read import read
from ...weights.write import write_tensors
from .record import RunSpec

if TYPE_CHECKING:
    from torch import Tensor

#: Version of run folders and their files.
FORMAT = 1
_KEY, _DIGEST = "resforge_run", "resforge_run_sha256"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights after an epoch of a run."""

    spec: RunSpec
    epoch: int
    scores: dict[str, float]
    tensors: dict[str, Tensor]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to one file, which ``resforge weights`` reads too.

    Raises ``StoreError`` where the file cannot be written.
    """
    head = json.dumps(
        {
            "format": FORMAT,
            "resforge": __version__,
            "run": checkpoint.spec.model_dump(mode="json"),
            "epoch": checkpoint.epoch,
            "scores": checkpoint.scores,
        }
    )
    notes = {_KEY: head, _DIGEST: _sha256(head)}
    write_tensors(checkpoint.tensors, path, checkpoint.spec.network, notes)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file of :func:`write_checkpoint`.

    Raises ``StoreError`` for any other file, a damaged one, and one of a newer resforge.
    """
    try:
        tensors = read(path).tensors
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
    except WeightsError as error:
        raise StoreError(f"{path} is damaged: {error.faults[0].message}") from None
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} cannot be read ({error})") from None
    if _KEY not in notes:
        raise StoreError(f"{path} holds weights without a run: use `resforge weights` for them")
    if notes.get(_DIGEST) != _sha256(notes[_KEY]):
        raise StoreError(f"{path} is damaged: the checksum of its metadata differs")
    head = json.loads(notes[_KEY])
    check_format(path, head)
    return Checkpoint(read_spec(path, head["run"]), head["epoch"], head["scores"], tensors)


def check_format(path: Path, head: Mapping[str, Any]) -> None:
    """Raise ``StoreError`` unless ``head`` has the format that this version reads."""
    version = head.get("format")
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        help = "upgrade resforge" if newer else "it is not a run of resforge"
        raise StoreError(f"{path} has format {version}, and this resforge reads {FORMAT}: {help}")


def read_spec(path: Path, tree: Any) -> RunSpec:
    """Validate the spec of a run from JSON. Raises ``StoreError``."""
    try:
        return RunSpec.model_validate(tree)
    except (ValidationError, SpecError) as error:
        raise StoreError(f"{path} is damaged: {_first(error)}") from None


def _first(error: ValidationError | SpecError) -> str:
    if isinstance(error, SpecError):
        return error.message
    first = error.errors(include_url=False)[0]
    return f"{path_text(first['loc'])}: {first['msg']}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
