"""Records: the current plan of a store and its results, as plain data for tables and reports."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from ...errors import ResforgeError, SpecError, StoreError, printable
from ...planner.plan import Plan, plan
from ...specs.network import ResNetSpec
from ...training.cost import Cost
from ...training.data import DATA
from ..contrasts import Contrast, contrasts_of, undeclared_warning
from ..declared import Declared
from ..published import PublishedTable
from ..recipe_paths import written_changes
from .contents import (
    parse_arm,
    parse_images,
    parse_manifest,
    parse_outcome,
    parse_sweep,
    parse_tested,
    parse_time,
)
from .disk import disk_errors, transaction
from .measured import read_measured
from .outcome import Outcome
from .planned import ArmRecord
from .store import Store
from .tables import MANIFESTS, version_of


@dataclass(frozen=True)
class TrialRecord:
    """A finished trial; ``recorded`` is its time in UTC."""

    key: str
    seed: int
    outcome: Outcome
    recorded: datetime


@dataclass(frozen=True)
class RunRecord:
    """One run: its start in UTC, and its manifest of versions, hardware, commit and engine."""

    started: datetime
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Records:
    """The plan of a sweep and its recorded results.

    ``trials`` holds the finished trials of each arm by its name, in the order of the seeds.
    """

    sweep: dict[str, Any]
    """The sweep as a tree, with every default written out."""
    text: str
    """The text of the sweep file."""
    fingerprint: str
    arms: tuple[ArmRecord, ...]
    trials: dict[str, tuple[TrialRecord, ...]]
    total: int
    """Number of trials of the plan; arms of the same network share their trials."""
    finished: int
    runs: tuple[RunRecord, ...] = ()
    """Runs that trained at least one trial, in the order of their start."""
    images: tuple[int, ...] | None = None
    """Channels, height, width and number of classes of the data, whose files may be gone; None in
    stores from before format 3."""
    planned_tests: int | None = None
    """Number of images that are tested on; None in stores of earlier versions."""
    measured: dict[str, Cost] = field(default_factory=dict)
    """Measured cost of the networks, by the digest of the arm."""

    def _repr_html_(self) -> str | None:
        # For notebooks: the beginning of the report, where the libraries that draw it are there.
        from ..reporting.notebook import to_html

        return to_html(self)

    @property
    def title(self) -> str:
        return printable(self.sweep["name"]) or "sweep"

    @property
    def num_classes(self) -> int:
        """Number of classes of the data; the test error of guessing is ``1 - 1 / num_classes``."""
        return self._images[-1]

    @property
    def input_size(self) -> tuple[int, ...]:
        """Height and width of the data's images, or a side for each axis."""
        return self._images[1:-1]

    @cached_property
    def _images(self) -> tuple[int, ...]:
        if self.images is not None:
            return self.images
        data = DATA.validate_python(self.sweep["data"])
        return (*data.input_shape, data.num_classes)

    @cached_property
    def plans(self) -> dict[str, Plan]:
        """Plan of each network by its digest, without those whose spec is no longer legal.

        Stores of other versions of the language can hold such specs.
        """
        specs = {arm.digest: arm.spec for arm in self.arms}
        plans = {}
        for digest, spec in specs.items():
            with suppress(SpecError, ValueError, TypeError, RecursionError):
                plans[digest] = plan(ResNetSpec(**json.loads(spec)), self.input_size)
        return plans

    @property
    def tested(self) -> str:
        """Step whose weights are tested, in words."""
        # Stores from before the key existed hold the errors of the last step.
        best = self.sweep["recipe"].get("select") == "best"
        return "the step with the lowest validation error" if best else "the last step"

    @property
    def guesses(self) -> bool:
        """Whether a diverged seed counts as guessing in comparisons."""
        return bool(self.sweep.get("diverged", "guess") == "guess")

    @property
    def threshold(self) -> float | None:
        """Test error, as a fraction, that trials are to reach."""
        percent = self.sweep.get("threshold")
        return None if percent is None else percent / 100

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of seeds at which comparisons are judged; empty where they are judged once."""
        return tuple(self.sweep.get("looks") or ())

    @cached_property
    def tested_images(self) -> int:
        """Number of test images: a multiple of 8 where only the trials show it, or 1."""
        if self.planned_tests is not None:
            return self.planned_tests
        # The files of the data may be gone.
        with suppress(ResforgeError, ValueError, OSError):
            return int(DATA.validate_python(self.sweep["data"]).tested)
        return max([1, *(4 * len(trial.outcome.correct) for trial in self.all_trials)])

    @property
    def published(self) -> tuple[PublishedTable, ...]:
        """Published results for some of the arms."""
        # Stores from before the key existed have none.
        return tuple(PublishedTable(**table) for table in self.sweep.get("published", ()))

    @property
    def contrasts(self) -> list[Contrast]:
        """Contrasts of arms that are judged."""
        return contrasts_of(self._declared, {arm.name: dict(arm.labels) for arm in self.arms})

    @property
    def undeclared_warning(self) -> str:
        """Reason why the default comparisons are not made; empty where they are."""
        return undeclared_warning(self._declared, {arm.name: dict(arm.labels) for arm in self.arms})

    @property
    def seeds_warning(self) -> str:
        """Warning that the seeds were changed after results were recorded; empty where not."""
        planned = [(run.started, run.manifest.get("seeds")) for run in self.runs]
        first = min((trial.recorded for trial in self.all_trials), default=None)
        seeds = [
            str(text)
            for started, text in planned
            if text and first is not None and (started >= first or text == planned[0][1])
        ]
        changes = list(dict.fromkeys(seeds))
        if len(changes) < 2:
            return ""
        return (
            f"the seeds were changed after results had been recorded ({'; then '.join(changes)}):"
            " chance has had several tries, and the false rate can be twice as large; plan looks"
            " before the first trial, with seeds: {first: 3, most: 12}"
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Reasons to read the comparisons with care."""
        return tuple(filter(None, (self.undeclared_warning, self.seeds_warning)))

    @property
    def _declared(self) -> list[Declared] | None:
        # Stores from before the key existed declare none.
        declared = self.sweep.get("comparisons")
        return None if declared is None else [Declared(**item) for item in declared]

    def recipe_changes(self, arm: ArmRecord) -> dict[str, Any]:
        """Changes of the sweep's recipe by an arm, as paths and values; empty for most arms."""
        return written_changes(self.sweep, arm.labels)

    @property
    def all_trials(self) -> list[TrialRecord]:
        """Every finished trial once."""
        return list({t.key: t for trials in self.trials.values() for t in trials}.values())


