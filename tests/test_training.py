"""Data, the loop and prediction."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import hypothesis.strategies as st
import pytest
import resforge as rf
import torch
from hypothesis import given
from resforge.training import (
    Data,
    DigitsSpec,
    Recipe,
    Training,
    error_rate,
    load_data,
    predict,
    train,
)
from resforge.training.data.augmentation import CropFlip
from resforge.training.data.digits import _digits
from resforge.training.streams import Batches, stream_seed
from torch import Tensor, nn

SHORT = Recipe(steps=6, batch_size=32, evaluations=2)


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data(DigitsSpec())


def test_digits_are_split_in_the_same_way_each_time(digits: Data) -> None:
    assert digits.train_x.shape == (1000, 1, 8, 8)
    assert digits.test_x.shape == (797, 1, 8, 8)
    assert digits.train_x.dtype == torch.float32
    assert digits.train_y.dtype == torch.int64
    # Held as a literal: another machine, or another version, must test on the same images.
    told = "6b26cf33d0a92f56853ab587e9e3dc50a3d1a6527f998a4a3167567615dd556d"
    assert digits.fingerprint == told


def test_digits_in_three_channels_repeat_the_grey_values(digits: Data) -> None:
    colour = load_data(DigitsSpec(channels=3))
    assert colour.in_channels == 3
    assert torch.equal(colour.train_x, digits.train_x.expand(-1, 3, -1, -1))
    assert torch.equal(colour.test_x, digits.test_x.expand(-1, 3, -1, -1))
    assert torch.equal(colour.test_y, digits.test_y)


def test_every_image_is_used_once() -> None:
    from sklearn.datasets import load_digits

    arrays = DigitsSpec().arrays()
    rows = torch.cat([torch.tensor(arrays.train_x), torch.tensor(arrays.test_x)]).flatten(1)
    # Undo the normalisation by rank: grey levels are 0 to 16, all of which occur.
    levels, ranks = rows.unique(return_inverse=True)
    assert len(levels) == 17
    ours = sorted(tuple(row) for row in ranks.tolist())
    theirs = sorted(tuple(row) for row in load_digits().data.astype(int).tolist())
    assert ours == theirs


@given(st.integers(2, 900), st.integers(1, 800), st.integers(0, 3))
def test_the_fingerprint_differs_between_splits(
    train_size: int, test_size: int, split: int
) -> None:
    spec = DigitsSpec(train=train_size, test=test_size, split=split)
    told = spec.arrays().fingerprint
    assert spec.model_copy().arrays().fingerprint == told
    assert (DigitsSpec().arrays().fingerprint == told) == (spec == DigitsSpec())


def test_training_images_are_normalised(digits: Data) -> None:
    assert digits.train_x.mean().abs() < 1e-5
    assert (digits.train_x.std(correction=0) - 1).abs() < 1e-5


def test_without_scikit_learn_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    _digits.cache_clear()
    with pytest.raises(rf.ResforgeError, match=r"pip install 'resforge\[ablation\]'"):
        load_data(DigitsSpec())


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 2**40))
def test_an_epoch_shows_each_image_at_most_once(count: int, size: int, seed: int) -> None:
    size = min(size, count)
    epoch = torch.cat(list(islice(Batches(count, size, seed), count // size)))
    assert len(epoch) == count // size * size
    assert epoch.unique().shape == epoch.shape
    assert int(epoch.max()) < count


def test_a_batch_larger_than_the_set_is_refused(digits: Data) -> None:
    with pytest.raises(rf.ResforgeError, match="batch_size 2000 is larger"):
        train(nn.Flatten(), digits, Recipe(batch_size=2000), seed=0)


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        ("digits_resnet8", {"head.num_classes": 2}, "has 2 classes, the data has 10 classes"),
        ("digits_resnet8", {"head.num_classes": 20}, r"write head: {num_classes: 10}"),
        ("digits_resnet8", {"head": None}, "has no head"),
        (
            "digits_resnet8",
            {"head": [{"conv": 1, "width": 10}, {"global_pool": "avg"}]},
            r"outputs of shape \(10, 1, 1\), .*\n.* write head: \[..., {flatten: 1}\]",
        ),
        ("cifar_resnet20", {}, r"takes 3 channels, the data has 1\n.* write in_channels: 1"),
        ("resnet18", {"in_channels": 1, "head.num_classes": 10, "dims": 1}, "write dims: 2"),
        (
            "digits_resnet8",
            {"stem": [{"conv": 11, "width": 8, "padding": 0}, "norm", "act"]},
            "the network cannot run on these images: .*too small",
        ),
    ],
)
def test_a_network_that_does_not_suit_the_data_is_refused(
    digits: Data, network: str, changes: dict[str, Any], message: str
) -> None:
    model = rf.build(rf.load(network).replace(changes), device="meta")
    with pytest.raises(rf.SpecError, match=message):
        train(model, digits, SHORT, seed=0)


def test_the_head_of_an_edited_network_is_the_one_that_it_has(digits: Data) -> None:
    model = rf.build(rf.load("digits_resnet8").replace({"head.num_classes": 2}), seed=0)
    model.fc = nn.Linear(32, 10)
    train(model, digits, SHORT, seed=0)


def test_streams_are_independent() -> None:
    purposes = ("batches", "dropout", "augmentation", "first side")
    assert len({stream_seed(seed, p) for seed in range(100) for p in purposes}) == 400


class Watched(nn.Module):
    """Passes images on to a linear layer, and remembers those of training."""

    def __init__(self, extra: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Flatten(), extra, nn.Linear(64, 10))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen.append(x.clone())
        return self.inner(x)


def test_arms_of_one_seed_see_the_same_batches(digits: Data) -> None:
    one, other, third = Watched(nn.Identity()), Watched(nn.Dropout(0.5)), Watched(nn.ReLU())
    for model, seed in ((one, 7), (other, 7), (third, 8)):
        train(model, digits, SHORT, seed)
    assert all(torch.equal(a, b) for a, b in zip(one.seen, other.seen, strict=True))
    assert not torch.equal(one.seen[0], third.seen[0])


def test_random_draws_of_a_network_do_not_change_the_batches(digits: Data) -> None:
    """Arms with dropout or stochastic depth see the batches, cropped alike, of one without."""
    changes: list[dict[str, Any]] = [
        {},
        {"head.dropout": 0.5},
        {"stochastic_depth": {"rate": 0.5, "mode": "row"}},
        {"stochastic_depth": 0.5, "shortcut": {"kind": "dropout", "rate": 0.2}},
    ]
    seen: list[list[Tensor]] = []
    errors = set()
    for change in changes:
        model = rf.build(rf.load("digits_resnet8").replace(change), seed=3)
        seen.append([])
        model.register_forward_pre_hook(
            lambda module, args: seen[-1].append(args[0].clone()) if module.training else None
        )
        errors.add(train(model, replace(digits, augment=CropFlip()), SHORT, seed=3).train_curve)
    assert len(seen[0]) == SHORT.steps
    for others in seen[1:]:
        assert all(torch.equal(a, b) for a, b in zip(seen[0], others, strict=True))
    assert len(errors) == len(changes), "some chance was not at work"


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_training_again_gives_the_same_bits(digits: Data, optimizer: str) -> None:
    recipe = SHORT.model_validate({**SHORT.model_dump(), "optimizer": optimizer})
    runs = []
    for _ in range(2):
        torch.rand(3)  # whatever the caller drew before must not matter
        model = rf.build(rf.load("digits_resnet8").replace({"head.dropout": 0.3}), seed=1)
        runs.append((train(model, digits, recipe, seed=1), model.state_dict()))
    (first, weights), (second, others) = runs
    assert first == second
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_the_random_state_of_the_caller_does_not_change(digits: Data) -> None:
    model = Watched(nn.Dropout(0.5))
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(model, digits, SHORT, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_it_learns(digits: Data, device: torch.device) -> None:
    model = rf.build("digits_resnet8", seed=0, device=device)
    recipe = Recipe(steps=40, evaluations=3)
    result = train(model, load_data(DigitsSpec(), device), recipe, seed=0)
    assert [point.step for point in result.test_curve] == [13, 26, 40]
    assert [step for step, _ in result.train_curve] == list(range(1, 41))
    assert result.test_error is not None
    assert result.test_error < 0.15


def test_on_step_gets_the_points_of_the_curve(digits: Data) -> None:
    told: list[tuple[int, float]] = []
    result = train(
        Watched(nn.Identity()), digits, SHORT, 0, on_step=lambda s, loss: told.append((s, loss))
    )
    assert tuple(told) == result.train_curve


def test_long_curves_are_thinned_to_means(digits: Data) -> None:
    told: list[float] = []
    recipe = Recipe(steps=401, batch_size=2, evaluations=1)
    result = train(
        Watched(nn.Identity()), digits, recipe, 0, on_step=lambda _, loss: told.append(loss)
    )
    assert len(result.train_curve) == 134
    assert result.train_curve[0] == (3, sum(told[:3]) / 3)
    assert result.train_curve[-1] == (401, sum(told[399:]) / 2)


class Scores(nn.Module):
    """A linear layer that keeps its outputs in training."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.linear(x.flatten(1))
        if self.training:
            self.seen.append(scores.detach())
        return scores


