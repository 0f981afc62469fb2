"""Callbacks hear of every trial, step and evaluation; TensorBoard and pandas take part of it."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
import sweep_trials
from resforge import ResforgeError
from resforge.ablation import (
    Callback,
    Outcome,
    TensorBoard,
    Trial,
    read_records,
    run_sweep,
    to_dataframe,
)

Heard = list[tuple[Any, ...]]


class Ear(Callback):
    """Writes down what it hears, by trial."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, int], Heard] = {}
        self.ended = 0

    def _note(self, trial: Trial, *what: Any) -> None:
        self.heard.setdefault((trial.arm.name, trial.seed), []).append(what)

    def trial_started(self, trial: Trial) -> None:
        self._note(trial, "started")

    def step(self, trial: Trial, step: int, loss: float, error: float) -> None:
        self._note(trial, "step", step, loss, error)

    def evaluated(self, trial: Trial, step: int, error: float, loss: float) -> None:
        self._note(trial, "evaluated", step, error, loss)

    def trial_ended(self, trial: Trial, outcome: Outcome) -> None:
        self._note(trial, "ended", outcome)

    def sweep_ended(self) -> None:
        self.ended += 1


@pytest.mark.parametrize(
    "engine", ["inline", "process", pytest.param("ray", marks=pytest.mark.slow)]
)
def test_every_engine_tells_the_same(
    tmp_path: Path, engine: Literal["inline", "process", "ray"]
) -> None:
    if engine == "ray":
        pytest.importorskip("ray")
    ear = Ear()
    run_sweep(sweep_trials.real(1), tmp_path, 1, engine=engine, callbacks=[ear])
    assert ear.ended == 1
    assert {arm for arm, _ in ear.heard} == {"plain", "A"}
    trials = read_records(tmp_path).trials
    for (arm, _), heard in ear.heard.items():
        (recorded,) = trials[arm]
        kinds = [what[0] for what in heard]
        assert (kinds[0], kinds[-1]) == ("started", "ended")
        steps = [what[1:] for what in heard if what[0] == "step"]
        assert [step for step, *_ in steps] == list(range(1, 9))
        assert all(0 <= error <= 1 and math.isfinite(loss) for _, loss, error in steps)
        # The curve has every step of so short a training.
        assert [(step, loss) for step, loss, _ in steps] == list(recorded.outcome.train_curve)
        told = tuple(what[1:] for what in heard if what[0] == "evaluated")
        assert told == recorded.outcome.test_curve
        assert heard[-1][1] == recorded.outcome
        after = [b[1] for a, b in pairwise(heard) if (a[0], b[0]) == ("step", "evaluated")]
        assert after == [step for step, *_ in told]


def test_who_hears_changes_no_number(tmp_path: Path) -> None:
    for name, callbacks in (("quiet", []), ("heard", [Ear(), Ear()])):
        run_sweep(sweep_trials.real(1), tmp_path / name, 1, engine="inline", callbacks=callbacks)
    quiet, heard = (read_records(tmp_path / name).all_trials for name in ("quiet", "heard"))
    assert [t.outcome.numbers for t in quiet] == [t.outcome.numbers for t in heard]


@pytest.mark.parametrize("engine", ["inline", "process"])
@pytest.mark.parametrize("method", ["trial_started", "step", "evaluated", "trial_ended"])
def test_what_a_callback_raises_ends_the_run_and_loses_nothing(
    tmp_path: Path, engine: Literal["inline", "process"], method: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("mine")

    bad = Ear()
    setattr(bad, method, fail)
    with pytest.raises(RuntimeError, match="mine"):
        run_sweep(sweep_trials.real(1), tmp_path, 1, engine=engine, callbacks=[bad])
    assert bad.ended == 1
    recorded = 1 if method == "trial_ended" else 0
    summary = run_sweep(sweep_trials.real(1), tmp_path, 1, engine=engine)
    assert (summary.statuses, summary.ran) == ({"done": 2}, 2 - recorded)


@pytest.mark.parametrize(
    ("callbacks", "why"),
    [
        (Ear(), "callbacks is a Ear: write a list"),
        ("ear", "callbacks is a str: write a list"),
        ([Ear(), print], r"callbacks\[1\] is a builtin_function_or_method without trial_started"),
        ([Ear], r"callbacks\[0\] is the class Ear: write an instance of it, Ear\(\)"),
    ],
)
def test_what_is_no_callback_is_refused_before_anything_runs(
    tmp_path: Path, callbacks: Any, why: str
) -> None:
    with pytest.raises(ResforgeError, match=why):
        run_sweep(sweep_trials.real(1), tmp_path / "out", 1, callbacks=callbacks)
    assert not (tmp_path / "out").exists()


def test_a_board_has_every_trial(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = TensorBoard(tmp_path)
    run_sweep(sweep_trials.real(1), tmp_path, 1, engine="inline", callbacks=[board])
    for arm in ("plain", "A"):
        events = EventAccumulator(str(tmp_path / "tensorboard" / arm / "seed-0"))
        events.Reload()
        assert {"train/loss", "train/error", "test/error"} <= set(events.Tags()["scalars"])
        assert len(events.Scalars("train/loss")) == 8
        (recorded,) = read_records(tmp_path).trials[arm]
        assert events.Scalars("test/error")[-1].value == pytest.approx(recorded.outcome.test_error)


def test_a_frame_has_numbers(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    run_sweep(sweep_trials.sweep(2), tmp_path, 1, trial="sweep_trials:quick", engine="inline")
    frame = to_dataframe(tmp_path)
    assert len(frame) == 4
    assert frame.test_error.dtype == float
    # A figure that no trial has is a number, too.
    assert frame.latency.dtype == frame.validation_error.dtype == float
    assert frame.latency.isna().all()
    assert list(frame.error) == [""] * 4
    points = to_dataframe(read_records(tmp_path), curves=True)
    assert set(points.images) == {"train", "test"}
    assert points.step.dtype == int
