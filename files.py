"""Atomic writes, and locks on folders."""

from __future__ import annotations

import logging
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from .errors import StoreError

try:
    import fcntl
except ImportError:  # not a system of the POSIX family
    fcntl = None  # type: ignore[assignment]

_LOGGER = logging.getLogger(__name__)
_LOCK = ".lock"
_TEMPORARY = re.compile(r"\.resforge-[0-9a-f]{32}\.tmp")
#: Seconds after which a temporary file is taken to be left over, where files cannot be locked.
_LEFT_OVER = 3600.0


def write_whole(path: Path, content: str | bytes | memoryview) -> None:
    """Write ``content`` to ``path`` atomically: a reader sees the old file or the new one.

    The first write of a process into a folder removes the temporary files that killed processes
    left there. Raises :class:`~resforge.errors.StoreError` if the file cannot be written.
    """
    if isinstance(content, str):
        # A traceback can hold file names that cannot be encoded in UTF-8.
        content = content.encode(errors="backslashreplace")
    _remove_left_over_once(path.absolute().parent)
    try:
        _replace(path, content)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}): free space or make the folder"
            " writable, then run the same command"
        ) from error
    _LOGGER.debug("wrote %s: %d bytes", path.absolute(), len(content))


def _replace(path: Path, content: bytes | memoryview, attempts: int = 3) -> None:
    # In the same folder, because a rename cannot cross file systems. The name is random, because
    # processes in two containers can have the same number.
    temporary = path.with_name(f".resforge-{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            _lock(file)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except FileNotFoundError:
        # Another process may take the file for left over before it is locked, and after.
        if attempts == 1:
            raise
        _replace(path, content, attempts - 1)
    finally:
        # In a read-only folder this fails too; an error has been raised already.
        with suppress(OSError):
            temporary.unlink()


def remove_left_over(folder: Path) -> None:
    """Remove the temporary files in ``folder`` that killed processes left there.

    A process locks its temporary file while it writes, and its end releases the lock: a file that
    can be locked has no writer. Where files cannot be locked, files of the last hour stay. Errors
    of the disk are ignored.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                with suppress(OSError):
                    _remove_unless_written(Path(entry.path))


@lru_cache(maxsize=256)
def _remove_left_over_once(folder: Path) -> None:
    """:func:`remove_left_over`, once for each folder: listing a large one takes time."""
    remove_left_over(folder)


def _remove_unless_written(temporary: Path) -> None:
    # For appending, which changes nothing; network drives lock only files that are open to write.
    with temporary.open("ab") as file:
        locked = _lock(file)
        if locked is None:
            locked = time.time() - os.fstat(file.fileno()).st_mtime > _LEFT_OVER
    if locked:
        temporary.unlink()


def _lock(file: IO[Any]) -> bool | None:
    """Lock an open file without waiting: whether it is locked now, None where that is impossible.

    Closing the file releases the lock.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None  # some network drives have no locks
    return True


def is_same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two paths name one file or folder that exists, also through links.

    They may be any text.
    """
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


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

    The end of the process releases the lock. Temporary files that killed processes left in the
    folder are removed. Raises :class:`~resforge.errors.StoreError` if another
    process holds it; ``doing`` describes the work for the message ("writing networks into"). On
    systems and disks without locks, nothing is locked.
    """
    make_folder(folder)
    try:
        file = (folder / _LOCK).open("w")
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written ({error.strerror}): choose another --out"
        ) from None
    with file:
        if _lock(file) is False:
            message = (
                f"{folder}: another process is {doing} it: wait for it, or choose another --out"
            )
            raise StoreError(message)
        remove_left_over(folder)
        yield
