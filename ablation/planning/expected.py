"""How long the rest of a sweep takes, from what its recorded trials took."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...training.data import DATA
from ..results.records import Records, read_records
from ..results.store import STORE_NAME
from .plan import trial_key

if TYPE_CHECKING:
    from ...training.data import DataSpec
    from .arms import Arm
    from .sweep import Sweep


@dataclass(frozen=True, slots=True)
class Expected:
    """What trials that are not recorded yet will take, if they go like those that are.

    ``seconds`` is the time of one worker, all trials one after another.
    """

    recorded: int
    missing: int
    seconds: float | None
    """None where no trial with the same recipe and data came to its end there."""
    scaled: int
    """Of the missing trials, those of networks without a trial of their own: theirs is the time
    of the recorded network that is nearest in cost, times the share of their MACs."""


def expect(sweep: Sweep, arms: Iterable[Arm], folder: str | os.PathLike[str]) -> Expected:
    """What a sweep's folder says of the trials that are missing there.

    Nothing is read but the store. Raises :class:`~resforge.errors.StoreError` where it
    cannot be; a folder without one has no trials.
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
    """Whether a trial recorded there is one of the sweep's recipe and data.

    The recipe is told by the keys of trials: a tree that an earlier version wrote has other
    fields. Of the data, whose images are not read here, the place may be another one too.
    """
    try:
        data = DATA.validate_python(records.sweep["data"])
    except ValueError:
        return False
    recipe, images = sweep.recipe.identity(), records.fingerprint
    return _but_its_folder(data) == _but_its_folder(sweep.data) and any(
        trial.key == trial_key(arm.digest, recipe, trial.seed, images)
        for arm in records.arms
        for trial in records.trials[arm.name]
    )


def _but_its_folder(data: DataSpec) -> dict[str, Any]:
    tree = data.model_dump()
    return tree | {"path": Path(tree["path"]).name} if "path" in tree else tree


def _times(records: Records) -> dict[str, tuple[int, float]]:
    """MACs and mean seconds of each network that was trained to the end."""
    found = {}
    for arm in records.arms:
        done = [t.outcome.seconds for t in records.trials[arm.name] if t.outcome.status == "done"]
        if done:
            found[arm.digest] = (arm.macs, math.fsum(done) / len(done))
    return found


def _seconds(digest: str, macs: int, times: dict[str, tuple[int, float]]) -> float:
    if digest in times:
        return times[digest][1]
    near, seconds = min(times.values(), key=lambda found: abs(math.log(macs / found[0])))
    return seconds * macs / near