def test_training_errors_are_of_the_outputs_of_the_steps_and_need_no_pass(digits: Data) -> None:
    model, recipe = Scores(), Recipe(steps=30, batch_size=50, evaluations=3)
    run = Training(model, digits, recipe, seed=0)
    labels = [digits.train_y[rows] for rows in islice(Batches(1000, 50, seed=0), 30)]
    while not run.finished:
        run.advance()
    result = run.result()
    assert len(model.seen) == 30
    pairs = zip(model.seen, labels, strict=True)
    errors = [error_rate(scores, targets) for scores, targets in pairs]
    assert result.train_errors == tuple(enumerate(errors, start=1))
    assert result.train_error == pytest.approx(sum(errors[20:]) / 10, rel=1e-12)  # a sum of ten


class BlowsUp(nn.Module):
    """Linear; not a number from call ``when`` of training on."""

    def __init__(self, when: int) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10)
        self.left = when

    def forward(self, x: Tensor) -> Tensor:
        self.left -= self.training
        return self.linear(x.flatten(1)) * (float("inf") if self.left < 0 else 1.0)


def test_correct_holds_a_value_for_each_test_image(digits: Data) -> None:
    model = rf.build("digits_resnet8", seed=0)
    result = train(model, digits, SHORT, seed=0)
    told = predict(model, digits.test_x).argmax(dim=1) == digits.test_y
    assert result.correct == tuple(told.tolist())
    assert result.test_error == result.correct.count(False) / 797


