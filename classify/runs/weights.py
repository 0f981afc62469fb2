"""Weights of a run, with its spec, in one ``.safetensors`` file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from safetensors import SafetensorError, safe_open

from ..._version import __version__
from ...errors import StoreError, printable
from ...specs.base import Spec
from ...weights.errors import WeightsError
from ...weights.read import read
from ...weights.write import write_tensors
from .reading import FORMAT, check_regular, fields_in, parse_mapping, validated
from .record import RunSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_KEY, _DIGEST = "resforge_run", "resforge_run_sha256"


class CheckpointHead(Spec):
    """Metadata of weights after an epoch of a run."""

    id: str | None = None
    """Identity of the run; None in files of earlier versions."""
    run: RunSpec
    epoch: Annotated[int, Field(ge=1)]
    scores: dict[str, Annotated[float, Field(allow_inf_nan=True)]]
    """Mean loss and accuracy on the validation pictures; a loss may be infinite."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights after an epoch of a run."""

    head: CheckpointHead
    tensors: Mapping[str, Tensor]

    @property
    def spec(self) -> RunSpec:
        return self.head.run


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to one file, which ``resforge weights`` reads too.

    Raises ``StoreError`` where the file cannot be written.
    """
    # Not pydantic's JSON, which has no infinity.
    tree = checkpoint.head.model_dump(mode="python")
    tree["run"] = checkpoint.spec.model_dump(mode="json")
    head = json.dumps({"format": FORMAT, "resforge": __version__, **tree})
    notes = {_KEY: head, _DIGEST: _sha256(head)}
    write_tensors(checkpoint.tensors, path, checkpoint.spec.network, notes)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file of :func:`write_checkpoint`.

    Raises ``FileNotFoundError`` for a missing file, and ``StoreError`` for any other file, a
    damaged one, and one of a newer resforge.
    """
    head = read_head(path)
    try:
        file = read(path)
    except WeightsError as error:
        raise StoreError(f"{path} is damaged: {error.faults[0].message}") from None
    if file.spec is not None and file.spec.digest != head.run.network.digest:
        raise StoreError(f"{path} is of two networks: its run and its weights say another one")
    return Checkpoint(head, file.tensors)


def read_head(path: Path) -> CheckpointHead:
    """Read the metadata alone, with the errors of :func:`read_checkpoint`."""
    check_regular(path)
    try:
        with safe_open(path, framework="pt") as file:
            notes: dict[str, str] = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise StoreError(
            f"{path} is damaged or cannot be read ({printable(str(reason))})"
        ) from None
    if _KEY not in notes:
        raise StoreError(f"{path} holds weights without a run: use `resforge weights` for them")
    if notes.get(_DIGEST) != _sha256(notes[_KEY]):
        raise StoreError(f"{path} is damaged: the checksum of its metadata differs")
    head = parse_mapping(path, notes[_KEY])
    return validated(path, CheckpointHead, fields_in(CheckpointHead, head), intact=True)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
