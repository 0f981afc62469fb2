"""Folders of runs that are damaged: every command reads them, or refuses them with a message."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
import resforge as rf
import torch
from command_line import Done
from damaged_runs import DEEP, damage
from hypothesis import given, note
from hypothesis import strategies as st
from picture_writer import write_digits
from resforge.classify import RunRequest, train_run
from resforge.classify.runs.weights import Checkpoint, read_checkpoint, write_checkpoint
from resforge.cli import run
from resforge.training.optimizer import SgdSpec
from resforge.training.recipe import Recipe
from resforge.training.sealed import seal, unseal

NET = rf.loads("""\
resforge: 1
name: tiny
in_channels: 1
stem: {kind: conv3x3, width: 8}
stages: [{depth: 1, width: 8}, {depth: 1, width: 16, stride: 2}]
block: basic
head: {num_classes: 10}
""")


class Place(NamedTuple):
    """A folder with pictures, a network, and runs that were stopped in their second epoch."""

    root: Path
    run: Path
    others: tuple[Path, ...]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("runs")
    write_digits(root / "pictures", 60)
    (root / "net.yaml").write_text(NET.to_yaml())
    run, twin = begin(root, "whole"), begin(root, "twin")
    wide = begin(root, "wide", network=NET.replace({"stages[1].width": 12}), seed=1)
    sgd = begin(root, "sgd", recipe=Recipe(optimizer=SgdSpec()))
    return Place(root, run, (twin, wide, sgd))


def begin(root: Path, name: str, **changes: object) -> Path:
    """A run of two epochs of three steps, stopped after four steps."""
    asked = [0]

    def stopped() -> bool:
        asked[0] += 1
        return asked[0] > 4

    common = {"network": NET, "data": str(root / "pictures"), "out": root / name, "size": 8}
    common |= {"epochs": 2, "batch_size": 16, "augment": "crop", "device": "cpu", "workers": 0}
    train_run(RunRequest(**{**common, **changes}), stopped=stopped)  # type: ignore[arg-type]
    return root / name


def call(place: Place, verb: str, run_: Path) -> Done:
    """Resume, use or evaluate the run in a folder."""
    pictures, shared = str(place.root / "pictures"), ("--workers", "0", "--device", "cpu", "--json")
    tokens: dict[str, tuple[str, ...]] = {
        "train": (
            *(str(place.root / "net.yaml"), "--data", pictures, "--out", str(run_), "--resume"),
            *("--size", "8", "--epochs", "2", "--batch-size", "16", "--augment", "crop"),
        ),
        "predict": (str(run_), f"{pictures}/0"),
        "evaluate": (str(run_), "--data", pictures),
    }
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([verb, *tokens[verb], *shared])
    return Done(code, out.getvalue(), err.getvalue())


VERBS = ("train", "predict", "evaluate")


@pytest.fixture
def damaged(place: Place, tmp_path: Path) -> Path:
    return Path(shutil.copytree(place.run, tmp_path / "run"))


def test_a_whole_run_is_used_and_resumed(place: Place, damaged: Path) -> None:
    assert [call(place, verb, damaged).code for verb in VERBS[::-1]] == [0, 0, 0]


@given(st.integers(0, 2**32))
def test_any_damage_is_read_or_refused(place: Place, seed: int) -> None:
    """Exit codes of each command: 0; 1 for a loss that is not finite; 3; 4. Never a bug."""
    run = place.root / "damaged"
    for verb in VERBS:
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(place.run, run)
        random = Random(seed)
        done = damage(run, random.choice(place.others), random)
        note(done)
        ended = call(place, verb, run)
        assert ended.code in (0, 1, 3, 4), ended.err
        assert ended.err.replace("\n", "").isprintable()
        assert "Warning" not in ended.err


def edit_spec(change: Callable[[dict[str, object]], object]) -> Callable[[Path], object]:
    def edit(run: Path) -> None:
        tree = json.loads((run / "run.json").read_text())
        change(tree)
        (run / "run.json").write_text(json.dumps(tree))

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda run: (run / "run.json").write_text(DEEP), "nested too deeply"),
        (lambda run: (run / "run.json").write_text("[1]"), "does not hold a mapping"),
        (lambda run: os.replace(run / "run.json", run / "gone"), "holds no run"),
        (edit_spec(lambda tree: tree.pop("classes")), "classes: Field required"),
        (edit_spec(lambda tree: tree["classes"].pop()), "outputs of shape (10,)"),
        (edit_spec(lambda tree: tree.update(classes=["a"] * 10)), "two classes have one name"),
        (edit_spec(lambda tree: tree["view"].update(mean=[0, 0, 0], std=[1, 1, 1])), "1 input"),
        (edit_spec(lambda tree: tree.update(id=7)), "id: it is not a name"),
        (edit_spec(lambda tree: tree.update(format="\x1b[2J")), r"format '\x1b[2J'"),
    ],
)  # fmt: skip
def test_a_damaged_spec_is_explained(
    place: Place, damaged: Path, edit: Callable[[Path], object], message: str
) -> None:
    edit(damaged)
    for verb in VERBS:
        done = call(place, verb, damaged)
        assert (done.code, done.out) == (4, "")
        assert message in done.err


@pytest.mark.parametrize("name", ["network", "recipe", "classes", "id", "format", "other"])
def test_values_nested_to_any_depth_are_read_or_refused(
    place: Place, damaged: Path, name: str
) -> None:
    tree = json.loads((damaged / "run.json").read_text())
    for levels in (500, 900, 2000):
        for left, right in ("[]", ('{"a":', "}")):
            deep = f"{left * levels}1{right * levels}"
            text = json.dumps({**tree, name: "DEEP"}).replace('"DEEP"', deep)
            (damaged / "run.json").write_text(text)
            assert call(place, "predict", damaged).code in (0, 4)


@pytest.mark.parametrize("file", ["run.json", "resume.pt", "best.safetensors", "last.safetensors"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_only_regular_files_are_read(place: Place, damaged: Path, file: str, kind: str) -> None:
    """A pipe would be waited for, and a device never ends."""
    (damaged / file).unlink()
    if kind == "folder":
        (damaged / file).mkdir()
    elif kind == "pipe":
        os.mkfifo(damaged / file)
    else:
        (damaged / file).symlink_to("/dev/zero")
    reads = {"run.json": VERBS, "best.safetensors": VERBS}.get(file, ("train",))
    for verb in VERBS:
        assert call(place, verb, damaged).code == (4 if verb in reads else 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.update(step=7), "1 epochs after 7 steps"),
        (lambda state: state.update(step="x"), "step"),
        (lambda state: state.update(history=[]), "0 epochs after 4 steps"),
        (lambda state: state["history"][0].update(epoch=2), "not those of the run"),
        (lambda state: state["history"][0].pop("seconds"), "seconds"),
        (lambda state: state.pop("stepper"), "KeyError: 'stepper'"),
        (lambda state: state["model"].pop("fc.bias"), "fc.bias is missing"),
        (lambda state: state["model"].update({"fc.bias": torch.zeros(10).double()}), "float64"),
        (lambda state: moments(state).pop("exp_avg"), "does not hold step, exp_avg, exp_avg_sq"),
        (lambda state: moments(state).update(exp_avg=torch.zeros(3)), "another shape"),
        (lambda state: moments(state).update(step=torch.tensor(-1.0)), "has done -1.0 steps"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_is_refused(
    place: Place, damaged: Path, change: Callable[[dict[str, object]], object], message: str
) -> None:
    path = damaged / "resume.pt"
    head = unseal(path.read_bytes())
    change(head["state"])
    path.write_bytes(seal(head))
    done = call(place, "train", damaged)
    assert (done.code, done.out) == (4, "")
    assert "resume.pt cannot be used" in done.err
    assert message in done.err
    assert f"--weights {damaged / 'last.safetensors'}" in done.err


def moments(state: dict[str, dict[str, dict[str, dict[int, dict[str, object]]]]]) -> object:
    return state["stepper"]["optimizer"]["state"][3]


def test_the_recipe_decides_the_optimiser_and_not_the_state(place: Place, damaged: Path) -> None:
    twin = Path(shutil.copytree(damaged, damaged.with_name("twin")))
    path = damaged / "resume.pt"
    head = unseal(path.read_bytes())
    head["state"]["stepper"]["optimizer"]["param_groups"][0].update(betas=("x", 0), weight_decay=9)
    path.write_bytes(seal(head))
    mine, theirs = (call(place, "train", run) for run in (damaged, twin))
    assert (mine.code, theirs.code) == (0, 0)
    assert [row["val_loss"] for row in mine.json["history"]] == [
        row["val_loss"] for row in theirs.json["history"]
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 3e38])
def test_outputs_that_are_not_finite_are_reported(
    place: Place, damaged: Path, value: float
) -> None:
    path = damaged / "best.safetensors"
    whole = read_checkpoint(path)
    tensors = {**whole.tensors, "fc.weight": torch.full((10, 16), value)}
    tensors["layer2.0.bn2.bias"] = torch.full((16,), 1e3)
    write_checkpoint(path, Checkpoint(whole.head, tensors))
    for verb in ("predict", "evaluate"):
        done = call(place, verb, damaged)
        assert (done.code, done.out) == (3, "")
        assert "not finite" in done.err
