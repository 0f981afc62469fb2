"""Checkpoints: what a running trial leaves on disk, so that another process can go on with it."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...errors import StoreError
from ...files import write_whole
from ...training.sealed import seal, unseal

FOLDER = "checkpoints"
#: Seconds between two checkpoints of a trial.
EVERY = 30.0
#: Seconds after which what a killed process was still writing is taken for left behind.
_LEFT_BEHIND = 600.0


class Checkpoint:
    """One trial's file; without a ``path``, or where its folder is not, nothing is kept.

    ``identity`` holds all that the numbers to come depend on: what was written under another is
    left alone. ``notes`` gathers what a person should know.
    """

    def __init__(self, path: str, identity: dict[str, Any], every: float = EVERY) -> None:
        self.path = Path(path) if path and Path(path).parent.is_dir() else None
        self.identity = identity
        self.every = every
        self.notes: list[str] = []
        self._written = time.monotonic()

    @property
    def is_due(self) -> bool:
        return self.path is not None and time.monotonic() - self._written >= self.every

    def write(self, state: dict[str, Any]) -> None:
        """Keep ``state``, tensors and plain values; a disk that refuses is noted."""
        if self.path is None:
            return
        content = seal({"identity": self.identity, "state": state})
        try:
            write_whole(self.path, content)
        except StoreError as error:
            self.notes.append(f"no checkpoint: {error}")
        self._written = time.monotonic()

    def read(self) -> dict[str, Any] | None:
        """The state that was kept; None, and a note, where it is damaged or of something else."""
        if self.path is None or not self.path.exists():
            return None
        try:
            found = unseal(self.path.read_bytes())
            if found["identity"] != self.identity:
                raise ValueError(f"it was written by {_difference(found, self.identity)}")
            state: dict[str, Any] = found["state"]
        except Exception as error:  # a broken file can raise anything at all
            self.refuse(str(error) or type(error).__name__)
            return None
        return state

    def refuse(self, why: str) -> None:
        """Note that what was kept is of no use."""
        self.notes.append(f"its checkpoint is not used, {why}: it starts again")


def checkpoint_path(folder: Path, key: str) -> Path:
    return folder.absolute() / FOLDER / f"{key}.pt"


def make_checkpoint_folder(folder: Path, finished: set[str]) -> None:
    """Make the folder that checkpoints of the sweep in ``folder`` go to, without those of trials
    that are ``finished`` and what killed processes left half written. It is only a help: a disk
    that refuses is let be."""
    with suppress(OSError):
        (folder / FOLDER).mkdir(exist_ok=True)
        for file in (folder / FOLDER).iterdir():
            half = file.name.startswith(".")
            if file.stem in finished or (half and _age(file) > _LEFT_BEHIND):
                file.unlink(missing_ok=True)


def discard(folder: Path, key: str) -> None:
    """Remove a trial's checkpoint, if there is one."""
    with suppress(OSError):
        checkpoint_path(folder, key).unlink(missing_ok=True)


def remove_empty_folder(folder: Path) -> None:
    with suppress(OSError):
        (folder / FOLDER).rmdir()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """SHA-256 over the code that networks are built and trained with."""
    package = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for folder in ("specs", "blocks", "builder", "training"):
        for file in sorted((package / folder).rglob("*.py")):
            digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime


def _difference(found: dict[str, Any], identity: dict[str, Any]) -> str:
    theirs = found["identity"]
    names = [name for name in {**theirs, **identity} if theirs.get(name) != identity.get(name)]
    return f"another {' and '.join(names)}"
