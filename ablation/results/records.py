"""All that a store knows of its present plan, as plain data, for tables and reports."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ...errors import SpecError, StoreError, printable
from ...planner.plan import Plan, plan
from ...specs.network import ResNetSpec
from ...training.data import DATA
from ..planning.declared import Declared, Pair, pairs_of, untold
from ..planning.published import PublishedTable
from .outcome import Outcome
from .schema import disk_errors
from .store import Store


@dataclass(frozen=True)
class ArmRecord:
    """An arm as it was planned."""

    name: str
    labels: tuple[tuple[str, str], ...]
    digest: str
    params: int
    macs: int
    depth: int
    spec: str = ""
    """As JSON."""


@dataclass(frozen=True)
class TrialRecord:
    """A finished trial; ``recorded`` is when, in UTC."""

    key: str
    seed: int
    outcome: Outcome
    recorded: datetime


@dataclass(frozen=True)
class RunRecord:
    """One run: when it began, in UTC, and its manifest: versions, hardware, commit, engine."""

    started: datetime
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Records:
    """A sweep's plan and what is recorded of it.

    ``trials`` holds each arm's finished trials by the arm's name, in the order of the seeds.
    """

    sweep: dict[str, Any]
    """The sweep as a tree, every default written out."""
    text: str
    """The sweep file as it was."""
    fingerprint: str
    arms: tuple[ArmRecord, ...]
    trials: dict[str, tuple[TrialRecord, ...]]
    total: int
    """Trials the plan has; arms that mean the same network share theirs."""
    finished: int
    runs: tuple[RunRecord, ...] = ()
    """The runs that trained something, in the order in which they began."""
    images: tuple[int, int, int, int] | None = None
    """Channels, height, width and number of classes of the data, whose files may be gone; stores of
    before format 3 do not say."""

    @property
    def title(self) -> str:
        return printable(self.sweep["name"]) or "sweep"

    @property
    def num_classes(self) -> int:
        """Of the data: guessing misses ``1 - 1 / num_classes``."""
        return self._images[3]

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the data's images."""
        return self._images[1:3]

    @cached_property
    def _images(self) -> tuple[int, int, int, int]:
        if self.images is not None:
            return self.images
        data = DATA.validate_python(self.sweep["data"])
        return (*data.input_shape, data.num_classes)

    @cached_property
    def plans(self) -> dict[str, Plan]:
        """Each network's plan by its digest; those whose spec is not legal (any more) left out.

        A store from another version of the language can hold such specs.
        """
        specs = {arm.digest: arm.spec for arm in self.arms}
        found = {}
        for digest, spec in specs.items():
            with suppress(SpecError, ValueError, TypeError):
                found[digest] = plan(ResNetSpec(**json.loads(spec)), self.input_size)
        return found

    @property
    def tested(self) -> str:
        """After which step test errors are told."""
        # Stores from before there was such a key hold the last step's.
        best = self.sweep["recipe"].get("select") == "best"
        return "the step with the lowest validation error" if best else "the last step"

    @property
    def published(self) -> tuple[PublishedTable, ...]:
        """What papers print for some of the arms."""
        # Stores from before there was such a key have none.
        return tuple(PublishedTable(**table) for table in self.sweep.get("published", ()))

    @property
    def pairs(self) -> list[Pair]:
        """The pairs of arms that are compared."""
        return pairs_of(self._declared, {arm.name: dict(arm.labels) for arm in self.arms})

    @property
    def untold(self) -> str:
        """Why there are no such pairs though nothing was declared; else empty."""
        return untold(self._declared, {arm.name: dict(arm.labels) for arm in self.arms})

    @property
    def _declared(self) -> list[Declared] | None:
        # Stores from before there was such a key declare none.
        declared = self.sweep.get("comparisons")
        return None if declared is None else [Declared(**item) for item in declared]

    @property
    def all_trials(self) -> list[TrialRecord]:
        """Every finished trial once."""
        return list({t.key: t for trials in self.trials.values() for t in trials}.values())


def read_records(folder: str | os.PathLike[str]) -> Records:
    """What the store in ``folder`` holds of its present plan.

    Raises :class:`~resforge.errors.StoreError` where there is no store, or not one that
    can be read.
    """
    with Store(folder) as store, disk_errors(store.path):
        # One transaction, so that a driver at work cannot change things between the queries.
        store.database.execute("BEGIN")
        meta = dict(store.database.execute("SELECT name, value FROM meta").fetchall())
        arms = [
            ArmRecord(name, tuple(map(tuple, json.loads(labels))), *rest)
            for name, labels, *rest in store.database.execute(
                "SELECT name, labels, digest, params, macs, depth, spec FROM arms ORDER BY position"
            )
        ]
        by_digest: dict[str, list[TrialRecord]] = {}
        for digest, *row in store.database.execute(
            "SELECT digest, key, seed, outcome, recorded FROM trials JOIN results USING (key)"
            " WHERE rank NOT NULL ORDER BY rank"
        ):
            by_digest.setdefault(digest, []).append(_trial(*row))
        runs = [
            RunRecord(datetime.fromisoformat(started), json.loads(manifest))
            for started, manifest in store.database.execute(
                "SELECT started, manifest FROM runs ORDER BY started, rowid"
            )
        ]
        counts = store.counts()
        store.database.execute("COMMIT")
    if "sweep" not in meta:
        raise StoreError(f"{store.path}: nothing was planned here yet: run the sweep first")
    return Records(
        sweep=json.loads(meta["sweep"]),
        text=meta["text"],
        fingerprint=meta["fingerprint"],
        arms=tuple(arms),
        trials={arm.name: tuple(by_digest.get(arm.digest, ())) for arm in arms},
        total=sum(counts.values()),
        finished=counts["finished"],
        runs=tuple(runs),
        images=tuple(json.loads(meta["images"])) if "images" in meta else None,
    )


def _trial(key: str, seed: int, outcome: str, recorded: str) -> TrialRecord:
    try:
        ended = Outcome.from_json(outcome)
        if ended.status == "done" and not (ended.train_curve and ended.test_curve):
            raise ValueError("no curves")
        return TrialRecord(key, seed, ended, datetime.fromisoformat(recorded))
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"the record of trial {key} is damaged ({error}): choose another --out"
        ) from error