def read_records(folder: str | os.PathLike[str]) -> Records:
    """Records of the current plan of the store in ``folder``.

    Raises :class:`~resforge.errors.StoreError` for a missing store and one that cannot be read.
    """
    # One transaction, so that an active driver changes nothing between the queries.
    with Store(folder) as store, disk_errors(store.path), transaction(store.database, write=False):
        meta = dict(store.database.execute("SELECT name, value FROM meta").fetchall())
        if "sweep" not in meta:
            raise StoreError(f"{store.path}: nothing was planned here yet: run the sweep first")
        arms = _arms(store.database)
        by_digest = _trials(store.database)
        counts = store.counts()
        return Records(
            sweep=parse_sweep(meta["sweep"]),
            text=meta["text"],
            fingerprint=meta["fingerprint"],
            arms=arms,
            trials={arm.name: tuple(by_digest.get(arm.digest, ())) for arm in arms},
            total=sum(counts.values()),
            finished=counts["finished"],
            runs=_runs(store.database),
            images=parse_images(meta["images"]) if "images" in meta else None,
            planned_tests=parse_tested(meta["tested"]) if "tested" in meta else None,
            measured=read_measured(folder),
        )


def _arms(database: sqlite3.Connection) -> tuple[ArmRecord, ...]:
    query = "SELECT name, labels, digest, params, macs, depth, spec FROM arms ORDER BY position"
    return tuple(parse_arm(*row) for row in database.execute(query))


def _trials(database: sqlite3.Connection) -> dict[str, list[TrialRecord]]:
    """Finished trials of the plan by the digest of their network."""
    query = (
        "SELECT digest, key, seed, outcome, recorded FROM trials JOIN results USING (key)"
        " WHERE rank NOT NULL ORDER BY rank"
    )
    trials: dict[str, list[TrialRecord]] = {}
    for digest, key, seed, outcome, recorded in database.execute(query):
        time = parse_time(f"trial {key}", recorded)
        trial = TrialRecord(key, seed, parse_outcome(key, outcome), time)
        trials.setdefault(digest, []).append(trial)
    return trials


def _runs(database: sqlite3.Connection) -> tuple[RunRecord, ...]:
    if version_of(database) < MANIFESTS:
        return ()
    query = "SELECT started, manifest FROM runs ORDER BY started, rowid"
    return tuple(
        RunRecord(parse_time("a run", started), parse_manifest(manifest))
        for started, manifest in database.execute(query)
    )
