"""Decoding on threads, ahead of the network; Pillow releases the interpreter lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Done = TypeVar("Done")
#: Batches that are decoded while the network works on one.
AHEAD = 3
#: Largest number of threads by default; the interpreter lock is the limit with more.
MOST = 8


def usable_cores() -> int:
    """Number of cores that this process may use, at most :data:`MOST`."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        count = os.cpu_count() or 1
    return min(count, MOST)


def ahead(
    batches: Iterable[list[Job]], work: Callable[[Job], Done], workers: int | None = None
) -> Iterator[list[Done]]:
    """Results of ``work`` on every job, batch by batch and in order, from ``workers`` threads.

    By default there is a thread for each core, at most :data:`MOST`; with 0 the caller's thread
    does the work. The results do not depend on their number. An exception in ``work`` is raised
    in place of its batch.

    >>> list(ahead([[1, 2], [3]], lambda number: number**2, workers=2))
    [[1, 4], [9]]
    """
    workers = usable_cores() if workers is None else workers
    if workers == 0:
        yield from ([work(job) for job in batch] for batch in batches)
        return
    pending: deque[list[Future[Done]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pictures")
    try:
        for batch in batches:
            pending.append([pool.submit(work, job) for job in batch])
            if len(pending) > AHEAD:
                yield [future.result() for future in pending.popleft()]
        while pending:
            yield [future.result() for future in pending.popleft()]
    finally:
        pool.shutdown(cancel_futures=True)
