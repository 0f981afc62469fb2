"""Handlers for Ctrl-C and SIGTERM: the first stops in order, the second at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Signals that only the driver handles."""


class StopSignals:
    """Context in which the first signal sets ``requested`` and the second raises KeyboardInterrupt.

    Outside the main thread, where Python allows no handlers, it has no effect.
    """

    def __init__(self) -> None:
        self.requested = False
        self._shielded = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Context that a second signal ends, without skipping the code after it."""
        try:
            yield
        except KeyboardInterrupt:
            self.requested = True

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Context of what is to be done at any end: a second signal does not cut it short."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and not self._shielded:
            raise KeyboardInterrupt
        self.requested = True
