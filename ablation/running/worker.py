"""A worker: a process of its own that runs the trials it is handed, one after another."""

from __future__ import annotations

import os
import signal
import threading
import time
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from .task import RunTask, resolve, run_task

READY = "ready"
#: Signals that the driver alone answers, blocked until a worker has its own handlers.
BLOCKED = (signal.SIGINT, signal.SIGTERM)
#: Seconds a worker has to write its checkpoint when its driver is gone.
ORPHAN_SECONDS = 10.0
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def work(connection: Connection[Any, Any], function: str, variables: dict[str, str]) -> None:
    """Run tasks from ``connection`` until it closes, or until SIGTERM says to stop.

    ``function`` is ``module:name`` of a :data:`~resforge.ablation.running.task.RunTask`; it is
    named, not passed, so that only workers pay for importing torch. ``variables`` are set in the
    environment before that.
    """
    os.environ.update(variables)
    stop = _Stop()
    # Ctrl-C reaches every process of a terminal; the driver alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop.request)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)
    threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()
    try:
        run = prepare(resolve(function))
        connection.send(READY)
        while not stop.requested:
            connection.send(run_task(run, connection.recv(), lambda: stop.requested))
    except (EOFError, OSError):
        pass  # the driver has closed its end, or is gone


def prepare(run: RunTask) -> RunTask:
    """Make this process fit for tasks: one thread, and all that the first of them would wait for
    already there."""
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    warm_up = getattr(import_module(run.__module__), "warm_up", None)
    if warm_up is not None:
        warm_up()
    return run


class _Stop:
    """Whether this process has been told to stop."""

    def __init__(self) -> None:
        self.requested = False

    def request(self, *_: object) -> None:
        self.requested = True


def _end_with_parent(stop: _Stop) -> None:
    """End this process soon after the driver is gone: its trial may still write where it is."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        stop.request()
        time.sleep(ORPHAN_SECONDS)
        os._exit(1)
