"""Files of a run carry its identity: a file of another run is refused."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
import resforge as rf
import torch
from digit_runs import assert_same, run
from picture_writer import write_digits
from resforge.classify.runs.folder import HISTORY, RESUME, RunFolder
from resforge.classify.runs.use import load_run
from resforge.classify.runs.weights import Checkpoint, read_checkpoint, write_checkpoint
from resforge.errors import StoreError
from resforge.reading.not_specs import BEST, LAST, RUN
from resforge.training.sealed import seal, unseal


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), 100)


@pytest.fixture(scope="module")
def stopped(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of the same settings, each stopped in its second epoch."""
    root = tmp_path_factory.mktemp("stopped")
    for name in ("rose", "tulip"):
        run(digits, root / name, 7)
    return root


@pytest.fixture
def runs(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / "runs"))


def identity(run_: Path) -> str:
    return str(json.loads((run_ / RUN).read_text())["id"])


def test_every_file_carries_the_identity_of_its_run(runs: Path) -> None:
    name = identity(runs / "rose")
    assert name.startswith("rose-")
    assert name != identity(runs / "tulip")
    assert {read_checkpoint(runs / "rose" / file).head.id for file in (BEST, LAST)} == {name}
    assert unseal((runs / "rose" / RESUME).read_bytes())["id"] == name
    with (runs / "rose" / HISTORY).open() as file:
        assert {row["run"] for row in csv.DictReader(file)} == {name}


def test_the_weights_of_another_run_are_refused(runs: Path, digits: Path) -> None:
    shutil.copy(runs / "tulip" / BEST, runs / "rose" / BEST)
    both = (
        f"best.safetensors is of the run {identity(runs / 'tulip')}, and .*{RUN} of the run rose-"
    )
    with pytest.raises(StoreError, match=both) as caught:
        load_run(runs / "rose", "cpu")
    assert f"resforge predict {runs / 'rose' / BEST}" in str(caught.value)
    load_run(runs / "rose" / BEST, "cpu")
    load_run(runs / "rose", "cpu", "last")
    # Training would keep them as its own best.
    with pytest.raises(StoreError, match=both):
        run(digits, runs / "rose", resume=True)


def test_the_state_of_another_run_is_refused(runs: Path, digits: Path) -> None:
    shutil.copy(runs / "tulip" / RESUME, runs / "rose" / RESUME)
    before = (runs / "rose" / RESUME).read_bytes()
    with pytest.raises(StoreError, match=f"{RESUME} is of the run tulip-.* of the run rose-"):
        run(digits, runs / "rose", resume=True)
    assert (runs / "rose" / RESUME).read_bytes() == before


def test_a_copied_or_renamed_run_remains_usable(runs: Path, digits: Path) -> None:
    for name in ("moved", "copied"):
        shutil.copytree(runs / "rose", runs / name)
        assert run(digits, runs / name, resume=True).finished
        load_run(runs / name, "cpu")
    assert_same(runs / "moved", runs / "copied")


def as_earlier(run_: Path) -> Path:
    """Rewrite a run as version 0.1.0 wrote it, without an identity."""
    head = json.loads((run_ / RUN).read_text())
    for name in ("id", "patience"):
        del head[name]
    del head["view"]["resize"]
    (run_ / RUN).write_text(json.dumps(head))
    state = unseal((run_ / RESUME).read_bytes())
    del state["id"]
    (run_ / RESUME).write_bytes(seal(state))
    for name in (BEST, LAST):
        whole = read_checkpoint(run_ / name)
        head = whole.head.model_copy(update={"id": None})
        tensors = {key: tensor.clone() for key, tensor in whole.tensors.items()}
        write_checkpoint(run_ / name, Checkpoint(head, tensors))
    return run_


def test_runs_of_earlier_versions_are_used_and_resumed(runs: Path, digits: Path) -> None:
    earlier = as_earlier(runs / "rose")
    before = (earlier / RUN).read_bytes()
    load_run(earlier, "cpu")
    assert run(digits, earlier, resume=True).finished
    assert (earlier / RUN).read_bytes() == before
    name = read_checkpoint(earlier / LAST).head.id
    assert name is not None
    assert name.startswith("earlier-")
    load_run(earlier, "cpu", "last")
    assert run(digits, earlier, resume=True).finished
    assert run(digits, runs / "tulip", resume=True).finished
    assert_same(earlier, runs / "tulip")


@pytest.mark.parametrize("file", [BEST, RESUME])
def test_runs_of_earlier_and_later_versions_do_not_mix(runs: Path, digits: Path, file: str) -> None:
    earlier, later = as_earlier(runs / "rose"), runs / "tulip"
    content = (later / file).read_bytes()
    shutil.copy(earlier / file, later / file)
    (earlier / file).write_bytes(content)
    with pytest.raises(StoreError, match=r"carries the name of no run, and .* of the run tulip-"):
        run(digits, later, resume=True)
    with pytest.raises(StoreError, match=r"of the run tulip-.*, and .* of the run earlier-"):
        run(digits, earlier, resume=True)


def test_weights_of_an_earlier_version_are_compared_by_their_spec(runs: Path, digits: Path) -> None:
    run(digits, runs / "seeded", 7, seed=1)
    for name in ("rose", "seeded"):
        as_earlier(runs / name)
    shutil.copy(runs / "seeded" / BEST, runs / "rose" / BEST)
    with pytest.raises(StoreError, match=r"differs from .* in seed \(0 there, 1 here\)"):
        load_run(runs / "rose", "cpu")


def test_weights_that_are_gone_are_named(runs: Path) -> None:
    (runs / "rose" / BEST).unlink()
    with pytest.raises(StoreError, match=rf"no {BEST} \(.*\): put it back, or give .*{LAST} alone"):
        load_run(runs / "rose", "cpu")
    (runs / "rose" / LAST).unlink()
    with pytest.raises(StoreError, match="has not finished an epoch yet"):
        load_run(runs / "rose", "cpu")


def test_a_run_that_begins_again_has_a_new_identity(digits: Path, tmp_path: Path) -> None:
    run(digits, tmp_path / "run", 0)
    before = identity(tmp_path / "run")
    (tmp_path / "run" / RESUME).unlink()
    run(digits, tmp_path / "run", 7)
    assert identity(tmp_path / "run") != before
    assert RunFolder(tmp_path / "run").read_state() is not None
    model = load_run(tmp_path / "run", "cpu").model
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    assert rf.spec_of(model).head is not None


def test_other_files_and_folders_are_no_runs(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("resforge: 1\nbase: resnet18\n")
    (tmp_path / "sweep").mkdir()
    for name in ("net.yaml", "sweep"):
        with pytest.raises(StoreError, match="is no run: name the --out"):
            load_run(tmp_path / name)
