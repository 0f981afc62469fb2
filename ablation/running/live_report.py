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
#: A writing of so many seconds of a core is followed by a pause of so many times as long: it takes
#: at most a twentieth of one core from the trials.
_SHARE = 20.0


class LiveReport:
    """Writes the report of a folder in a thread of its own, soon after :meth:`changed`.

    A report that cannot be written now is left to the end of the run, which tells why. While the
    last trials are trained, it is written after every change without a pause: what is drawn then is
    not drawn again at the end, when no core has anything else to do.
    """

    def __init__(self, folder: str | os.PathLike[str], pause: float = _PAUSE) -> None:
        self._folder = Path(folder)
        self._pause = pause
        self._changed = threading.Event()
        self._closed = False
        #: Set where nothing is to be waited for: the last trials are trained, or the run has ended.
        self._at_once = threading.Event()
        self._thread: threading.Thread | None = None
        #: Whether a report was written.
        self.written = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def changed(self, ending: bool = False) -> None:
        """A trial was recorded; ``ending`` states that no other trial waits for a core."""
        if ending:
            self._at_once.set()
        else:
            self._at_once.clear()
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="resforge-report", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Stop writing: a report that is being made is given up at its next chart."""
        self._closed = True
        self._at_once.set()
        self._changed.set()

    def close(self) -> None:
        """Stop writing, and wait until nothing is written."""
        self.end()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        from ..reporting.chart import not_needed
        from ..reporting.report import write_report

        not_needed.set(lambda: self._closed)  # in this thread only
        while True:
            self._changed.wait()
            if self._ends_within(_SETTLE):
                return
            self._changed.clear()
            start = time.thread_time()  # of this thread alone, however busy the machine is
            with suppress(Exception):
                write_report(self._folder, running=True)
                self.written = True
            if self._ends_within(max(self._pause, _SHARE * (time.thread_time() - start))):
                return

    def _ends_within(self, seconds: float) -> bool:
        """Wait, unless the last trials are trained; whether the run has ended."""
        self._at_once.wait(seconds)
        return self._closed
