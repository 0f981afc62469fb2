"""Checkpoints: a trial left anywhere and gone on with is the trial that was never left."""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.ablation import Sweep, plan_sweep
from resforge.ablation.running.checkpoint import Checkpoint, discard, make_checkpoint_folder
from resforge.ablation.running.task import StoppedError, Task, make_task
from resforge.ablation.running.trial import run_trial
from resforge.training import Data, DigitsSpec, Recipe, Training, load_data
from resforge.training.data.augmentation import CropFlip

IDENTITY = {"key": "k", "torch": "2"}
WAYS: list[dict[str, Any]] = [
    {},
    {"optimizer": "adamw", "select": "best"},
    {"precision": "bfloat16", "channels_last": True},
    # Is over after a few steps.
    {"warmup": {"kind": "until_error", "error": 0.95, "batches": 4}},
]
NET = rf.load("digits_resnet8").replace({"head.dropout": 0.3})


@pytest.fixture(scope="module")
def digits() -> Data:
    # A small set, so that few steps are several epochs.
    return load_data(DigitsSpec(train=60, test=30, validation=20))


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)


def same_bits(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_bits(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same_bits, one, other))
    return bool(one == other)


@pytest.fixture(scope="module")
def short_curves() -> Iterator[None]:
    """Points of a curve are means over three of the eleven steps below."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resforge.training.record.CURVE_POINTS", 4)
        yield


@pytest.mark.usefixtures("short_curves")
@settings(max_examples=10)
@given(
    st.sets(st.integers(1, 10), max_size=3),
    st.sampled_from(WAYS),
    st.sampled_from(["random", "alternating"]),
)
def test_a_run_left_and_gone_on_with_gives_the_same_bits(
    digits: Data, leave_at: set[int], way: dict[str, Any], flip: str
) -> None:
    augment = CropFlip.model_validate({"pad": 2, "flip": flip})
    digits = dataclasses.replace(digits, augment=augment)
    recipe = Recipe.model_validate({**way, "steps": 11, "batch_size": 16, "evaluations": 4})

    def start() -> Training:
        return Training(rf.build(NET, seed=3), digits, recipe, seed=3)

    unbroken, broken = start(), start()
    while not unbroken.finished:
        unbroken.advance()
    while not broken.finished:
        if broken.step in leave_at:
            torch.rand(7)  # what others draw meanwhile must not matter
            broken, left = start(), broken
            broken.restore(through_a_file(left.state()))
        broken.advance()
    assert broken.result() == unbroken.result()
    states = [broken.state(), unbroken.state()]
    for state in states:
        del state["record"]["test_seconds"]
    assert same_bits(*states)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    sweep = Sweep(
        sweep=1,
        base="digits_resnet8",
        arms={"a": {}},
        seeds=1,
        recipe={"steps": 6, "batch_size": 16, "evaluations": 2},
    )
    plan = plan_sweep(sweep)
    make_checkpoint_folder(tmp_path, set())
    return make_task(plan, plan.trials[0], tmp_path)


def after(steps: int) -> Callable[[], bool]:
    """Says stop after so many steps."""
    asked: Iterator[int] = iter(range(1, 1000))
    return lambda: next(asked) == steps


def left_at(task: Task, steps: int) -> Path:
    with pytest.raises(StoppedError, match=r"^$"):
        run_trial(task, after(steps))
    return Path(task.checkpoint)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_a_stopped_trial_goes_on_where_it_was(task: Task, steps: int) -> None:
    whole = run_trial(dataclasses.replace(task, checkpoint=""))
    left_at(task, steps)
    asked: list[int] = []
    rest = run_trial(task, lambda: bool(asked.append(1)))
    assert len(asked) == 6 - steps
    assert rest.numbers == whole.numbers
    assert rest.notes == ()


def test_a_trial_told_to_stop_at_its_last_step_is_done(task: Task) -> None:
    assert run_trial(task, after(6)).status == "done"
    assert not Path(task.checkpoint).exists()


@pytest.mark.parametrize(
    ("name", "value"), [("key", "0" * 64), ("code", "1" * 64), ("torch", "1.0"), ("cpu", "other")]
)
def test_what_something_else_wrote_is_not_used(
    task: Task, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    from resforge.ablation.running import trial

    with monkeypatch.context() as patch:
        held = trial.environment()
        if name == "code":
            patch.setattr(trial, "code_digest", lambda: value)
        elif name != "key":
            patch.setattr(trial, "environment", lambda _: {**held, name: value})
        left_at(task if name != "key" else dataclasses.replace(task, key=value), 3)
    asked: list[int] = []
    outcome = run_trial(task, lambda: bool(asked.append(1)))
    assert len(asked) == 6
    told = f"its checkpoint is not used, it was written by another {name}: it starts again"
    assert outcome.notes == (told,)


def test_a_state_that_does_not_fit_leaves_nothing_behind(task: Task) -> None:
    whole = run_trial(dataclasses.replace(task, checkpoint=""))
    path = left_at(task, 3)
    reader = Checkpoint(task.checkpoint, {})
    held = torch.load(io.BytesIO(path.read_bytes()[22 + 32 :]), weights_only=True)
    del held["state"]["training"]["stepper"]["optimizer"]
    reader.identity = held["identity"]
    reader.write(held["state"])
    outcome = run_trial(task)
    assert outcome.numbers == whole.numbers
    assert "KeyError: 'optimizer'" in outcome.notes[0]


@given(st.data())
def test_a_damaged_checkpoint_is_noted_and_not_used(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "k.pt"
    Checkpoint(str(path), IDENTITY).write({"x": torch.arange(5), "curve": [(1, 0.5)]})
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans(), label="cut off"):
        path.write_bytes(whole[:place])
    else:
        flipped = whole[place] ^ data.draw(st.integers(1, 255))
        path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
    found = Checkpoint(str(path), IDENTITY)
    assert found.read() is None
    assert found.notes == [
        "its checkpoint is not used, its bytes are not those that were written: it starts again"
    ]
    path.write_bytes(whole)
    kept = Checkpoint(str(path), IDENTITY).read()
    assert kept is not None
    assert torch.equal(kept["x"], torch.arange(5))


def test_a_checkpoint_holds_no_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "made"),)

    path = str(tmp_path / "k.pt")
    Checkpoint(path, IDENTITY).write({"x": Evil()})
    found = Checkpoint(path, IDENTITY)
    assert found.read() is None
    assert len(found.notes) == 1
    assert not (tmp_path / "made").exists()


def test_a_full_disk_is_noted_and_the_trial_goes_on(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    outcome = run_trial(dataclasses.replace(task, checkpoint_seconds=0.0))
    assert outcome.status == "done"
    assert "No space left on device" in outcome.notes[0]


def test_where_there_is_no_folder_nothing_is_kept(task: Task, tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(task, checkpoint=str(tmp_path / "no" / "k.pt"))
    assert left_at(elsewhere, 2) == tmp_path / "no" / "k.pt"
    assert not (tmp_path / "no").exists()


def test_what_is_of_no_more_use_is_removed(tmp_path: Path) -> None:
    make_checkpoint_folder(tmp_path, set())
    folder = tmp_path / "checkpoints"
    for name in ("done.pt", "waiting.pt", f".resforge-{'0' * 32}.tmp"):
        (folder / name).touch()
    make_checkpoint_folder(tmp_path, {"done"})
    assert {file.name for file in folder.iterdir()} == {"waiting.pt"}
    discard(tmp_path, "waiting")
    discard(tmp_path, "waiting")
    assert not [*folder.iterdir()]
