"""Measuring the networks of a sweep, one at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ...training.cost import Cost, measure
from ..planning.arms import Arm
from ..results.measured import read_measured, write_measured
from .kinds import Kind, pack, register_again, unpack

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def measure_arms(
    arms: Sequence[Arm],
    shape: tuple[int, ...],
    folder: Path,
    *,
    device: str = "cpu",
    kinds: tuple[Kind, ...] = (),
    note: Callable[[str], None] = lambda text: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Measure each network that was not measured yet, and write its cost into ``folder``.

    ``shape`` is that of the images. Nothing else should run on the machine meanwhile.
    """
    costs = read_measured(folder)
    missing = {arm.identity: arm for arm in arms if arm.identity not in costs}
    for number, (identity, arm) in enumerate(missing.items(), start=1):
        if stopped():
            return
        note(f"measuring {number} of {len(missing)}: {arm.name}")
        cost = measure_apart(arm.spec.to_json(), shape, arm.recipe.model_dump_json(), device, kinds)
        if cost is None:
            note(f"{arm.name} could not be measured: its process ended without a result")
            continue
        costs[identity] = cost
        write_measured(folder, costs)


def measure_apart(
    spec: str,
    shape: tuple[int, ...],
    recipe: str,
    device: str = "cpu",
    kinds: tuple[Kind, ...] = (),
) -> Cost | None:
    """:func:`~resforge.training.cost.measure` in a process of its own; None if that process ends
    without a result, for want of memory for example."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    packed = pack(kinds) if kinds else b""
    process = context.Process(
        target=_measured, args=(theirs, packed, spec, shape, recipe, device), daemon=True
    )
    process.start()
    theirs.close()
    try:
        cost: Cost | None = ours.recv()
    except EOFError:
        cost = None
    process.join()
    ours.close()
    return cost


def _measured(connection: Connection[Any, Any], kinds: bytes, *what: Any) -> None:
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    if kinds:
        register_again(unpack(kinds))
    connection.send(measure(*what))
