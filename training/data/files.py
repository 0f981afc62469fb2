"""Errors about the files of a data set, with the file and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import Fault, SpecError
from ...npz import ArrayFileError


class FileError(ArrayFileError):
    """Reason why a file does not hold the data it should."""


def path_fault(message: str, help: str | None = None) -> SpecError:
    """An error at the field ``path``."""
    return SpecError(Fault("data", message, "path", help))


@contextmanager
def errors_at_path(file: Path, name: str, help: str) -> Iterator[None]:
    """Turn errors about ``file`` of the data set ``name`` into errors at the field ``path``."""
    try:
        yield
    except OSError as error:
        raise path_fault(f"{file} cannot be read ({error.strerror or error})") from None
    except ArrayFileError as error:
        raise path_fault(f"{file} is not a file of {name}: {error}", help) from None
