"""The process that workers are forked from: torch is imported once, and its memory is shared."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, SpawnContext

from .worker import BLOCKED

#: Modules that the process imports before it forks. They start no thread, whose locks a child would
#: inherit without the thread; a trial's function of one's own is imported by each worker.
_PRELOADED = ["resforge.ablation.running.trial"]


def forks(device: str) -> bool:
    """Whether workers for a device are forked.

    The state of an accelerator is of no use after a fork, and on macOS neither are some of the
    system's libraries: there each worker is a fresh process.

    >>> forks("cuda")
    False
    """
    return device == "cpu" and sys.platform == "linux"


def context_of(device: str) -> ForkServerContext | SpawnContext:
    """How workers for a device are started; where they are forked, the process to fork from starts
    its imports now, without being waited for."""
    if not forks(device):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # For the whole driver process: its later workers, of other sweeps too, are forked from it.
    context.set_forkserver_preload(_PRELOADED)
    with signals_blocked():
        forkserver.ensure_running()
    return context


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block signals to the process group while a child starts.

    The child inherits the blocked mask until it has its own handlers, and so do its own children.
    """
    # Started by the first child, the tracker would unblock the signals again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
