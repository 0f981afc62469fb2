"""Decoding ahead of the network, on threads: Pillow works without holding the interpreter."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Done = TypeVar("Done")
#: Batches that are being decoded while the network works on one.
AHEAD = 3
#: Threads at most: beside them all that is not Pillow's waits for the interpreter.
MOST = 8


def usable_cores() -> int:
    """The cores that this process may use, and at most :data:`MOST`."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        count = os.cpu_count() or 1
    return min(count, MOST)


def ahead(
    batches: Iterable[list[Job]], work: Callable[[Job], Done], workers: int | None = None
) -> Iterator[list[Done]]:
    """``work`` done on every job, batch by batch and in their order, on ``workers`` threads.

    By default there is one for each core, and at most eight.

    What comes out does not depend on their number; with 0 all is done where it is asked for. What
    ``work`` raises is raised here, at its place.

    >>> list(ahead([[1, 2], [3]], lambda number: number**2, workers=2))
    [[1, 4], [9]]
    """
    workers = usable_cores() if workers is None else workers
    if workers == 0:
        yield from ([work(job) for job in batch] for batch in batches)
        return
    waiting: deque[list[Future[Done]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pictures")
    try:
        for batch in batches:
            waiting.append([pool.submit(work, job) for job in batch])
            if len(waiting) > AHEAD:
                yield [future.result() for future in waiting.popleft()]
        while waiting:
            yield [future.result() for future in waiting.popleft()]
    finally:
        pool.shutdown(cancel_futures=True)
