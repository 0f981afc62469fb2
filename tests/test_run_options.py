"""Options of runs: the recipe, where a run ends, what the network sees, what is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
from digit_runs import NETWORK, assert_same, request, run, tensors
from picture_writer import gradient, write_digits, write_picture
from resforge.classify import load_run, predict_pictures
from resforge.classify.evaluation import Evaluation
from resforge.classify.feed import rows
from resforge.classify.fit import FitResult
from resforge.classify.runs.folder import CURVE, HISTORY, RESUME, RunFolder
from resforge.classify.runs.recipe import DEFAULT, recipe_of
from resforge.classify.runs.view import read_normalization
from resforge.errors import StoreError
from resforge.reading.not_specs import RUN
from resforge.training.pictures.decode import decode
from resforge.training.pictures.folder import read_folder
from resforge.training.pictures.view import View
from resforge.training.recipe import Recipe
from resforge.training.sealed import seal, unseal


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), 100)


def recipe(count: int = 640, **changes: Any) -> Recipe:
    common = {"batch_size": None, "epochs": 10}
    return recipe_of(request(Path("x"), Path("y"), **{**common, **changes}), count)


# the recipe


def test_without_options_the_recipe_is_the_default() -> None:
    assert recipe() == Recipe(
        optimizer=DEFAULT.optimizer, batch_size=32, steps=200, warmup=10, evaluations=1
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "optimizer"),
    [
        ({"optimizer": "adam"}, ("adam", 1e-3, 0.0)),
        ({"optimizer": "sgd"}, ("sgd", 0.1, 1e-4)),
        ({"optimizer": "sgd", "lr": 0.02, "weight_decay": 0.0}, ("sgd", 0.02, 0.0)),
        ({"weight_decay": 0.3}, ("adamw", 1e-3, 0.3)),
        ({"optimizer": "adam", "recipe": Recipe.named("he2015_cifar")}, ("adam", 1e-3, 0.0)),
        ({"optimizer": "sgd", "recipe": Recipe(optimizer={"kind": "sgd", "lr": 3.0})},
         ("sgd", 3.0, 1e-4)),
    ],
)  # fmt: skip
def test_options_change_the_optimizer(
    changes: dict[str, Any], optimizer: tuple[str, float, float]
) -> None:
    found = recipe(**changes).optimizer
    assert (found.kind, found.lr, found.weight_decay) == optimizer


def test_options_change_the_schedule() -> None:
    constant = recipe(schedule="constant", lr=0.02)
    assert {constant.learning_rate(step) for step in range(200)} == {0.02}
    assert recipe(schedule="step").warmup == Recipe(steps=200, warmup=10).warmup
    assert recipe(schedule="one_cycle").warmup == Recipe().warmup
    assert recipe(schedule="constant", warmup=4).learning_rate(0) == 0.00025
    published = Recipe.named("he2015_cifar_110")
    assert recipe(recipe=published, epochs=100).warmup == published.warmup
    milestones = Recipe(schedule={"kind": "step", "milestones": [0.9]})  # type: ignore[arg-type]
    assert recipe(recipe=milestones, schedule="step").schedule == milestones.schedule


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "rmsprop"}, "rmsprop"),
        ({"schedule": "linear"}, "linear"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"lr": float("nan")}, "lr"),
        ({"warmup": 200}, "use at most 199"),
    ],
)
def test_options_that_make_no_recipe_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(rf.SpecError, match=message):
        recipe(**changes)


@pytest.mark.parametrize(("count", "size"), [(31, 7), (22, 5), (8, 2), (5, 2), (32, 32)])
def test_batches_fit_a_small_folder(count: int, size: int) -> None:
    notes: list[str] = []
    asked = request(Path("x"), Path("y"), batch_size=None)
    assert recipe_of(asked, count, notes.append).batch_size == size
    assert notes == (
        [] if count == 32 else [f"{count} training pictures: batches of {size} (--batch-size)"]
    )


def test_a_batch_that_was_asked_for_is_kept() -> None:
    for changes in ({"batch_size": 24}, {"recipe": Recipe(batch_size=24)}):
        with pytest.raises(rf.SpecError, match="use --batch-size 22 or less"):
            recipe(22, **changes)


# where a run ends


@pytest.fixture
def accuracies(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Percent of the validation pictures that are right after each epoch; the last repeats."""
    given = [50, 60, 40, 55, 90]

    def evaluated(*_: object) -> Evaluation:
        right = given.pop(0) if len(given) > 1 else given[0]
        return Evaluation(torch.tensor([[right, 100 - right], [0, 0]]), 1.0)

    monkeypatch.setattr("resforge.classify.fit.evaluate", evaluated)
    return given


