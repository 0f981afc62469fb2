"""Ctrl-C and SIGTERM, which end a command."""

from __future__ import annotations

import signal
from types import FrameType

_came = False


def listen() -> None:
    """Let both end the command; a Ctrl-C that is ignored, as in the background, stays ignored."""
    # Batch systems send SIGTERM.
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def came() -> bool:
    """Whether one of them came: an error after that may be a library's word for it, as pydantic's
    where it makes a validator."""
    return _came


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _came
    _came = True
    raise KeyboardInterrupt
