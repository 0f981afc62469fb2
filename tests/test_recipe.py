"""Recipes: schedules as arithmetic, and what is refused."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pydantic import ValidationError
from resforge.training import DigitsSpec, Recipe
from resforge.training.schedule import (
    ConstantSchedule,
    CosineSchedule,
    OneCycleSchedule,
    StepSchedule,
)

schedules = st.sampled_from(
    [
        ConstantSchedule(),
        CosineSchedule(),
        CosineSchedule(floor=0.1),
        OneCycleSchedule(),
        OneCycleSchedule(rise=0.5, start=0.5),
        StepSchedule(),
        StepSchedule(milestones=(0.3,), gamma=0.5),
    ]
)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    steps = draw(st.integers(1, 400))
    return Recipe(
        optimizer=draw(st.sampled_from(["sgd", "adamw"])),
        schedule=draw(schedules),
        steps=steps,
        warmup_steps=draw(st.integers(0, steps - 1)),
        evaluations=draw(st.integers(1, 500)),
    )


@given(recipes())
def test_the_learning_rate_stays_between_nothing_and_its_peak(recipe: Recipe) -> None:
    rates = [recipe.learning_rate(step) for step in range(recipe.steps)]
    assert all(0.0 < rate <= recipe.optimizer.lr * (1 + 1e-12) for rate in rates)


@given(recipes())
def test_after_warm_up_every_schedule_but_one_cycle_only_falls(recipe: Recipe) -> None:
    if recipe.schedule.kind != "one_cycle":
        rates = [recipe.learning_rate(s) for s in range(recipe.warmup_steps, recipe.steps)]
        assert all(a >= b for a, b in itertools.pairwise(rates))


@given(recipes())
def test_warm_up_ends_where_the_schedule_is(recipe: Recipe) -> None:
    if recipe.warmup_steps:
        without = recipe.model_copy(update={"warmup_steps": 0})
        for step in (recipe.warmup_steps - 1, recipe.steps - 1):
            assert recipe.learning_rate(step) == without.learning_rate(step)


@given(recipes())
def test_the_last_step_is_always_evaluated(recipe: Recipe) -> None:
    steps = recipe.evaluation_steps()
    assert max(steps) == recipe.steps
    assert min(steps) >= 1
    assert len(steps) == min(recipe.evaluations, recipe.steps)


@given(recipes())
def test_json_round_trip(recipe: Recipe) -> None:
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_he_2015_divides_by_ten_at_half_and_three_quarters() -> None:
    recipe = Recipe(schedule="step", steps=64_000, optimizer={"kind": "sgd", "lr": 0.1})
    rates = [recipe.learning_rate(step) for step in (0, 31_999, 32_000, 47_999, 48_000, 63_999)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


@pytest.mark.parametrize(
    "tree",
    [
        {"step": 3},
        {"steps": 0},
        {"steps": True},
        {"steps": "120"},
        {"optimizer": "adam"},
        {"optimizer": {"kind": "sgd", "lr": float("nan")}},
        {"optimizer": {"kind": "adamw", "momentum": 0.9}},
        {"schedule": {"kind": "step", "milestones": [0.7, 0.5]}},
        {"schedule": {"kind": "step", "milestones": [1.5]}},
        {"steps": 10, "warmup_steps": 10},
        {"batch_size": 1},
    ],
)
def test_what_makes_no_sense_is_refused(tree: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Recipe(**tree)


def test_a_split_larger_than_the_set_is_refused() -> None:
    with pytest.raises(ValidationError, match="more images than the 1797"):
        DigitsSpec(train=1000, test=798)
