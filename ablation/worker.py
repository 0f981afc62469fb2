"""A worker: a process of its own that runs the trials it is handed, one after another."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from .outcome import Outcome
from .task import Task

READY = "ready"
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def work(connection: Connection[Any, Any], function: str) -> None:
    """Run tasks from ``connection`` until it closes.

    ``function`` is ``module:name`` of a function from ``Task`` to ``Outcome``; it is named, not
    passed, so that only workers pay for importing torch.
    """
    # Ctrl-C reaches every process of a terminal; the driver alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    run = resolve(function)
    warm_up = getattr(import_module(run.__module__), "warm_up", None)
    try:
        if warm_up is not None:
            warm_up()
        connection.send(READY)
        while True:
            connection.send(_run(run, connection.recv()))
    except (EOFError, OSError):
        pass  # the driver has closed its end, or is gone


def resolve(function: str) -> Callable[[Task], Outcome]:
    """The function ``module:name`` names."""
    module, _, name = function.partition(":")
    found: Callable[[Task], Outcome] = getattr(import_module(module), name)
    return found


def _run(run: Callable[[Task], Outcome], task: Task) -> Outcome:
    """What the task came to; an error it raises is an outcome like any other."""
    try:
        return run(task)
    except Exception:
        return Outcome("failed", error=traceback.format_exc())


def _end_with_parent() -> None:
    """End this process as soon as the driver is gone, even in the middle of a trial."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
