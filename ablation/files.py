"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from ..specs.errors import StoreError


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to ``path``: the old file stays until the new one is safely on disk.

    Raises :class:`~resforge.specs.errors.StoreError` where the disk refuses.
    """
    # In the same folder, since a rename cannot cross file systems; a name of
    # its own, since processes of two containers can have one number.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        # A traceback can hold what UTF-8 cannot: file names of another encoding.
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}): free space, then run the same command"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and its parents. Raises ``StoreError`` where that is refused."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made ({error.strerror}): choose another --out"
        ) from error
