"""Runs over epochs: resumed bitwise, with frozen parts, in several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pretend
import pytest
import resforge as rf
import torch
from digit_runs import NETWORK, assert_same, request, run, tensors
from hypothesis import given
from hypothesis import strategies as st
from picture_writer import write_digits
from resforge.classify.distributed import Ranks
from resforge.classify.evaluation import Evaluation, evaluate
from resforge.classify.feed import rows
from resforge.classify.freezing import freeze
from resforge.classify.runs.folder import HISTORY, RunFolder
from resforge.classify.runs.record import Epoch, best
from resforge.classify.runs.session import train_run
from resforge.classify.runs.use import evaluate_run, load_run
from resforge.classify.runs.weights import read_checkpoint
from resforge.classify.targets import Targets, balanced, mix
from resforge.reading.not_specs import BEST, LAST
from resforge.training.optimizer import SgdSpec
from resforge.training.pictures.decode import PictureError
from resforge.training.pictures.folder import read_folder
from resforge.training.recipe import Recipe


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), 100)


def test_a_run_writes_all_its_files(digits: Path, tmp_path: Path) -> None:
    result = run(digits, tmp_path / "run")
    assert result.finished
    assert len(result.history) == 2
    assert {file.name for file in (tmp_path / "run").iterdir()} == {
        ".lock", "run.json", "resume.pt", "best.safetensors", "last.safetensors", "history.csv",
        "curve.svg",
    }  # fmt: skip
    last = read_checkpoint(tmp_path / "run" / LAST)
    assert last.spec.classes == tuple("0123456789")
    assert last.spec == RunFolder(tmp_path / "run").spec()
    assert last.head.scores["accuracy"] == result.history[-1].val_accuracy
    model = rf.build(last.spec.network)
    model.load_state_dict(last.tensors)


@pytest.mark.parametrize(("stop_after", "mixup"), [(0, 0.0), (3, 0.0), (5, 0.0), (8, 0.4)])
def test_a_resumed_run_ends_in_the_same_bits(
    digits: Path, tmp_path: Path, stop_after: int, mixup: float
) -> None:
    left, whole = tmp_path / "left", tmp_path / "whole"
    first = run(digits, left, stop_after, mixup=mixup)
    assert not first.finished
    assert first.steps == stop_after
    second = run(digits, left, resume=True, mixup=mixup, workers=0)
    assert second.finished
    run(digits, whole, mixup=mixup)
    assert_same(left, whole)


def test_resuming_a_finished_run_changes_nothing(digits: Path, tmp_path: Path) -> None:
    run(digits, tmp_path / "run")
    before = (tmp_path / "run" / "resume.pt").read_bytes()
    assert run(digits, tmp_path / "run", resume=True).finished
    assert (tmp_path / "run" / "resume.pt").read_bytes() == before


def test_the_seed_counts_and_data_in_memory_can_be_resumed(tmp_path: Path) -> None:
    usual = {"augment": "crop_flip", "min_area": 0.08, "size": None}
    common = {"data": "digits", "batch_size": 200, **usual}
    for name, stop in (("left", 3), ("whole", None)):
        run(tmp_path, tmp_path / name, stop, **common)
    run(tmp_path, tmp_path / "left", resume=True, **common)
    assert_same(tmp_path / "left", tmp_path / "whole")
    run(tmp_path, tmp_path / "other", seed=1, **common)
    assert not torch.equal(
        tensors(tmp_path / "other")["fc.weight"], tensors(tmp_path / "whole")["fc.weight"]
    )


def test_a_run_stopped_by_a_picture_is_resumed_once_it_is_fixed(tmp_path: Path) -> None:
    digits = write_digits(tmp_path / "digits", 100)
    whole = tmp_path / "whole"
    run(digits, whole)
    held = sorted(digits.rglob("*.png"))[7]
    content = held.read_bytes()
    held.write_bytes(content[:40])
    with pytest.raises(PictureError):
        run(digits, tmp_path / "run")
    held.write_bytes(content)
    assert run(digits, tmp_path / "run", resume=True).finished
    assert_same(tmp_path / "run", whole)


def test_a_full_disk_loses_nothing(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "run"
    run(digits, whole)
    replace, calls = os.replace, [0]

    def full(*names: object) -> None:
        calls[0] += 1
        if calls[0] > failing:
            raise OSError(28, "No space left on device")
        replace(*names)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", full)
    failing = 7  # run.json, an epoch of four files, and some of the second
    with pytest.raises(rf.StoreError, match="No space left on device"):
        run(digits, out)
    monkeypatch.setattr(os, "replace", replace)
    assert tensors(out, BEST).keys() == tensors(whole, BEST).keys()
    assert run(digits, out, resume=True).finished
    assert_same(out, whole)


def test_a_process_that_dies_is_resumed_from_its_last_state(digits: Path, tmp_path: Path) -> None:
    asked = [0]

    def dies() -> bool:
        asked[0] += 1
        if asked[0] > 8:  # in the second epoch
            raise MemoryError
        return False

    with pytest.raises(MemoryError):
        train_run(request(digits, tmp_path / "run"), stopped=dies)
    state = RunFolder(tmp_path / "run").read_state()
    assert state is not None
    assert state["step"] == 5
    run(digits, tmp_path / "run", resume=True)
    run(digits, tmp_path / "whole")
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_the_state_is_written_within_a_long_epoch(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resforge.classify.fit.EVERY", 0.0)
    written = []
    monkeypatch.setattr(
        RunFolder, "write_state", lambda folder, state: written.append(state["step"])
    )
    run(digits, tmp_path / "run")
    assert sorted({*written}) == [*range(11)]


def test_the_best_weights_are_those_of_the_best_epoch(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluations = []

    def second_is_best(*arguments: Any) -> Evaluation:
        """The second epoch's accuracy is the highest, whatever the network learned."""
        evaluations.append(evaluate(*arguments))
        correct = 9 if len(evaluations) == 2 else 5
        return Evaluation(torch.tensor([[correct, 10 - correct], [0, 0]]), 1.0)

    monkeypatch.setattr("resforge.classify.fit.evaluate", second_is_best)
    run(digits, tmp_path / "run", epochs=3)
    assert read_checkpoint(tmp_path / "run" / BEST).head.epoch == 2
    assert read_checkpoint(tmp_path / "run" / LAST).head.epoch == 3
    trained = load_run(tmp_path / "run", "cpu")
    found = evaluate_run(trained, str(digits))
    assert torch.equal(found.confusion, evaluations[1].confusion)
    assert found.loss == pytest.approx(evaluations[1].loss)


