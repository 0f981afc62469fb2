"""Worker process, which runs the tasks it receives one after another."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from ..kinds import register_again, unpack
from ..stop import SIGNALS
from ..task import RunTask, Watch, resolve, run_task

READY = "ready"
#: Seconds that a worker has to write its checkpoint after its driver has ended.
ORPHAN_SECONDS = 10.0
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def work(
    connection: Connection[Any, Any],
    function: str,
    variables: dict[str, str],
    kinds: bytes,
    listens: bool,
) -> None:
    """Run tasks from ``connection`` until it closes or SIGTERM is received.

    ``function`` is ``module:name`` of a :data:`~resforge.ablation.running.task.RunTask`. It is
    passed by name, so that only workers import torch; ``variables`` become the environment
    before the import. ``kinds`` are registered kinds, as :func:`pack` packs them; it may be empty.
    Where the driver ``listens``, the events of each trial are sent before its end.
    """
    gc.enable()  # the process that it was forked from does without
    os.environ.clear()  # that of the process it was forked from, which may be an older one
    os.environ.update(variables)
    stop = _Stop()
    # Ctrl-C reaches every process of a terminal, but only the driver handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop.request)
    # Blocked until it has its own handlers.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()
    try:
        run = prepare(resolve(function))
        if kinds:
            register_again(unpack(kinds))
        watch = Watch(lambda: stop.requested, connection.send if listens else None)
        connection.send(READY)
        while not stop.requested:
            connection.send(run_task(run, connection.recv(), watch))
    except (EOFError, OSError):
        pass  # the driver has closed its end, or has died


def prepare(run: RunTask) -> RunTask:
    """Prepare this process for tasks: one thread, and a warm-up if the module has one."""
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    warm_up = getattr(import_module(run.__module__), "warm_up", None)
    if warm_up is not None:
        warm_up()
    return run


class _Stop:
    """Flag that a stop is requested."""

    def __init__(self) -> None:
        self.requested = False

    def request(self, *_: object) -> None:
        self.requested = True


def _end_with_parent(stop: _Stop) -> None:
    """End this process after the driver has died, with time for the trial to write a checkpoint."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        stop.request()
        time.sleep(ORPHAN_SECONDS)
        os._exit(1)
