"""How much a command says: ``-q`` and ``-v``, which every command takes."""

from __future__ import annotations

import contextlib
import logging
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from enum import IntEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from cyclopts import Group, Parameter

from .._version import __version__
from ..errors import printable


class Level(IntEnum):
    """How much is said beside data and errors."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


_EVERYWHERE = Group("Every command", sort_key=1000)
Quiet = Annotated[
    bool,
    Parameter(
        ["--quiet", "-q"],
        group=_EVERYWHERE,
        negative="",
        show_default=False,
        help="Print only data and errors.",
    ),
]
Verbose = Annotated[
    bool,
    Parameter(
        ["--verbose", "-v"],
        group=_EVERYWHERE,
        negative="",
        show_default=False,
        help="Also print versions, the files that are read, the time since the start, and where "
        "an unexpected error happened.",
    ),
]

#: The logger of the package; its modules log with a child of it.
_LOGGER = logging.getLogger(__name__.partition(".")[0])
_level = Level.NORMAL


def level() -> Level:
    """The level of the command that runs."""
    return _level


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Run a command; what it sets with :func:`set_level` is undone at the end."""
    global _level
    before = _level, _LOGGER.level, _LOGGER.handlers[:], _LOGGER.propagate
    with warnings.catch_warnings():
        try:
            yield
        finally:
            _level, _LOGGER.level, _LOGGER.handlers[:], _LOGGER.propagate = before


def set_level(wanted: Level, say: Callable[[str], None]) -> None:
    """Say as much as ``wanted`` until the command ends, and what is logged through ``say``."""
    global _level
    _level = wanted
    if wanted is Level.QUIET:
        warnings.simplefilter("ignore")
    elif wanted is Level.VERBOSE:
        _LOGGER.setLevel(logging.DEBUG)
        _LOGGER.addHandler(_Said(say))
        _LOGGER.propagate = False
        _LOGGER.debug("%s", ", ".join(_versions()))


def log_end(code: int) -> None:
    """Say with ``-v`` how a command ended."""
    if _level is Level.VERBOSE:
        _LOGGER.debug("exit code %d", code)


class _Said(logging.Handler):
    """Prints records as messages, with the seconds since it was made."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say
        self._start = time.perf_counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        self._say(f"[{time.perf_counter() - self._start:.3f} s] {printable(record.getMessage())}")


def _versions() -> Iterator[str]:
    """Versions that a report of a bug needs, found without importing the packages."""
    yield f"resforge {__version__}"
    yield f"Python {platform.python_version()}"
    for name in ("torch", "pydantic"):
        with contextlib.suppress(PackageNotFoundError):
            yield f"{name} {version(name)}"