def test_an_epoch_whose_validation_loss_is_not_finite_is_not_the_best(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [float("nan"), float("inf"), 1.0]

    def evaluated(*_: object) -> Evaluation:
        """A later epoch is as accurate as an earlier one at most."""
        return Evaluation(torch.tensor([[len(losses), 1], [0, 0]]), losses.pop(0))

    monkeypatch.setattr("resforge.classify.fit.evaluate", evaluated)
    out, options = tmp_path / "run", {"epochs": 4, "schedule": "constant"}
    result = run(digits, out, 10, patience=2, **options)
    assert (result.best, result.stopped_early) == (None, True)
    with pytest.raises(rf.StoreError, match="while its validation loss is not finite"):
        load_run(out, "cpu")
    result = run(digits, out, 6, resume=True, **options)
    assert result.best is result.history[2]
    assert load_run(out, "cpu").epoch == 3


def test_a_run_starts_from_the_weights_of_another(digits: Path, tmp_path: Path) -> None:
    run(digits, tmp_path / "first")
    file = tmp_path / "first" / LAST
    run(digits, tmp_path / "second", weights=file, freeze="backbone", epochs=1)
    first, second = tensors(tmp_path / "first"), tensors(tmp_path / "second")
    same = {name for name in first if torch.equal(first[name], second[name])}
    assert same == {name for name in first if not name.startswith("fc.")}
    five = write_digits(tmp_path / "five", 60, classes=5)
    with pytest.raises(rf.ResforgeError, match="head"):
        run(five, tmp_path / "third", weights=file)
    assert not (tmp_path / "third").exists()
    assert run(five, tmp_path / "third", weights=file, head="fresh").finished


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_recipes_set_precision_and_memory_format(
    digits: Path, tmp_path: Path, precision: str, device: torch.device
) -> None:
    if device.type == pretend.NAME and precision == "bfloat16":
        pytest.skip(pretend.LACKS["autocast_device"])
    recipe = Recipe(precision=precision, channels_last=True)  # type: ignore[arg-type]
    for name, stop in (("left", 3), ("whole", None)):
        run(digits, tmp_path / name, stop, recipe=recipe, device=str(device))
    run(digits, tmp_path / "left", resume=True, recipe=recipe, device=str(device))
    if device.type == "cpu":
        assert_same(tmp_path / "left", tmp_path / "whole")
    plain = Recipe()
    run(digits, tmp_path / "plain", recipe=plain, device="cpu")
    mine, theirs = (tensors(tmp_path / name)["fc.weight"] for name in ("whole", "plain"))
    # Half precision has 8 bits; ten steps at rates of up to 0.1 add up what they round.
    assert (mine - theirs).abs().max() < (0.05 if precision == "bfloat16" else 0.001)


def test_epochs_are_written_for_tensorboard(digits: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run(digits, tmp_path / "run", tensorboard=True)
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


def test_test_pictures_are_not_used_in_training(tmp_path: Path) -> None:
    for name, count in (("train", 90), ("test", 40)):
        write_digits(tmp_path / "data" / name, count)
    result = run(tmp_path / "data", tmp_path / "run")
    spec = RunFolder(tmp_path / "run").spec()
    assert spec.data.train + spec.data.val == 90
    notes: list[str] = []
    trained = load_run(tmp_path / "run", "cpu")
    found = evaluate_run(trained, str(tmp_path / "data"), note=notes.append)
    assert (result.finished, found.count) == (True, 40)
    assert notes == [f"evaluating {tmp_path / 'data' / 'test'}"]


def test_unreadable_validation_pictures_are_left_out(tmp_path: Path) -> None:
    digits = write_digits(tmp_path / "digits", 60)
    held = read_folder(digits).val
    held[0].path.write_bytes(b"")
    assert run(digits, tmp_path / "run", unreadable="skip").finished
    trained = load_run(tmp_path / "run", "cpu")
    assert evaluate_run(trained, str(digits), unreadable="skip").count == len(held) - 1
    for picture in held:
        picture.path.write_bytes(b"")
    with pytest.raises(rf.ResforgeError, match="no picture of the validation set can be read"):
        run(digits, tmp_path / "none", unreadable="skip")


def test_a_loss_that_is_not_finite_ends_the_run(digits: Path, tmp_path: Path) -> None:
    steep = Recipe(optimizer=SgdSpec(lr=1000.0), schedule="constant")
    plain = NETWORK.replace({"norm": "none"})
    result = run(digits, tmp_path / "run", recipe=steep, network=plain)
    assert result.diverged
    assert not result.finished


# frozen parts


@pytest.mark.parametrize(
    ("part", "learns"),
    [
        ("backbone", lambda name: name.startswith("fc.")),
        ("stages:0", lambda name: not name.startswith(("conv1", "bn1"))),
        ("stages:1", lambda name: name.startswith(("layer2", "layer3", "fc."))),
        ("stages:3", lambda name: name.startswith("fc.")),
        ("norm", lambda name: "bn" not in name and "downsample.1" not in name),
    ],
)
def test_frozen_weights_do_not_change(
    digits: Path, tmp_path: Path, part: str, learns: Callable[[str], bool]
) -> None:
    run(digits, tmp_path / "run", freeze=part, epochs=1)
    before, after = rf.build(NETWORK, seed=0).state_dict(), tensors(tmp_path / "run")
    for name in before:
        assert torch.equal(before[name], after[name]) != learns(name), name


def test_unknown_parts_to_freeze_are_refused() -> None:
    for part in ("head", "stages:9", "stages:-1", "stages:"):
        with pytest.raises(rf.SpecError, match="cannot be frozen") as caught:
            freeze(rf.build(NETWORK), part)
        assert "stages:0 to stages:3" in str(caught.value)


# targets


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_balanced_weights_give_each_class_the_same_total(labels: list[int]) -> None:
    weights = balanced(labels, 5)
    totals = torch.zeros(5).index_add_(0, torch.tensor(labels), weights[torch.tensor(labels)])
    present = totals[totals > 0]
    torch.testing.assert_close(present, torch.full_like(present, len(labels) / len(present)))


def test_targets_give_the_loss_of_torch_with_weights_and_smoothing() -> None:
    """Weights and smoothing are those of PyTorch's loss on class probabilities."""
    x, y = torch.randn(6, 1, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    scores, weights = torch.randn(6, 3), torch.tensor([0.5, 1.0, 2.0])
    _, target = Targets(3, 0.1, weights).of(x, y, 0)
    found = torch.nn.functional.cross_entropy(scores, target)
    probabilities = torch.nn.functional.one_hot(y, 3).float()
    expected = torch.nn.functional.cross_entropy(
        scores, probabilities, weights, label_smoothing=0.1
    )
    torch.testing.assert_close(found, expected)
    assert Targets(3, 0.1).of(x, y, 0)[1] is y


def test_mixup_mixes_pictures_and_targets_alike() -> None:
    x, y = torch.eye(5).reshape(5, 5, 1, 1), torch.arange(5)
    mixed, target = Targets(5, mixup=0.5, seed=3).of(x, y, step=7)
    assert torch.equal(mixed.reshape(5, 5), target)
    torch.testing.assert_close(target.sum(dim=1), torch.ones(5))
    assert torch.equal(target[4], x[4].reshape(5))
    assert not torch.equal(target, Targets(5, mixup=0.5, seed=3).of(x, y, step=8)[1])
    assert torch.equal(mix(torch.ones(3), 0.3)[2:], torch.ones(1))


def test_the_best_epoch_has_the_highest_accuracy() -> None:
    def epoch(number: int, loss: float, accuracy: float) -> Epoch:
        return Epoch(number, number, 0.1, 1.0, loss, accuracy, 1.0)

    history = [epoch(1, 0.9, 0.5), epoch(2, 0.8, 0.6), epoch(3, 0.7, 0.6), epoch(4, 0.7, 0.6)]
    assert best(history) is history[2]
    nan = epoch(1, float("nan"), 0.9)
    assert best([nan, *history[1:]]) is history[2]
    assert best([history[0], replace(nan, epoch=2)]) is history[0]
    assert best([nan]) is None


# several processes


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 5))
def test_parts_of_batches_are_disjoint_and_complete(world: int, each: int, seed: int) -> None:
    count = world * each
    for batch in rows(3 * count, count, seed, 0, 3):
        parts = [Ranks(rank, world).part(batch.numbers) for rank in range(world)]
        assert [number for part in parts for number in part] == batch.numbers
        assert {len(part) for part in parts} == {each}


def test_a_batch_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(rf.ResforgeError, match="use a batch size of 4"):
        Ranks(0, 2).part([1, 2, 3, 4, 5])


#: Statistics of group norm do not depend on the other pictures of the batch.
GROUPED = NETWORK.replace({"norm": {"kind": "group", "groups": 4}, "head.dropout": 0.0})
SHARED = """\
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path[:0] = {paths!r}
import test_fit
options = json.loads(sys.argv[3])
out = Path(sys.argv[2])
result = test_fit.run(Path(sys.argv[1]), out, network=getattr(test_fit, sys.argv[4]), **options)
assert result.finished == ("stop_after" not in options)
if result.leads and result.finished:
    (out.parent / "result.json").write_text(json.dumps(result.history[-1].as_dict()))
# A thread of gloo that outlives the run may need Python after its end, and aborts the process.
names = [file.read_text() for file in Path("/proc/self/task").glob("*/comm")]
assert not any("gloo" in name for name in names), names
"""


def launch(digits: Path, out: Path, network: str = "GROUPED", **options: object) -> None:
    """:func:`run` in two processes, over gloo."""
    script = out.parent / "shared.py"
    tests = Path(__file__).parent
    script.write_text(SHARED.format(paths=[str(tests), str(tests / "support")]))
    words = ["--standalone", "--nproc-per-node", "2", str(script), str(digits), str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *words, json.dumps(options), network],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_two_processes_train_as_one_does_with_the_whole_batch(digits: Path, tmp_path: Path) -> None:
    options = {"class_weights": "balanced", "mixup": 0.3, "label_smoothing": 0.1}
    run(digits, tmp_path / "one", network=GROUPED, **options)
    launch(digits, tmp_path / "two", **options)
    assert_near(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_two_processes_stop_and_resume_together(digits: Path, tmp_path: Path) -> None:
    launch(digits, tmp_path / "left", stop_after=3)
    launch(digits, tmp_path / "left", resume=True)
    launch(digits, tmp_path / "whole")
    assert_same(tmp_path / "left", tmp_path / "whole")


@pytest.mark.slow
def test_the_weights_written_are_those_both_processes_validated(
    digits: Path, tmp_path: Path
) -> None:
    """Batch norm's running statistics are each process's own until an epoch ends."""
    launch(digits, tmp_path / "run", "NETWORK")
    last = json.loads((tmp_path / "result.json").read_text())
    found = evaluate_run(load_run(tmp_path / "run", "cpu", "last"), str(digits))
    assert found.accuracy == last["val_accuracy"]
    assert found.loss == pytest.approx(last["val_loss"])


def assert_near(one: Path, other: Path) -> None:
    mine, theirs = tensors(one), tensors(other)
    for name in mine:
        # Sums over a batch are made in another order, which grows over ten steps of AdamW.
        torch.testing.assert_close(mine[name], theirs[name], rtol=1e-3, atol=1e-4)
    lines = [(folder / HISTORY).read_text().splitlines()[1:] for folder in (one, other)]
    for line, twin in zip(*lines, strict=True):
        numbers = ([float(cell or "nan") for cell in text.split(",")[:-2]] for text in (line, twin))
        assert next(numbers) == pytest.approx(next(numbers), rel=1e-3, nan_ok=True)
