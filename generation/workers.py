"""Work on numbers in order, shared among processes."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from typing import Any, Generic, NamedTuple, TypeVar

from ..errors import Fault, ResforgeError, SpecError
from ..specs.held import FAMILIES
from ..specs.registry import Kinds

T = TypeVar("T")


class _Found(NamedTuple):
    """The results for a run of numbers, and the error that ended it early."""

    results: list[Any]
    error: Exception | None = None


class Shared(Generic[T]):
    """What the work gives for each of ``numbers``, in their order, made in several processes.

    ``make`` makes the work in each process and can be pickled, as its results can; the work gives
    those of some numbers in turn. Every process takes each ``workers``-th run of ``together``
    numbers and is some results ahead at most. The first error of the work is raised in its place; a
    process that died is reported as a :class:`ResforgeError`. The processes end with the iteration.
    """

    def __init__(
        self,
        make: Callable[[], Callable[[range], Iterator[T]]],
        numbers: range,
        workers: int,
        together: int = 16,
    ) -> None:
        self._numbers, self._workers, self._together = numbers, workers, together
        self._make = _pickled(make)

    def __iter__(self) -> Iterator[T]:
        context = multiprocessing.get_context("spawn")
        helpers: list[tuple[Any, Connection[Any, Any]]] = []
        try:
            for slot in range(self._workers):
                here, there = context.Pipe(duplex=False)
                runs = self._numbers, self._together, slot, self._workers
                process = context.Process(
                    target=_work,
                    args=(there, self._make, *runs),
                    name="resforge-draws",
                    daemon=True,
                )
                process.start()
                there.close()  # the process has the only open end, which closes when it dies
                helpers.append((process, here))
            for turn in count():
                found = _received(*helpers[turn % self._workers])
                yield from found.results
                if found.error is not None:
                    raise found.error
                if len(found.results) < self._together:
                    return
        finally:
            for process, connection in helpers:
                connection.close()
                process.kill()
                process.join()


def _pickled(make: Callable[[], Any]) -> bytes:
    families = [found for kinds in FAMILIES.values() if isinstance(found := kinds(), Kinds)]
    if names := [model.__name__ for kinds in families for model, _ in kinds.registered]:
        message = f"other processes do not know the registered {names[0]}"
        raise SpecError(Fault("workers", message, "workers", "use workers=1"))
    try:
        return pickle.dumps(make)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        message = f"the space cannot be sent to other processes ({error})"
        help_ = "measure with functions of a module, or use workers=1"
        raise SpecError(Fault("workers", message, "workers", help_)) from None


def _received(process: Any, connection: Connection[Any, Any]) -> _Found:
    """The next results of a process."""
    try:
        found: _Found = connection.recv()
    except (EOFError, OSError):
        process.join()
        message = f"a process that drew networks ended with exit code {process.exitcode}"
        help_ = "use fewer workers if memory is short; a script needs `if __name__ == '__main__':`"
        raise ResforgeError(f"{message}: {help_}") from None
    return found


def _work(
    connection: Connection[Any, Any],
    make: bytes,
    numbers: range,
    together: int,
    slot: int,
    workers: int,
) -> None:
    """Send the results for every ``workers``-th run of numbers, the last of which is short."""
    # Ctrl-C reaches every process of a terminal, but only the first handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):  # nobody reads any more
        work = pickle.loads(make)()
        for turn in count(slot, workers):
            found = _run(work, numbers[turn * together : (turn + 1) * together])
            connection.send(found)
            if len(found.results) < together:
                return


def _run(work: Callable[[range], Iterator[Any]], numbers: range) -> _Found:
    results: list[Any] = []
    try:
        for result in work(numbers):
            results.append(result)
    except Exception as error:
        return _Found(results, _sendable(error))
    return _Found(results)


def _sendable(error: Exception) -> Exception:
    """The error itself, or its text where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return ResforgeError(f"{type(error).__name__}: {error}")
    return error
