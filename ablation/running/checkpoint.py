"""Checkpoints: the state of a running trial on disk, from which another process resumes it."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...errors import StoreError
from ...files import remove_left_over, write_whole
from ...training.sealed import seal, unseal

FOLDER = "checkpoints"
#: Seconds between two checkpoints of a trial.
EVERY = 30.0


class Checkpoint:
    """Checkpoint file of one trial.

    Nothing is written if ``path`` is empty or its folder is missing. ``identity`` holds all that
    the results depend on; a checkpoint with another identity is not used. ``notes`` collects
    messages for people.
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
        """Write ``state``, tensors and plain values; a failure to write is noted, not raised."""
        if self.path is None:
            return
        content = seal({"identity": self.identity, "state": state})
        try:
            write_whole(self.path, content)
        except StoreError as error:
            self.notes.append(f"no checkpoint: {error}")
        self._written = time.monotonic()

    def read(self) -> dict[str, Any] | None:
        """The written state; None, with a note, if the file is damaged or has another identity."""
        if self.path is None or not self.path.exists():
            return None
        try:
            state = _state(unseal(self.path.read_bytes()), self.identity)
        except Exception as error:  # a damaged file can raise any exception
            self.refuse(str(error) or type(error).__name__)
            return None
        return state

    def refuse(self, why: str) -> None:
        """Note that the checkpoint cannot be used."""
        self.notes.append(f"its checkpoint is not used, {why}: it starts again")


def checkpoint_path(folder: Path, key: str) -> Path:
    return folder.absolute() / FOLDER / f"{key}.pt"


def make_checkpoint_folder(folder: Path, finished: set[str]) -> None:
    """Make the folder for checkpoints of the sweep in ``folder``.

    Checkpoints of ``finished`` trials and unfinished files of killed processes are removed. Errors
    of the disk are ignored, since checkpoints are optional.
    """
    with suppress(OSError):
        (folder / FOLDER).mkdir(exist_ok=True)
        remove_left_over(folder / FOLDER)
        for file in (folder / FOLDER).iterdir():
            if file.stem in finished:
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
    """SHA-256 over the code that builds and trains networks."""
    package = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for folder in ("specs", "blocks", "builder", "training"):
        for file in sorted((package / folder).rglob("*.py")):
            digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _state(stored: Any, identity: dict[str, Any]) -> dict[str, Any]:
    """The state in the tree of a file. Raises ``ValueError`` for that of something else."""
    match stored:
        case {"identity": dict(other), "state": dict(state)}:
            if other != identity:
                raise ValueError(f"it was written by {_difference(other, identity)}")
            return state
    raise ValueError("it is not that of a trial")


def _difference(other: dict[str, Any], identity: dict[str, Any]) -> str:
    names = [name for name in {**other, **identity} if other.get(name) != identity.get(name)]
    return f"another {' and '.join(names)}"
