"""Atomic writes, and locks on folders."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import StoreError

_LOCK = ".lock"


def write_whole(path: Path, content: str | bytes | memoryview) -> None:
    """Write ``content`` to ``path`` atomically: a reader sees the old file or the new one.

    Raises :class:`~resforge.errors.StoreError` if the file cannot be written.
    """
    # In the same folder, because a rename cannot cross file systems. The name is random, because
    # processes in two containers can have the same number.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    if isinstance(content, str):
        # A traceback can hold file names that cannot be encoded in UTF-8.
        content = content.encode(errors="backslashreplace")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}): free space or make the folder"
            " writable, then run the same command"
        ) from error
    finally:
        # In a read-only folder this fails too; the error above has been raised already.
        with suppress(OSError):
            temporary.unlink()


def make_folder(path: Path) -> None:
    """Make a folder and its parents. Raises :class:`~resforge.errors.StoreError` if it cannot."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made ({error.strerror}): choose another --out"
        ) from error


@contextmanager
def locked(folder: Path, doing: str) -> Iterator[None]:
    """Hold an exclusive lock on ``folder``, which is made if needed.

    The end of the process releases the lock. Raises :class:`~resforge.errors.StoreError` if another
    process holds it; ``doing`` describes the work for the message ("writing networks into"). On
    systems and disks without locks, nothing is locked.
    """
    make_folder(folder)
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        file = (folder / _LOCK).open("w")
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written ({error.strerror}): choose another --out"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                f"{folder}: another process is {doing} it: wait for it, or choose another --out"
            )
            raise StoreError(message) from None
        except OSError:
            pass  # some network drives have none
        yield