def test_gradient_norms_are_those_of_the_first_and_the_last_step(digits: Data) -> None:
    recipe = Recipe(steps=4, batch_size=32, evaluations=1)
    norms: list[list[tuple[str, float]]] = []
    model = rf.build("digits_resnet8", seed=0)

    def look(step: int, _: float) -> None:
        weights = [(name, p.grad) for name, p in model.named_parameters() if p.ndim > 1]
        norms.append([(name, gradient.norm().item()) for name, gradient in weights])

    result = train(model, digits, recipe, seed=0, on_step=look)
    assert [list(step) for step in result.gradients] == [norms[0], norms[3]]
    assert result.gradients[0][0][0] == "conv1.weight"
    assert norms[0] != norms[3]


@pytest.mark.parametrize("when", [0, 1, 3, 5])
def test_a_loss_that_is_not_finite_ends_the_run(digits: Data, when: int) -> None:
    model = BlowsUp(when)
    result = train(model, digits, SHORT, seed=0)
    assert result.diverged
    assert result.steps == when
    assert (result.test_error, result.test_loss, result.train_loss) == (None, None, None)
    assert all(p.isfinite().all() for p in model.parameters())


def started(digits: Data, seed: int = 0, **changes: Any) -> Training:
    torch.manual_seed(0)
    recipe = Recipe.model_validate({**SHORT.model_dump(mode="json"), **changes})
    return Training(Scores(), digits, recipe, seed)


def ended(training: Training) -> Training:
    while not training.finished:
        training.advance()
    return training


