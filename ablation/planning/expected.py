"""Expected time of the rest of a sweep, from the times of its recorded trials."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...training.data import DATA, DataSpec
from ..results.records import Records, read_records
from ..results.store import STORE_NAME
from .arms import Arm
from .plan import trial_key
from .sweep import Sweep


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected time of the trials that are not recorded yet.

    ``seconds`` is the time that one worker takes for all of them.
    """

    recorded: int
    missing: int
    seconds: float | None
    """None where no trial with the same recipe and data is done."""
    scaled: int
    """Number of missing trials of networks without a recorded trial. Their time is that of the
    recorded network that is nearest in MACs, scaled by the ratio of the MACs."""


def expect(sweep: Sweep, arms: Iterable[Arm], folder: str | os.PathLike[str]) -> Expected:
    """Expected time of the trials of a sweep that are missing in the store in ``folder``.

    Only the store is read; a folder without a store has no trials. Raises
    :class:`~resforge.errors.StoreError` for a store that cannot be read.
    """
    networks = {arm.digest: arm.macs for arm in arms}
    records = read_records(folder) if (Path(folder) / STORE_NAME).exists() else None
    if records is None or not _trained_alike(sweep, records):
        return Expected(0, len(networks) * len(sweep.seeds), None, 0)
    ended = {(arm.digest, trial.seed) for arm in records.arms for trial in records.trials[arm.name]}
    missing = [digest for digest in networks for seed in sweep.seeds if (digest, seed) not in ended]
    recorded = len(networks) * len(sweep.seeds) - len(missing)
    times = _times(records)
    if not times:
        return Expected(recorded, len(missing), None, 0)
    seconds = [_seconds(digest, networks[digest], times) for digest in missing]
    scaled = sum(digest not in times for digest in missing)
    return Expected(recorded, len(missing), math.fsum(seconds), scaled)


def _trained_alike(sweep: Sweep, records: Records) -> bool:
    """Whether a recorded trial has the sweep's recipe and data.

    Recipes are compared by the keys of trials, since trees of earlier versions have other fields.
    Data are compared without their images and without their folder.
    """
    try:
        data = DATA.validate_python(records.sweep["data"])
    except ValueError:
        return False
    recipe, images = sweep.recipe.identity(), records.fingerprint
    return _without_folder(data) == _without_folder(sweep.data) and any(
        trial.key == trial_key(arm.digest, recipe, trial.seed, images)
        for arm in records.arms
        for trial in records.trials[arm.name]
    )


def _without_folder(data: DataSpec) -> dict[str, Any]:
    tree = data.model_dump()
    return tree | {"path": Path(tree["path"]).name} if "path" in tree else tree


def _times(records: Records) -> dict[str, tuple[int, float]]:
    """MACs and mean seconds of each network with a done trial, by its digest."""
    times = {}
    for arm in records.arms:
        done = [t.outcome.seconds for t in records.trials[arm.name] if t.outcome.status == "done"]
        if done:
            times[arm.digest] = (arm.macs, math.fsum(done) / len(done))
    return times


def _seconds(digest: str, macs: int, times: dict[str, tuple[int, float]]) -> float:
    if digest in times:
        return times[digest][1]
    near, seconds = min(times.values(), key=lambda time: abs(math.log(macs / time[0])))
    return seconds * macs / near
