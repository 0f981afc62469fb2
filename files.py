"""Writing files so that a reader never sees half of one, and one process at a time."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import StoreError

_LOCK = ".lock"


def write_whole(path: Path, content: str | bytes | memoryview) -> None:
    """Write ``content`` to ``path``: the old file stays until the new one is safely on disk.

    Raises :class:`~resforge.errors.StoreError` where the disk refuses.
    """
    # In the same folder, since a rename cannot cross file systems; a name of
    # its own, since processes of two containers can have one number.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    if isinstance(content, str):
        # A traceback can hold what UTF-8 cannot: file names of another encoding.
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
        # Where nothing may be written, nothing may be removed either: that is told above.
        with suppress(OSError):
            temporary.unlink()


def make_folder(path: Path) -> None:
    """Make a folder and its parents. Raises ``StoreError`` where that is refused."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made ({error.strerror}): choose another --out"
        ) from error


@contextmanager
def locked(folder: Path, doing: str) -> Iterator[None]:
    """Nobody else holds ``folder``, which is made, inside; a process that ends lets go of it.

    Raises ``StoreError`` where another does, who is said to be ``doing`` it. Where the system or
    the disk knows no locks, nothing is locked.
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
