"""The process that workers are forked from: torch is imported once, and its memory is shared."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, SpawnContext

from . import origin
from .device import may_have_accelerator
from .stop import SIGNALS


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
    context.set_forkserver_preload([origin.__name__])
    with signals_blocked(), _marked():
        forkserver.ensure_running()
    return context


@contextmanager
def started_early(device: str) -> Iterator[None]:
    """Have the process to fork from do its imports while a command is still read and a sweep
    planned: each takes a second or more. That process ends with the context."""
    if not forks("cpu" if device == "auto" and not may_have_accelerator() else device):
        yield
        return
    before = _pid()
    try:
        # What prevents its start is said where a worker is wanted.
        with suppress(OSError):
            context_of("cpu")
        yield
    finally:
        started = _pid()
        if started is not None and started != before:
            # It may have ended, and be gone where the caller ignores its children.
            with suppress(ProcessLookupError):
                os.kill(started, signal.SIGKILL)


def _pid() -> int | None:
    """The process to fork from, where one was started."""
    # Python has no public name for it.
    pid: int | None = getattr(forkserver, "_forkserver")._forkserver_pid  # noqa: B009
    return pid


@contextmanager
def _marked() -> Iterator[None]:
    """The environment by which the process to fork from knows itself."""
    os.environ[origin.VARIABLE] = "1"
    try:
        yield
    finally:
        del os.environ[origin.VARIABLE]


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block signals to the process group while a child starts.

    The child inherits the blocked mask until it has its own handlers, and so do its own children.
    """
    # Started by the first child, the tracker would unblock the signals again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
