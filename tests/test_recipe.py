"""Recipes: schedules as arithmetic, and what is refused."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pydantic import ValidationError
from resforge.ablation import Sweep, load_sweep, plan_sweep
from resforge.errors import ResforgeError, SpecError
from resforge.training import DigitsSpec, Recipe
from resforge.training import recipes as named
from resforge.training.schedule import (
    ConstantSchedule,
    CosineSchedule,
    OneCycleSchedule,
    StepSchedule,
)
from resforge.training.warmup import LinearWarmup, UntilErrorWarmup, WarmupState

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
        warmup=draw(st.integers(0, steps - 1)),
        evaluations=draw(st.integers(1, 500)),
    )


@given(recipes())
def test_the_learning_rate_stays_between_nothing_and_its_peak(recipe: Recipe) -> None:
    rates = [recipe.learning_rate(step) for step in range(recipe.steps)]
    assert all(0.0 < rate <= recipe.optimizer.lr * (1 + 1e-12) for rate in rates)


@given(recipes())
def test_after_warm_up_every_schedule_but_one_cycle_only_falls(recipe: Recipe) -> None:
    if recipe.schedule.kind != "one_cycle":
        rates = [recipe.learning_rate(s) for s in range(recipe.warmup.steps, recipe.steps)]
        assert all(a >= b for a, b in itertools.pairwise(rates))


@given(recipes())
def test_warm_up_ends_where_the_schedule_is(recipe: Recipe) -> None:
    if recipe.warmup.steps:
        without = recipe.model_copy(update={"warmup": LinearWarmup()})
        for step in (recipe.warmup.steps - 1, recipe.steps - 1):
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
        {"optimizer": "adagrad"},
        {"optimizer": {"kind": "sgd", "lr": float("nan")}},
        {"optimizer": {"kind": "adamw", "momentum": 0.9}},
        {"schedule": {"kind": "step", "milestones": [0.7, 0.5]}},
        {"schedule": {"kind": "step", "milestones": [1.5]}},
        {"steps": 10, "warmup": 10},
        {"warmup": True},
        {"warmup": "linearly"},
        {"warmup": {"kind": "until_error", "error": 80}},
        {"warmup_steps": 4},
        {"precision": "half"},
        {"channels_last": 1},
        {"batch_size": 1},
    ],
)
def test_invalid_recipes_are_refused(tree: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Recipe(**tree)


NAMES = named.list_recipes()


def test_the_documentation_lists_every_named_recipe() -> None:
    text = (Path(__file__).parents[1] / "docs" / "sweeps.md").read_text(encoding="utf-8")
    table = text.split("| recipe | what it is | source |", 1)[1].split("\n\n", 1)[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == [*NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_a_named_recipe_has_its_source(name: str) -> None:
    first, *_ = (files(named) / f"{name}.yaml").read_text(encoding="utf-8").split("\n\n")
    assert first.startswith("# ")
    assert "arXiv" in first or "github.com" in first or "torchvision's" in first


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("he2015_cifar", {0: 0.1, 31_999: 0.1, 32_000: 0.01, 48_000: 0.001, 63_999: 0.001}),
        ("he2015_cifar_110", {0: 0.1, 31_999: 0.1, 32_000: 0.01, 48_000: 0.001}),
        (
            "zagoruyko2016_cifar",
            {23_399: 0.1, 23_400: 0.02, 46_799: 0.02, 46_800: 0.004, 62_400: 0.0008},
        ),
        ("cosine_cifar", {0: 0.1, 39_000: 0.05}),
        ("one_cycle_cifar", {0: 0.004, 6_327: 0.1}),
        ("torchvision_imagenet", {150_119: 0.1, 150_120: 0.01, 300_239: 0.01, 300_240: 0.001}),
    ],
)
def test_a_named_recipe_has_the_learning_rates_of_its_source(
    name: str, rates: dict[int, float]
) -> None:
    recipe = Recipe.named(name)
    assert {step: recipe.learning_rate(step) for step in rates} == pytest.approx(rates)


def test_the_warm_up_of_110_layers_is_all_that_it_adds() -> None:
    deep = Recipe.named("he2015_cifar_110")
    assert deep.learning_rate(0, warm=False) == pytest.approx(0.01)
    assert deep.model_copy(update={"warmup": LinearWarmup()}) == Recipe.named("he2015_cifar")


def test_changes_are_merged_into_a_named_recipe() -> None:
    recipe = Recipe.named(
        "he2015_cifar", steps=1000, optimizer={"lr": 0.05}, schedule="cosine", warmup=5
    )
    assert (recipe.steps, recipe.batch_size, recipe.warmup) == (1000, 128, LinearWarmup(steps=5))
    assert (recipe.optimizer.lr, recipe.optimizer.weight_decay) == (0.05, 1e-4)
    assert recipe.schedule == CosineSchedule()
    assert Recipe.named("he2015_cifar", optimizer="adamw").optimizer.lr == 1e-3


def test_a_file_may_name_a_recipe_and_its_trials_are_those_of_one_written_out() -> None:
    def sweep(recipe: Any) -> Sweep:
        return Sweep(sweep=1, base="digits_resnet8", arms={"a": {}}, recipe=recipe)

    written = Recipe.named("he2015_cifar", steps=20).model_dump()
    named = sweep({"base": "he2015_cifar", "steps": 20})
    assert plan_sweep(named).digest == plan_sweep(sweep(written)).digest
    assert sweep("he2015_cifar").recipe == Recipe.named("he2015_cifar")


@pytest.mark.parametrize(
    ("recipe", "path", "message", "help"),
    [
        ("he2015_cifr", "recipe", "no recipe is called 'he2015_cifr'", "'he2015_cifar'"),
        ("{base: coscifar}", "recipe.base", "no recipe is called", "'cosine_cifar'"),
        ("{base: 7}", "recipe.base", "expected the name of a recipe, not 7", "write he2015_cifar"),
        ("{base: cosine_cifar, step: 3}", "recipe.step", "unknown key", "'steps'"),
        ("{warmup_steps: 3}", "recipe.warmup_steps", "unknown key", "'warmup'"),
    ],
)
def test_an_unknown_name_is_reported_with_its_position(
    tmp_path: Path, recipe: str, path: str, message: str, help: str
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(f"sweep: 1\nbase: digits_resnet8\narms: {{a: {{}}}}\nrecipe: {recipe}\n")
    with pytest.raises(SpecError) as caught:
        load_sweep(file)
    error = caught.value
    assert (error.path, error.line) == (path, 4)
    assert message in error.message
    assert help in (error.help or "")


def test_an_unknown_name_in_python_is_reported_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="did you mean 'he2015_cifar'"):
        Recipe.named("he2015cifar")


def test_he_2015_waits_at_a_tenth_until_the_training_error_is_below_its_bound() -> None:
    recipe = Recipe(steps=100, schedule="constant", warmup={"kind": "until_error", "batches": 3})
    waiting = WarmupState(recipe.warmup)
    rates = []
    for step, error in enumerate((0.7, 0.7, 0.99, 0.9, 0.6, 0.95, 0.95, 0.95)):
        rates.append(recipe.learning_rate(step, waiting.over))
        if not waiting.over:
            waiting.note(error)
    # 0.7, 0.7 and 0.99 are 0.797 on average: over with the third, whatever comes after.
    assert rates == pytest.approx([0.01] * 3 + [0.1] * 5)
    assert recipe.learning_rate(0) == 0.1


def test_the_bound_itself_is_not_below_it() -> None:
    waiting = WarmupState(UntilErrorWarmup(error=0.5, batches=1))
    waiting.note(0.5)
    assert not waiting.over
    assert WarmupState(LinearWarmup(steps=5)).over


def test_recipes_of_the_first_version_keep_their_keys() -> None:
    sgd = {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 1e-4}
    old = {
        "optimizer": sgd,
        "schedule": {"kind": "cosine", "floor": 0.0},
        "steps": 120,
        "batch_size": 128,
        "warmup_steps": 7,
        "label_smoothing": 0.0,
        "evaluations": 6,
    }
    unfused = {"kind": "sgd", "fused": False}
    assert Recipe(warmup=7, channels_last=False, optimizer=unfused).identity() == old
    assert Recipe(warmup=7, optimizer=unfused).identity() == {**old, "channels_last": True}
    fused = {**old, "optimizer": {**sgd, "fused": None}}
    assert Recipe(warmup=7, channels_last=False).identity() == fused
    changes = [{"warmup": 8}, {"warmup": "until_error"}, {"precision": "bfloat16"}]
    changes += [{"channels_last": False}, {"steps": 121}, {"compile": True}]
    changes += [
        {"compile": True, "cuda_graphs": True},
        {"optimizer": {"kind": "sgd", "fused": True}},
        {"optimizer": unfused},
    ]
    seen = [Recipe(**{"warmup": 7, **change}).identity() for change in changes]
    assert all(one != other for one, other in itertools.combinations(seen, 2))


def test_float16_is_for_cuda_alone() -> None:
    Recipe(precision="float16").check_device("cuda")
    Recipe(precision="bfloat16").check_device("cpu")
    with pytest.raises(ResforgeError, match="on cpu: use precision bfloat16"):
        Recipe(precision="float16").check_device("cpu")


def test_cuda_graphs_are_for_compiled_training_on_cuda() -> None:
    recipe = Recipe(compile=True, cuda_graphs=True)
    recipe.check_device("cuda")
    with pytest.raises(ResforgeError, match="on mps: leave cuda_graphs out, or use a machine"):
        recipe.check_device("mps")
    with pytest.raises(ValidationError, match="nothing is compiled"):
        Recipe(cuda_graphs=True)


@pytest.mark.parametrize("name", ["he2015_cifar", "torchvision_imagenet"])
def test_a_recipe_for_a_gpu_changes_only_how_it_is_computed(name: str) -> None:
    plain, gpu = Recipe.named(name).identity(), Recipe.named(f"{name}_gpu").identity()
    how = {"precision", "compile", "cuda_graphs"}
    assert gpu["optimizer"].pop("fused") is True
    assert plain["optimizer"].pop("fused") is None  # fused on a CPU
    assert plain == {key: value for key, value in gpu.items() if key not in how}
    assert gpu["precision"] == "bfloat16"


def test_a_split_larger_than_the_set_is_refused() -> None:
    with pytest.raises(ValidationError, match="more images than the 1797"):
        DigitsSpec(train=1000, test=798)
