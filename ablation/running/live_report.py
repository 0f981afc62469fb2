"""The report of a running sweep, written again as trials are recorded."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

#: Least seconds between two writings.
_PAUSE = 5.0
#: Seconds from a change to the writing: trials often end together.
_SETTLE = 1.0
#: A writing of so many seconds is followed by a pause of so many times as long: it takes at most
#: a twentieth of one core from the trials.
_SHARE = 20.0


class LiveReport:
    """Writes the report of a folder in a thread of its own, soon after :meth:`changed`.

    A report that cannot be written now is left to the end of the run, which tells why.
    """

    def __init__(self, folder: str | os.PathLike[str], pause: float = _PAUSE) -> None:
        self._folder = Path(folder)
        self._pause = pause
        self._changed = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        #: Whether a report was written.
        self.written = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def changed(self) -> None:
        """A trial was recorded."""
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="resforge-report", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop writing; a report that is being written is finished."""
        self._closed.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        from ..reporting.report import write_report

        while True:
            self._changed.wait()
            if self._closed.wait(_SETTLE):
                return
            self._changed.clear()
            start = time.monotonic()
            with suppress(Exception):
                write_report(self._folder, running=True)
                self.written = True
            if self._closed.wait(max(self._pause, _SHARE * (time.monotonic() - start))):
                return