def test_a_finished_training_does_no_further_step(digits: Data) -> None:
    for training in (ended(started(digits)), ended(Training(BlowsUp(3), digits, SHORT, seed=0))):
        steps = training.step
        with pytest.raises(rf.ResforgeError, match=f"is finished after {steps} steps"):
            training.advance()
        assert (training.finished, training.step) == (True, steps)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 4}, r"recipe.steps \(6 there, 4 here\)"),
        ({"steps": 8}, r"recipe.steps \(6 there, 8 here\)"),
        ({"optimizer": "adam"}, "recipe.optimizer"),
        ({"seed": 7}, r"seed \(0 there, 7 here\)"),
    ],
)
def test_the_state_of_another_training_is_refused(
    digits: Data, changes: dict[str, Any], message: str
) -> None:
    state = ended(started(digits)).state()
    with pytest.raises(
        rf.ResforgeError, match=f"does not fit this training .it differs in {message}"
    ):
        started(digits, **changes).restore(state)
    started(digits, channels_last=False).restore(state)  # which rounds differently


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.clear(), "KeyError: 'identity'"),
        (lambda state: state["identity"].update(data="0"), "it differs in data"),
        (lambda state: state["model"].pop("linear.bias"), "linear.bias is missing"),
        (lambda state: state.pop("record"), "KeyError: 'record'"),
    ],
)  # fmt: skip
def test_no_state_of_a_training_is_refused(
    digits: Data, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    state = started(digits).state()
    change(state)
    with pytest.raises(rf.ResforgeError, match=message):
        started(digits).restore(state)


@pytest.mark.parametrize(
    "change",
    [{"activation": "silu"}, {"shortcut": "none"}, {"norm": {"kind": "batch", "eps": 0.1}}],
)
def test_the_state_of_another_network_is_refused(digits: Data, change: dict[str, Any]) -> None:
    """Also of one with the same tensors."""
    spec = rf.load("digits_resnet8")
    state = Training(rf.build(spec, seed=0), digits, SHORT, seed=0).state()
    other = Training(rf.build(spec.replace(change), seed=0), digits, SHORT, seed=0)
    with pytest.raises(rf.ResforgeError, match=r"it differs in network\)"):
        other.restore(state)


def test_a_training_that_diverged_has_diverged_when_restored(digits: Data) -> None:
    def diverging() -> Training:
        return Training(BlowsUp(3), digits, SHORT, seed=0)

    other = diverging()
    other.restore(ended(diverging()).state())
    assert (other.finished, other.diverged, other.result().diverged) == (True, True, True)


def test_a_network_with_hooks_is_not_held_against_the_data(digits: Data) -> None:
    model = rf.build("cifar_resnet20", seed=0)
    with pytest.raises(rf.SpecError, match="takes 3 channels, the data has 1"):
        train(model, digits, SHORT, seed=0)
    model.register_forward_pre_hook(lambda _, given: given[0].expand(-1, 3, -1, -1))
    assert not train(model, digits, SHORT, seed=0).diverged


POOL, CONV = {"global_pool": "avg"}, {"conv": 1, "width": 10}
HEADS: list[tuple[Any, str, str, Any]] = [
    (None, "no head", "{num_classes: 10}", {"num_classes": 10}),
    ({"num_classes": 7}, "7 classes", "{num_classes: 10}", {"num_classes": 10}),
    ([POOL, {"linear": 7}], "7 classes", "[..., {linear: 10}]", [POOL, {"linear": 10}]),
    (
        [POOL, CONV],
        "outputs of shape (10, 1, 1)",
        "[..., {flatten: 1}]",
        [POOL, CONV, {"flatten": 1}],
    ),
    (
        [CONV],
        "outputs of shape (10, 2, 2)",
        "[..., {global_pool: avg}, {linear: 10}]",
        [CONV, POOL, {"linear": 10}],
    ),
]


@pytest.mark.parametrize(("head", "has", "help_", "fitting"), HEADS)
def test_a_head_of_other_outputs_is_answered_with_one_that_fits(
    digits: Data, head: Any, has: str, help_: str, fitting: Any
) -> None:
    tree = rf.load("digits_resnet8").to_tree()
    with pytest.raises(rf.SpecError) as caught:
        train(rf.build({**tree, "head": head}, seed=0), digits, SHORT, seed=0)
    (fault,) = caught.value.faults
    assert fault.message == f"the network has {has}, the data has 10 classes"
    assert fault.help == f"write head: {help_}"
    train(rf.build({**tree, "head": fitting}, seed=0), digits, SHORT, seed=0)


def test_a_network_whose_head_was_taken_off(digits: Data) -> None:
    model = rf.build("digits_resnet8", seed=0)
    model.fc = nn.Identity()
    with pytest.raises(rf.SpecError, match="the network has no head"):
        train(model, digits, SHORT, seed=0)


def test_a_training_at_a_constant_rate_is_lengthened(digits: Data) -> None:
    """Its result is that of one as long from the start; its curves have more points."""
    long = {"schedule": "constant", "steps": 9}
    short, longer = ended(started(digits, schedule="constant")), started(digits, **long)
    longer.restore(short.state())
    mine, whole = ended(longer).result(), ended(started(digits, **long)).result()
    assert (mine.correct, mine.gradients) == (whole.correct, whole.gradients)
    assert [point.step for point in mine.test_curve] == [3, 6, 9]
    with pytest.raises(rf.ResforgeError, match="9 there, 6 here"):
        started(digits, schedule="constant").restore(longer.state())


def test_prediction_restores_the_modes(digits: Data) -> None:
    model = rf.build("digits_resnet8", seed=0)
    model.train()
    model.get_submodule("bn1").eval()
    before = [module.training for module in model.modules()]
    probabilities = predict(model, digits.test_x, batch_size=100)
    assert [module.training for module in model.modules()] == before
    assert probabilities.shape == (797, 10)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(797))


def test_error_rate_counts(digits: Data) -> None:
    right = nn.functional.one_hot(digits.test_y, 10).float()
    assert error_rate(right, digits.test_y) == 0.0
    assert error_rate(1 - right, digits.test_y) == 1.0
    assert error_rate(right, digits.test_y.roll(1)) == error_rate(
        right.roll(-1, dims=0), digits.test_y
    )


def test_results_compare_as_values() -> None:
    point = rf.training.TestPoint(1, 0.5, 1.0)
    result = rf.training.TrainResult(((1, 2.0),), (point,), 1, False)
    assert result == replace(result)
    assert (result.test_error, result.test_loss, result.train_loss) == (0.5, 1.0, 2.0)


def test_recipes_and_data_specs_need_no_torch() -> None:
    code = (
        "import sys; from resforge.training import DigitsSpec, Recipe; Recipe(); DigitsSpec();"
        "import resforge.ablation; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