def test_a_run_ends_when_its_patience_does(
    digits: Path, tmp_path: Path, accuracies: list[int]
) -> None:
    options = {"epochs": 6, "patience": 2}
    result = run(digits, tmp_path / "run", **options)
    assert (result.finished, result.stopped_early, len(result.history)) == (True, True, 4)
    assert result.best is not None
    assert result.best.epoch == 2
    again = run(digits, tmp_path / "run", resume=True, **options)
    assert again == result
    longer = run(digits, tmp_path / "run", resume=True, epochs=6, patience=3)
    assert (longer.finished, longer.stopped_early, len(longer.history)) == (True, False, 6)
    assert load_run(tmp_path / "run", "cpu").epoch == 5


def test_more_patience_continues_to_the_bits_of_an_undisturbed_run(
    digits: Path, tmp_path: Path
) -> None:
    first = run(digits, tmp_path / "left", epochs=4, patience=1, lr=1e-6)
    assert first.stopped_early
    second = run(digits, tmp_path / "left", epochs=4, resume=True, lr=1e-6)
    assert second.history[: len(first.history)] == first.history
    run(digits, tmp_path / "whole", epochs=4, lr=1e-6)
    assert_same(tmp_path / "left", tmp_path / "whole")


def test_a_constant_rate_is_continued_after_the_end(digits: Path, tmp_path: Path) -> None:
    constant = {"schedule": "constant", "warmup": 3, "optimizer": "adam"}
    run(digits, tmp_path / "left", epochs=1, **constant)
    name = RunFolder(tmp_path / "left").identity
    # Stopped again in its third epoch, whose weights are of the longer run and of the shorter.
    assert not run(digits, tmp_path / "left", 7, epochs=3, resume=True, **constant).finished
    assert load_run(tmp_path / "left", "cpu", "last").epoch == 2
    assert run(digits, tmp_path / "left", epochs=3, resume=True, **constant).finished
    run(digits, tmp_path / "whole", epochs=3, **constant)
    assert_same(tmp_path / "left", tmp_path / "whole")
    assert RunFolder(tmp_path / "left").identity == name
    assert RunFolder(tmp_path / "left").spec() == RunFolder(tmp_path / "whole").spec()


@pytest.mark.parametrize(
    ("begun", "resumed", "message"),
    [
        ({}, {"epochs": 4}, "run of 2 epochs, whose cosine schedule ends with them.*--weights .*"),
        ({}, {"epochs": 4, "schedule": "constant"}, "whose cosine schedule ends with them"),
        ({"warmup": 0}, {"warmup": 0, "epochs": 4}, "whose cosine schedule ends with them"),
        ({}, {"epochs": 1}, "differs in epochs .2 there, 1 here"),
        ({"schedule": "constant"}, {"schedule": "constant", "epochs": 1}, "differs in epochs"),
        ({"schedule": "constant"}, {"schedule": "constant", "epochs": 3, "lr": 0.1},
         "differs in epochs .*, recipe.optimizer"),
        ({"schedule": "constant"}, {"schedule": "constant", "epochs": 3, "seed": 1},
         "differs in epochs .*, seed"),
    ],
)  # fmt: skip
def test_another_schedule_is_not_continued(
    digits: Path, tmp_path: Path, begun: dict[str, Any], resumed: dict[str, Any], message: str
) -> None:
    run(digits, tmp_path / "run", 2, **begun)
    before = (tmp_path / "run" / RUN).read_bytes()
    with pytest.raises(StoreError, match=message):
        run(digits, tmp_path / "run", resume=True, **resumed)
    assert (tmp_path / "run" / RUN).read_bytes() == before


def test_no_patience_at_all_is_refused(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(rf.SpecError, match="patience"):
        run(digits, tmp_path / "run", patience=0)


# training accuracy


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / HISTORY).open() as file:
        return [*csv.DictReader(file)]


