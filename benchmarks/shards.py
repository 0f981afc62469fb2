"""A space of more than 10^18 points, drawn by 64 shards.

Each shard is what one machine would do, without the others: ``space.sample(start=k, step=64)``.
That the shards have every draw between them, and none twice, is arithmetic (numbers modulo 64) and
is asserted at both ends of the space. Then the cost of telling networks apart: the digests that a
sample keeps, a million of them, against a plain set.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

from resforge.generation import Space, load_space
from resforge.generation.digests import DigestSet
from resforge.generation.shards import Shard

from .rows import AnyRow, Figure
from .turns import compare, figure_of, milliseconds

SPACE, SHARDS = "anynet_x_a", 64
#: Networks that each shard draws: all shards together take about as long as another suite.
EACH = 50
#: Shards that are also drawn in a process of their own, for their memory.
PROCESSES = (0, 31, 63)
MILLION = 1_000_000
ROOT = Path(__file__).parents[1]


def run(pairs: int) -> Iterator[AnyRow]:
    space = load_space(SPACE)
    yield Figure(f"points of {SPACE}", space.size, "")
    assert_complete(space)
    yield from _drawn(space)
    yield from _memory()
    yield from _one_alone(space, pairs)
    yield from _told_apart(pairs)


def assert_complete(space: Space) -> None:
    """The shards divide the draws between them, and the points."""
    for total in (space.draws(seed=0).count, space.size):
        for window in (range(1000), range(total - 1000, total)):
            parts = [Shard(k, SHARDS).numbers(window.start, window.stop) for k in range(SHARDS)]
            assert sorted(n for part in parts for n in part) == [*window]


def _drawn(space: Space) -> Iterator[AnyRow]:
    """The time of each shard, and what they have in common."""
    seconds, numbers, digests = [], [], []
    for start in range(SHARDS):
        begun = time.process_time()
        found = [*islice(space.sample(seed=0, start=start, step=SHARDS), EACH)]
        seconds.append(time.process_time() - begun)
        numbers += [network.number for network in found]
        digests += [network.digest for network in found]
    assert len({*numbers}) == len(numbers)
    rates = [EACH / each for each in seconds]
    yield figure_of("networks of a shard, in a second of CPU", rates, "")
    yield Figure(f"networks of {SHARDS} shards, {EACH} each", len(numbers), "")
    yield Figure("of these, the same as one of another shard", len(numbers) - len({*digests}), "")


MEASURE = """
import sys
from itertools import islice
from pathlib import Path
from resforge.generation import load_space
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
name, start, step, count = sys.argv[1], *map(int, sys.argv[2:])
space = load_space(name)
next(space.sample(seed=0, start=start, step=step))
before = peak()
for _ in islice(space.sample(seed=0, start=start, step=step), count):
    pass
print(peak() / 1e3, (peak() - before) / 1e3)
"""


def _memory() -> Iterator[AnyRow]:
    """Of a process that draws a shard, where the system says it."""
    if not Path("/proc/self/status").exists():
        return
    found = []
    for start in PROCESSES:
        words = [sys.executable, "-c", MEASURE, SPACE, *map(str, (start, SHARDS, 40 * EACH))]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        found.append([float(word) for word in done.stdout.split()])
    whole, grown = zip(*found, strict=True)
    yield figure_of("memory of a process that draws a shard", whole, "MB")
    yield figure_of(f"of it, for {40 * EACH:,} networks after the first", grown, "MB")


def _one_alone(space: Space, pairs: int) -> Iterator[AnyRow]:
    """Draws from anywhere, and the way from a network to its point."""
    draws = space.draws(seed=0)
    places = [draws.count * k // (pairs + 1) for k in range(1, pairs + 1)]
    found = [draws.nth(place) for place in places]
    values = [space.values(network) for network in found]
    assert [space.index_of(each) for each in values] == [network.index for network in found]
    yield _each("nth", [lambda n=n: draws.nth(n) for n in places])  # type: ignore[misc]
    yield _each("at", [lambda f=f: space.at(f.index) for f in found])  # type: ignore[misc]
    yield _each("index_of", [lambda v=v: space.index_of(v) for v in values])  # type: ignore[misc]
    yield _each("find", [lambda f=f: space.find(f.spec) for f in found])  # type: ignore[misc]


def _each(what: str, works: list[Callable[[], object]]) -> Figure:
    return figure_of(f"{what}, anywhere in the space", [milliseconds(w) for w in works], "ms")


def _told_apart(pairs: int) -> Iterator[AnyRow]:
    """Digests of networks, of which there need not be any."""
    digests = [sha256(str(number).encode()).hexdigest() for number in range(MILLION)]

    def ours() -> DigestSet:
        seen = DigestSet()
        assert all(map(seen.add, digests))
        return seen

    def plain() -> set[str]:
        seen = set[str]()
        for digest in digests:
            if digest not in seen:
                seen.add(digest)
        return seen

    turns = max(1, pairs // 3)
    what = f"to tell {MILLION:,} networks apart"
    yield compare(what, "a set of digests", ours, plain, turns)
    yield Figure("memory of it, for each network", ours().nbytes / MILLION, "bytes")
    text = sys.getsizeof(digests[0]) + sys.getsizeof({*digests}) / MILLION
    yield Figure("memory of a set of digests, for each network", text, "bytes")
    yield figure_of("longest pause of one digest", [_longest(digests) for _ in range(turns)], "ms")


def _longest(digests: list[str]) -> float:
    """Where the table grows, every digest in it is moved."""
    gc.collect()
    seen, longest = DigestSet(), 0.0
    last = time.perf_counter()
    for digest in digests:
        seen.add(digest)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return 1e3 * longest
