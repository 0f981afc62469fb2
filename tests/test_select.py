"""Which step of a run is tested, and by what it is chosen."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.ablation import Sweep, expand_sweep, plan_sweep, read_records, run_sweep
from resforge.ablation.results.export import export_results
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial
from resforge.training import Data, DigitsSpec, Recipe, TrainResult, error_rate, load_data, predict
from resforge.training import train as run
from resforge.training.schedule import ConstantSchedule
from torch import Tensor, nn

RECIPE = Recipe(steps=12, batch_size=16, evaluations=6, select="best")


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data(DigitsSpec(train=140, test=60, validation=40))


class Wavering(nn.Module):
    """Linear, with errors of ``errors`` on any images of class 0: one for each evaluation."""

    def __init__(self, errors: list[float]) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10)
        self.errors = [*reversed(errors)]

    def forward(self, x: Tensor) -> Tensor:
        scores = self.linear(x.flatten(1))
        if self.training:
            return scores
        wrong = round(self.errors.pop() * len(x))
        fixed = torch.zeros(len(x), 10)
        fixed[:wrong, 1] = fixed[wrong:, 0] = 1
        return fixed


def all_of_class_0(digits: Data) -> Data:
    aside, labels = digits.validation or (digits.test_x, digits.test_y)
    zeros = torch.zeros_like
    return replace(digits, test_y=zeros(digits.test_y), validation=(aside, zeros(labels)))


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=6, max_size=6))
def test_the_first_step_of_the_lowest_validation_error_is_tested(
    digits: Data, errors: list[tuple[int, int]]
) -> None:
    # Of test images and of those set aside, in turn; both numbers of images are multiples of 4.
    told = [share / 4 for pair in errors for share in pair]
    result = run(Wavering(told), all_of_class_0(digits), RECIPE, seed=0)
    validation = [other / 4 for _, other in errors]
    best = validation.index(min(validation))
    assert [point.error for point in result.validation_curve] == validation
    assert result.selected == 2 * (best + 1)
    assert result.test_error == errors[best][0] / 4
    assert result.correct.count(False) / 60 == result.test_error


def test_the_model_has_the_weights_of_the_selected_step(digits: Data) -> None:
    recipe = RECIPE.model_copy(update={"schedule": ConstantSchedule()})
    torch.manual_seed(0)
    model = Wavering([0.5] * 5 + [0.25] + [0.5] * 6)
    shorter = copy.deepcopy(model)
    assert run(model, all_of_class_0(digits), recipe, seed=0).selected == 6
    run(shorter, digits, recipe.model_copy(update={"steps": 6, "select": "last"}), seed=0)
    assert torch.equal(model.linear.weight, shorter.linear.weight)
    assert torch.equal(model.linear.bias, shorter.linear.bias)


def test_the_model_makes_the_errors_of_the_result(digits: Data) -> None:
    model = rf.build("digits_resnet8", seed=0)
    result = run(model, digits, RECIPE, seed=0)
    assert error_rate(predict(model, digits.test_x), digits.test_y) == result.test_error
    assert digits.validation is not None
    aside, labels = digits.validation
    lowest = min(point.error for point in result.validation_curve)
    assert error_rate(predict(model, aside), labels) == lowest


def trained(digits: Data, **changes: Any) -> TrainResult:
    return run(rf.build("digits_resnet8", seed=1), replace(digits, **changes), RECIPE, seed=1)


@settings(max_examples=5)
@given(st.permutations(range(60)))
def test_test_labels_do_not_change_the_selection(digits: Data, order: list[int]) -> None:
    one, other = trained(digits), trained(digits, test_y=digits.test_y[torch.tensor(order)])
    assert one.selected == other.selected
    assert one.validation_curve == other.validation_curve
    assert one.train_curve == other.train_curve


def test_the_last_step_is_tested_unless_the_recipe_says_otherwise(digits: Data) -> None:
    recipe = RECIPE.model_copy(update={"select": "last"})
    result = run(rf.build("digits_resnet8", seed=1), digits, recipe, seed=1)
    best = trained(digits)
    assert result.selected == 12
    assert result.test_error == result.test_curve[-1].error
    # To choose among the steps changes none of them.
    assert result.test_curve == best.test_curve
    assert result.validation_curve == best.validation_curve


def test_to_select_needs_images_set_aside(digits: Data) -> None:
    with pytest.raises(rf.ResforgeError, match="give the data a validation above 0"):
        run(nn.Flatten(), replace(digits, validation=None), RECIPE, seed=0)
    with pytest.raises(rf.SpecError, match="needs validation images") as caught:
        expand_sweep(
            Sweep(sweep=1, base="digits_resnet8", arms={"A": {}}, recipe={"select": "best"})
        )
    assert caught.value.path == "recipe.select"
    assert "validation: N" in (caught.value.help or "")


def test_a_validation_loss_that_is_not_finite_is_divergence(digits: Data) -> None:
    assert digits.validation is not None
    aside, labels = digits.validation
    result = trained(digits, validation=(aside * float("inf"), labels))
    assert result.diverged
    assert (result.selected, result.test_error) == (None, None)


@pytest.fixture
def sweep() -> Sweep:
    return Sweep(
        sweep=1,
        base="digits_resnet8",
        arms={"A": {}},
        seeds=2,
        data={"kind": "digits", "train": 140, "test": 60, "validation": 40},
        recipe=RECIPE.model_dump(),
    )


def test_the_store_holds_both_curves_and_the_step(sweep: Sweep, tmp_path: Path) -> None:
    plan = plan_sweep(sweep)
    run_sweep(sweep, tmp_path, engine="inline")
    records = read_records(tmp_path)
    assert records.tested == "the step with the lowest validation error"
    for trial, planned in zip(records.trials["A"], plan.trials, strict=True):
        assert trial.outcome.numbers == run_trial(make_task(plan, planned)).numbers
        lowest = min(error for _, error, _ in trial.outcome.validation_curve)
        assert trial.outcome.validation_error == lowest
        at = {step: error for step, error, _ in trial.outcome.test_curve}
        assert trial.outcome.test_error == at[trial.outcome.selected]
    told = json.loads(export_results(records, "json"))
    assert [row["selected_step"] for row in told] == [
        trial.outcome.selected for trial in records.trials["A"]
    ]
    assert [len(row["validation_curve"]) for row in told] == [6, 6]
    curves = export_results(records, "csv", curves=True)
    assert curves.count(",validation,") == 12


def test_keys_without_selection_do_not_change(sweep: Sweep) -> None:
    # Results of an earlier version are not trained again for a key that nobody wrote.
    assert "select" not in Recipe().identity()
    assert RECIPE.identity()["select"] == "best"
