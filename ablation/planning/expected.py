"""Expected time of the rest of a sweep, from the times of its recorded trials."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...training.data import DATA, DataSpec
from ...training.recipe import Recipe
from ..results import STORE_NAME
from ..results.records import Records, read_records
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
    wanted = {arm.identity: arm for arm in arms}
    total = len(wanted) * len(sweep.seeds)
    records = read_records(folder) if (Path(folder) / STORE_NAME).exists() else None
    if records is None or not same_data(sweep, records):
        return Expected(0, total, None, 0)
    known = _Known(sweep, records)
    missing = [
        arm
        for arm in wanted.values()
        for seed in sweep.seeds
        if known.key(arm.digest, arm.recipe, seed) not in known.trials
    ]
    seconds = [known.seconds(arm) for arm in missing]
    if any(time is None for time in seconds):
        return Expected(total - len(missing), len(missing), None, 0)
    scaled = sum(not known.own(arm) for arm in missing)
    times = math.fsum(time for time in seconds if time is not None)
    return Expected(total - len(missing), len(missing), times, scaled)


class _Known:
    """Times of the recorded trials, whose recipes are recognised by the trials' keys."""

    def __init__(self, sweep: Sweep, records: Records) -> None:
        self.sweep = sweep
        self.fingerprint = records.fingerprint
        self.trials = {trial.key: trial.outcome for trial in records.all_trials}
        self.seeds = {*sweep.seeds, *(trial.seed for trial in records.all_trials)}
        #: MACs and times of the recorded networks that were trained by the sweep's recipe.
        self.networks = [
            (arm.macs, math.fsum(times) / len(times))
            for arm in records.arms
            if (times := self._times(arm.network, sweep.recipe))
        ]

    def key(self, digest: str, recipe: Recipe, seed: int) -> str:
        return trial_key(digest, recipe.identity(), seed, self.fingerprint)

    def own(self, arm: Arm) -> list[float]:
        """Times of the arm's own trials."""
        return self._times(arm.digest, arm.recipe)

    def seconds(self, arm: Arm) -> float | None:
        """Expected time of a trial; None where no recorded trial gives one."""
        if own := self.own(arm):
            return math.fsum(own) / len(own)
        if not self.networks:
            return None
        near, time = min(self.networks, key=lambda found: abs(math.log(arm.macs / found[0])))
        usual = self.sweep.recipe
        images = arm.recipe.steps * arm.recipe.batch_size / (usual.steps * usual.batch_size)
        return time * arm.macs / near * images

    def _times(self, digest: str, recipe: Recipe) -> list[float]:
        outcomes = (self.trials.get(self.key(digest, recipe, seed)) for seed in self.seeds)
        return [found.seconds for found in outcomes if found and found.status == "done"]


def same_data(sweep: Sweep, records: Records) -> bool:
    """Whether the data are the same, compared without their images and without their folder."""
    try:
        data = DATA.validate_python(records.sweep["data"])
    except ValueError:
        return False
    return _without_folder(data) == _without_folder(sweep.data)


def _without_folder(data: DataSpec) -> dict[str, Any]:
    tree = data.model_dump()
    return tree | {"path": Path(tree["path"]).name} if "path" in tree else tree
