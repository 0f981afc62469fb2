"""What goes wrong with files of pictures, as errors that name file and mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import Fault, SpecError


class FileError(Exception):
    """Why a file is not what its name says."""


def path_fault(message: str, help: str | None = None) -> SpecError:
    """The error of what ``path`` names."""
    return SpecError(Fault("data", message, "path", help))


@contextmanager
def told_of(file: Path, name: str, mend: str) -> Iterator[None]:
    """What is wrong with ``file`` of the data set ``name``, as an error at ``path``."""
    try:
        yield
    except OSError as error:
        raise path_fault(f"{file} cannot be read ({error.strerror or error})") from None
    except FileError as error:
        raise path_fault(f"{file} is not of {name}: {error}", mend) from None
