"""Doing something again whenever a file is saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ..errors import ResforgeError, printable
from .exits import explain
from .output import say

#: Seconds between two looks at the file.
INTERVAL = 0.2


def watch(file: str, show: Callable[[], None]) -> NoReturn:
    """Call ``show`` now and after each change of ``file``, until interrupted.

    A file that is bad for the moment, or gone while an editor replaces it, has its faults printed.
    """
    seen: object = None
    while True:
        if (stamp := _stamp(file)) != seen:
            seen = stamp
            try:
                show()
            except (ResforgeError, OSError) as error:
                explain(error)
            say(f"watching {printable(file)}; Ctrl-C ends")
        time.sleep(INTERVAL)


def _stamp(file: str) -> object:
    """What differs once a file was saved; what an editor puts in its place has another inode."""
    try:
        found = Path(file).stat()
    except OSError:
        return "gone"
    return found.st_mtime_ns, found.st_size, found.st_ino