def test_training_accuracy_is_that_of_the_steps(digits: Path, tmp_path: Path) -> None:
    """Of one step on all pictures: the accuracy of the initial network in training mode."""
    network = NETWORK.replace({"head.dropout": 0.0})
    options = {"network": network, "augment": "none", "batch_size": 80, "epochs": 1}
    (epoch,) = run(digits, tmp_path / "run", **options).history
    run_ = load_run(tmp_path / "run", "cpu")
    model = rf.build(run_.spec.network, seed=0).train()
    paths = sorted(digits.rglob("*.png"))
    labels = {path: int(path.parent.name) for path in paths}
    (batch,) = rows(80, 80, 0, 0, 1)
    trained = [read_folder(digits).train[number].path for number in batch.numbers]
    view = run_.spec.view
    assert view is not None
    pixels = np.stack([decode(path, 8, 1, view.choose) for path in trained])
    x = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - view.mean[0]) / view.std[0]
    right = model(x).argmax(dim=1) == torch.tensor([labels[path] for path in trained])
    assert epoch.train_accuracy == pytest.approx(right.float().mean().item())
    assert float(history(tmp_path / "run")[0]["train_accuracy"]) == epoch.train_accuracy


def test_runs_without_training_accuracy_are_resumed(digits: Path, tmp_path: Path) -> None:
    """As an earlier version wrote them, stopped in the second epoch."""
    out, whole = tmp_path / "run", tmp_path / "whole"
    run(digits, out, 7, epochs=3)
    state = unseal((out / RESUME).read_bytes())
    del state["state"]["errors"], state["state"]["history"][0]["train_accuracy"]
    (out / RESUME).write_bytes(seal(state))
    found = run(digits, out, epochs=3, resume=True)
    undisturbed = run(digits, whole, epochs=3)
    assert [epoch.train_accuracy for epoch in found.history] == [
        None, None, undisturbed.history[2].train_accuracy,
    ]  # fmt: skip
    mine, theirs = tensors(out), tensors(whole)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert [row["train_accuracy"] == "" for row in history(out)] == [True, True, False]


def test_mixed_pictures_have_no_training_accuracy(digits: Path, tmp_path: Path) -> None:
    result = run(digits, tmp_path / "run", mixup=0.2, epochs=1)
    assert result.history[0].train_accuracy is None


# what the network sees


def test_a_squashed_picture_is_seen_whole(tmp_path: Path) -> None:
    """The middle square of a wide picture lacks both of its ends."""
    path = write_picture(tmp_path / "wide.png", gradient(96, 32))
    squashed, middle = (
        decode(path, 16, 3, View(size=16, resize=resize).choose)  # type: ignore[arg-type]
        for resize in ("squash", "crop")
    )
    assert squashed[8, 0, 0] < 10
    assert squashed[8, -1, 0] > 245
    assert 75 < middle[8, 0, 0] < 95
    part = View(size=16, resize="squash", crop=0.5).choose(96, 32)
    assert part.box == (24.0, 8.0, 72.0, 24.0)


def test_a_run_predicts_with_the_view_it_was_trained_with(digits: Path, tmp_path: Path) -> None:
    run(digits, tmp_path / "run", epochs=1, resize="squash", normalize="0.5/0.25", size=16)
    trained = load_run(tmp_path / "run", "cpu")
    assert trained.spec.view == View(size=16, resize="squash", mean=(0.5,), std=(0.25,))
    wide = write_picture(tmp_path / "wide.png", gradient(96, 32))
    (found,) = predict_pictures(trained, [wide])
    assert not isinstance(found, Exception)
    x = (torch.from_numpy(found.pixels.copy()).permute(2, 0, 1)[None] / 255 - 0.5) / 0.25
    with torch.inference_mode():
        expected = trained.model(x).softmax(dim=1)[0]
    torch.testing.assert_close(found.probabilities, expected)
    with pytest.raises(StoreError, match="differs in view"):
        run(digits, tmp_path / "run", epochs=1, size=16, resume=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vgg", "'vgg' is no normalisation"),
        ("", "'' is no normalisation"),
        ("0.5", "is no normalisation"),
        ("0.5/0.5/0.5", "is no normalisation"),
        ("0.5,0.5/0.5", "has 2 values, and the network 3 input channels"),
        ("123.7/58.4", "has values outside 0 to 1"),
        ("0.5/0", "or a deviation of 0"),
        ("nan/0.5", "has values outside"),
        ("0.5/inf", "has values outside"),
    ],
)
def test_other_normalisations_are_explained(text: str, message: str) -> None:
    with pytest.raises(rf.SpecError, match=message) as caught:
        read_normalization(text, 3)
    assert "MEAN/STD" in str(caught.value)


