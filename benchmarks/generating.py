"""Drawing networks of a space: by planning alone, against building each and counting it; and in
several processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import islice

import resforge as rf
import torch
from resforge.generation import Architecture, load_space
from torch.utils.flop_counter import FlopCounterMode

from .rows import AnyRow, Figure
from .turns import Row, compare, figure_of

#: Of the shipped spaces those whose networks take least and most time, and two between them.
SPACES = ("cifar_resnets", "regnet_x", "anynet_x_e", "anynet_x_a")
#: Networks of a turn: of ours, and of theirs, which take a thousand times as long.
OURS, THEIRS = 500, 2
#: Networks before the clock starts, and of each of some runs in several processes, which draw a few
#: hundred ahead.
WARM, LONG, RUNS = 1000, 5000, 5


def run(pairs: int) -> Iterator[AnyRow]:
    """A network each: legal, within the bounds of its space, and no two the same."""
    for name in SPACES:
        sample = load_space(name).sample(seed=0)
        known = list(islice(sample, 50))

        def draw(sample: Iterator[Architecture] = sample) -> None:
            for _ in islice(sample, OURS):
                pass

        def build_and_count(known: list[Architecture] = known, name: str = name) -> None:
            side = load_space(name).pictures
            for found in known[:THEIRS]:
                model = rf.build(found.spec, device="meta").eval()
                with FlopCounterMode(display=False) as counter, torch.no_grad():
                    model(torch.empty(1, 3, side, side, device="meta"))
                params = sum(parameter.numel() for parameter in model.parameters())
                assert (params, counter.get_total_flops()) == (found.params, 2 * found.macs)

        row = compare(f"draw from {name}", "build and count, on meta", draw, build_and_count, pairs)
        yield _each(row)
    for workers in sorted({1, os.cpu_count() or 1}):
        for name in SPACES:
            yield _rate(name, workers)
    for name in SPACES:
        yield _rate(name, 1, specs=True)


def _rate(name: str, workers: int, specs: bool = False) -> Figure:
    """Networks a second, once the processes have started; ``specs``: each is asked for its spec,
    which is made then."""
    sample = load_space(name).sample(seed=0, workers=workers)
    for _ in islice(sample, WARM):
        pass
    rates = []
    for _ in range(RUNS):
        start = time.perf_counter()
        for found in islice(sample, LONG):
            if specs:
                assert found.spec
        rates.append(LONG / (time.perf_counter() - start))
    several = f"{workers} process{'es' * (workers > 1)}"
    what = f"draw from {name}{', and make specs' * specs}, {several}"
    return figure_of(what, rates, "networks a second")


def _each(row: Row) -> Row:
    """The row for one network instead of a turn's."""
    ours, theirs = row.ours_ms / OURS, row.theirs_ms / THEIRS
    scale = OURS / THEIRS
    return row._replace(
        ours_ms=ours,
        theirs_ms=theirs,
        ratio=row.ratio * scale,
        least=row.least * scale,
        most=row.most * scale,
    )
