"""Damaged and foreign checkpoints: a trial starts anew and gives the same bits."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from damage import damaged_bytes
from hypothesis import given, settings
from made_stores import made_sweep
from resforge.ablation import Outcome, plan_sweep, read_records, run_sweep
from resforge.ablation.running.checkpoint import Checkpoint, checkpoint_path
from resforge.ablation.running.task import StoppedError, Task, make_task
from resforge.ablation.running.trial import run_trial
from resforge.training.sealed import seal

seeds = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def unbroken() -> Outcome:
    plan = plan_sweep(made_sweep())
    return run_trial(make_task(plan, plan.trials[0]))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """The checkpoint of the first trial after its first step."""
    folder = tmp_path_factory.mktemp("trial")
    plan = plan_sweep(made_sweep())
    path = checkpoint_path(folder, plan.trials[0].key)
    path.parent.mkdir()
    with pytest.raises(StoppedError):
        run_trial(make_task(plan, plan.trials[0], folder), lambda: True)
    return path, path.read_bytes()


@settings(max_examples=20)
@given(seeds)
def test_a_damaged_checkpoint_changes_no_result(
    checkpoint: tuple[Path, bytes], unbroken: Outcome, seed: int
) -> None:
    path, whole = checkpoint
    path.write_bytes(damaged_bytes(Random(seed), whole))
    intact = path.read_bytes() == whole
    plan = plan_sweep(made_sweep())
    outcome = run_trial(make_task(plan, plan.trials[0], path.parent.parent))
    assert outcome.numbers == unbroken.numbers
    assert intact or "its checkpoint is not used" in outcome.notes[0]


def foreign(identity: dict[str, Any]) -> dict[str, bytes]:
    """Files that were sealed for another purpose, or by another version."""
    return {
        "a list": seal([1, 2]),  # type: ignore[arg-type]
        "no identity": seal({"model": {}, "epoch": 3}),
        "an identity that is none": seal({"identity": 3, "state": {}}),
        "no state": seal({"identity": identity}),
        "a state that is none": seal({"identity": identity, "state": 7}),
        "no training": seal({"identity": identity, "state": {"seconds": 1.0}}),
        "no time": seal({"identity": identity, "state": {"training": {}, "seconds": "long"}}),
    }


@pytest.mark.parametrize("kind", [*foreign({}), "a folder"])
def test_a_foreign_checkpoint_is_named_and_not_used(
    unbroken: Outcome, tmp_path: Path, kind: str
) -> None:
    plan = plan_sweep(made_sweep())
    task = make_task(plan, plan.trials[0], tmp_path)
    path = Path(task.checkpoint)
    path.parent.mkdir()
    if kind == "a folder":
        path.mkdir()
    else:
        path.write_bytes(foreign(identity_of(task))[kind])
    outcome = run_trial(task)
    assert outcome.numbers == unbroken.numbers
    assert "its checkpoint is not used" in outcome.notes[0]
    if kind in ("a list", "no identity", "an identity that is none", "no state"):
        assert "it is not that of a trial" in outcome.notes[0]


def identity_of(task: Task) -> dict[str, Any]:
    """The identity under which ``task`` looks for its checkpoint."""
    found: list[dict[str, Any]] = []

    def keep(self: Checkpoint) -> None:
        found.append(self.identity)
        raise StoppedError

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(StoppedError):
        patch.setattr(Checkpoint, "read", keep)
        run_trial(task)
    return found[0]


def test_a_sweep_among_damaged_checkpoints_gives_the_same_results(
    checkpoint: tuple[Path, bytes], tmp_path: Path
) -> None:
    results = []
    for name in ("clean", "damaged"):
        out = tmp_path / name
        if name == "damaged":
            (out / "checkpoints").mkdir(parents=True)
            for index, trial in enumerate(plan_sweep(made_sweep()).trials):
                content = checkpoint[1] if index else b"x"
                checkpoint_path(out, trial.key).write_bytes(content)
            (out / "checkpoints" / "foreign.pt").mkdir()
        run_sweep(made_sweep(), out, engine="inline", device="cpu")
        results.append([trial.outcome.numbers for trial in read_records(out).all_trials])
    assert results[0] == results[1]