def test_another_way_to_resize_is_refused(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(rf.SpecError, match="use crop or squash"):
        run(digits, tmp_path / "run", resize="pad")


# what is written


def test_classes_are_written_on_request(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(digits, out, 0, class_indices=True)
    tree = json.loads((out / "class_indices.json").read_text())
    assert tree == {str(number): str(number) for number in range(10)}
    (out / RESUME).unlink()
    assert isinstance(run(digits, out, 0), FitResult)  # a run that never began is replaced


def test_the_curve_is_drawn_after_each_epoch_that_is_long_enough(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(
        "resforge.classify.fit.write_curve",
        lambda path, history: drawn.append(len(history)) or path.touch(),
    )
    run(digits, tmp_path / "short", epochs=3)
    assert drawn == [3]
    drawn.clear()
    monkeypatch.setattr("resforge.classify.fit.DRAWING", float("inf"))
    run(digits, tmp_path / "long", epochs=3)
    assert drawn == [1, 2, 3, 3]
    assert (tmp_path / "long" / CURVE).exists()


def test_the_precision_follows_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    notes: list[str] = []

    def precision(device: str, resumed: Recipe | None = None, **changes: Any) -> str:
        asked = request(Path("x"), Path("y"), **changes)
        return recipe_of(asked, 100, notes.append, device=device, resumed=resumed).precision

    named = Recipe.named("he2015_cifar")
    given = Recipe.named("he2015_cifar", precision="float32")
    assert precision("cpu") == "float32"
    assert precision("cuda", precision="float32") == precision("cuda", recipe=given) == "float32"
    assert precision("cuda", resumed=Recipe()) == "float32"
    assert not [note for note in notes if "precision" in note]
    assert precision("cuda") == precision("cuda", recipe=named) == "bfloat16"
    assert [note for note in notes if "--precision float32" in note]
    assert precision("cpu", resumed=Recipe(precision="bfloat16")) == "bfloat16"
    assert precision("cpu", precision="bfloat16") == "bfloat16"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert precision("cuda") == "float32"


def test_a_run_of_an_earlier_version_keeps_its_memory_format(digits: Path, tmp_path: Path) -> None:
    """Which was contiguous by default: it is resumed to the bits of its own version."""
    older = Recipe(optimizer=DEFAULT.optimizer, batch_size=32, channels_last=False)
    whole = run(digits, tmp_path / "whole", recipe=older)
    run(digits, tmp_path / "run", recipe=older, stop_after=3)
    # As the command with --resume, whose recipe leaves the format out.
    plain = Recipe(optimizer=DEFAULT.optimizer, batch_size=32)
    assert run(digits, tmp_path / "run", recipe=plain, resume=True).steps == whole.steps
    assert not RunFolder(tmp_path / "run").spec().recipe.channels_last
    assert_same(tmp_path / "whole", tmp_path / "run")


def test_a_run_of_an_earlier_version_keeps_its_optimizer(digits: Path, tmp_path: Path) -> None:
    """Which said nothing of being fused, and was not."""
    unfused = DEFAULT.optimizer.model_copy(update={"fused": False})
    older = Recipe(optimizer=unfused, batch_size=32)
    whole = run(digits, tmp_path / "whole", recipe=older)
    run(digits, tmp_path / "run", recipe=older, stop_after=3)
    file = tmp_path / "run" / "run.json"
    head = json.loads(file.read_text())
    assert head["recipe"]["optimizer"].pop("fused") is False
    file.write_text(json.dumps(head))
    assert RunFolder(tmp_path / "run").spec() == RunFolder(tmp_path / "whole").spec()
    plain = Recipe(optimizer=DEFAULT.optimizer, batch_size=32)
    assert run(digits, tmp_path / "run", recipe=plain, resume=True).steps == whole.steps
    assert_same(tmp_path / "whole", tmp_path / "run")
