"""What is told of a sweep before it is run: the plan's numbers, and nothing trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import resforge as rf
import sweep_trials
from hypothesis import given
from resforge.ablation import Sweep, expand_sweep, plan_sweep, preview_sweep, read_sweep, run_sweep
from resforge.ablation.planning.pairing import shared
from resforge.ablation.planning.preview import FIGURES
from resforge.ablation.results.store import Store
from resforge.planner.figures import figures_of
from resforge.reading.diff import diff
from resforge.testing import strategies

AXES = {
    "depth": {"8": {}, "14": {"stages[*].depth": 2}},
    "shortcut": {"A": {}, "B": {"shortcut": "projection"}, "plain": {"shortcut": "none"}},
}


def sweep(**tree: object) -> Sweep:
    return Sweep(**{"sweep": 1, "base": "digits_resnet8", **tree})


def for_digits(spec: rf.ResNetSpec) -> rf.ResNetSpec | None:
    """``spec`` with the input and the classes of the digits; None where it is no network with them:
    a standardised weight of one number for each channel."""
    try:
        classifier = {"kind": "classifier", "num_classes": 10}
        return spec.replace({"in_channels": 1, "head": classifier})
    except rf.SpecError:
        return None


DRAWN = strategies.specs(max_stride=1, heads=True, input_size=8).map(for_digits).filter(bool)


@given(st.lists(DRAWN, min_size=1, max_size=3))
def test_the_figures_are_the_plans_and_the_changes_lead_there(specs: list[rf.ResNetSpec]) -> None:
    # Whole networks as arms: each part of a spec is a path.
    arms = {
        f"arm {index}": spec.model_dump(mode="json", exclude={"resforge"})
        for index, spec in enumerate(specs)
    }
    found = preview_sweep(sweep(arms=arms)).arms
    first = rf.plan(specs[0], 8)
    base = figures_of(first)
    for spec, arm in zip(specs, found, strict=True):
        planned = rf.plan(spec, 8)
        figures = figures_of(planned)
        for name in FIGURES:
            assert getattr(arm, name) == getattr(figures, name)
            assert arm.relative[name] == getattr(figures, name) / getattr(base, name) - 1
        assert arm.shared == shared(planned, first)
        changed = specs[0].replace({change.path: change.after for change in arm.changes})
        assert changed.digest == spec.digest == arm.digest
    assert found[0].changes == found[0].file_changes == ()


def test_arms_are_distinguished_in_the_words_of_the_file() -> None:
    arms: dict[str, dict[str, object]] = {
        "first": {"shortcut": "none", "stages[*].depth": 2},
        "same": {"stages[*].depth": 2, "shortcut": "none"},
        "other": {"shortcut": "projection", "norm": "none"},
    }
    first, same, other = preview_sweep(sweep(arms=arms)).arms
    assert (first.file_changes, first.same_as) == ((), None)
    assert (same.file_changes, same.same_as) == ((), "first")
    assert [tuple(change) for change in other.file_changes] == [
        ("shortcut", "projection", False),
        ("norm", "none", False),
        ("stages[*].depth", None, True),
    ]
    base = rf.load("digits_resnet8")
    assert other.changes == diff(base.replace(arms["first"]), base.replace(arms["other"]))


def test_trials_are_counted_as_they_are_planned() -> None:
    for design in ("grid", "one_factor", "pairwise"):
        wanted = sweep(axes=AXES, design=design, seeds=2)
        assert preview_sweep(wanted).trials == len(plan_sweep(wanted).trials)


def test_axes_that_give_the_same_network_are_warned_of() -> None:
    axes = {**AXES, "again": {"no": {}, "yes": {"shortcut": "none"}}}
    found = preview_sweep(sweep(axes=axes))
    assert (len(found.arms), found.networks) == (12, 6)
    assert found.warnings == (
        "4 of 12 arms differ from another in shortcut alone, and are the same network",
        "2 of 12 arms differ from another in shortcut and again alone, and are the same network",
        "shortcut and again both change shortcut: where both do, again overrides shortcut",
        "6 of 20 comparisons (such as depth=8/shortcut=B/again=yes - depth=8/shortcut=A/again=yes)"
        " are of a network with itself: nothing can come out of that; change an arm, or leave it"
        " out of the comparisons",
    )
    same = {arm.arm: arm.same_as for arm in found.arms if arm.same_as}
    assert same["depth=8/shortcut=plain/again=no"] == "depth=8/shortcut=A/again=yes"
    assert preview_sweep(sweep(axes=AXES)).warnings == ()


PLAIN = {"a": {}, "b": {"shortcut": "none"}}
MIXED = {"a": {}, "b": {"shortcut": "none", "recipe.optimizer.lr": 0.01}}


@pytest.mark.parametrize(
    ("tree", "warnings"),
    [
        ({"arms": PLAIN}, []),
        ({"arms": {"a": {}, "b": {"recipe.steps": 10}}}, []),
        (
            {"arms": {"a": {}, "b": {}}},
            [
                "the comparison b - a is of a network with itself: nothing can come out of that;"
                " change an arm, or leave it out of the comparisons"
            ],
        ),
        (
            {"arms": {**PLAIN, "c": {}}, "seeds": 2},
            [
                "with 2 seeds no comparison can be separable: use at least 3, or write"
                " comparisons: []",
                "1 of 2 comparisons (c - a) is of a network with itself: nothing can come"
                " out of that; change an arm, or leave it out of the comparisons",
            ],
        ),
        (
            {"arms": PLAIN, "comparisons": [], "seeds": {"first": 3, "most": 12}},
            [
                "nothing is compared, so that no seeds are added to the first 3: declare"
                " comparisons, or write seeds: 12"
            ],
        ),
        (
            {"arms": MIXED},
            [
                "the comparison b - a is of arms that differ in the network and in the recipe:"
                " neither explains a difference alone"
            ],
        ),
    ],
)
def test_what_cannot_be_claimed_is_warned_of(tree: dict[str, Any], warnings: list[str]) -> None:
    assert [*preview_sweep(sweep(**tree)).warnings] == warnings


def test_every_illegal_arm_is_reported_and_the_legal_ones_too() -> None:
    axes = {**AXES, "width": {"same": {}, "narrow": {"stages[2].width": 8}}}
    found = preview_sweep(sweep(axes=axes))
    assert [arm.name for arm in found.illegal] == [
        "depth=8/shortcut=A/width=narrow",
        "depth=14/shortcut=A/width=narrow",
    ]
    assert len(found.arms) == 10
    assert found.error is not None
    assert found.error.faults == found.illegal[0].faults == found.illegal[1].faults
    with pytest.raises(rf.SpecError) as caught:
        expand_sweep(sweep(axes=axes))
    assert caught.value.faults == found.error.faults


def test_where_the_first_arm_is_illegal_the_next_stands_for_it() -> None:
    arms = {"bad": {"shortcut": "identity"}, "A": {}, "B": {"shortcut": "projection"}}
    found = preview_sweep(sweep(arms=arms, match={"params": "1%"}))
    assert [arm.arm for arm in found.arms] == ["A", "B"]
    assert found.arms[0].relative["params"] == 0
    # There is nothing to match them to.
    assert [arm.matched for arm in found.arms] == [None, None]
    nothing = preview_sweep(sweep(arms={"bad": {"shortcut": "identity"}}))
    assert (nothing.arms, nothing.trials) == ((), 0)


def test_over_the_budget_is_reported_beside_all_else(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "sweep: 1\nbase: digits_resnet8\narms:\n  A: {}\n  bad: {shortcut: identity}\n"
        "budget: {trials: 2}\n"
    )
    found = preview_sweep(read_sweep(path))
    assert found.error is not None
    assert [fault.line for fault in found.error.faults] == [5, 6]


def test_the_time_of_the_rest_is_estimated_from_what_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(tmp_path / "log"))
    run_sweep(sweep_trials.sweep(seeds=2, arms=2), tmp_path, 1, trial="sweep_trials:quick")
    more = sweep_trials.sweep(seeds=3, arms=3)
    found = preview_sweep(more, tmp_path).expected
    assert found is not None
    assert (found.recorded, found.missing, found.scaled) == (4, 5, 3)
    one, two, three = (arm.macs for arm in expand_sweep(more))
    # Half a second each; the third network is the second's by its cost.
    assert found.seconds == pytest.approx(2 * 0.5 + 3 * 0.5 * three / two)
    assert one != two
    done = preview_sweep(sweep_trials.sweep(seeds=2, arms=2), tmp_path).expected
    assert done is not None
    assert (done.recorded, done.missing, done.seconds) == (4, 0, 0.0)
    other = more.model_copy(update={"recipe": more.recipe.model_copy(update={"steps": 7})})
    for wanted, folder in ((other, tmp_path), (more, tmp_path / "nowhere")):
        unknown = preview_sweep(wanted, folder).expected
        assert unknown is not None
        assert (unknown.recorded, unknown.missing, unknown.seconds) == (0, 9, None)


def test_the_time_is_estimated_from_what_an_earlier_version_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(tmp_path / "log"))
    asked = sweep_trials.sweep(seeds=1, arms=1)
    run_sweep(asked, tmp_path, 1, trial="sweep_trials:quick")
    with Store(tmp_path) as store:
        (text,) = store.database.execute("SELECT value FROM meta WHERE name='sweep'").fetchone()
        tree = json.loads(text)
        tree["recipe"]["warmup_steps"] = tree["recipe"].pop("warmup")["steps"]
        for later in ("precision", "channels_last", "select"):
            del tree["recipe"][later]
        for later in ("validation", "augment", "channels"):
            del tree["data"][later]
        row = (json.dumps(tree),)
        store.database.execute("UPDATE meta SET value = ? WHERE name = 'sweep'", row)
    found = preview_sweep(sweep_trials.sweep(seeds=3, arms=1), tmp_path).expected
    assert found is not None
    assert (found.recorded, found.missing, found.seconds) == (1, 2, pytest.approx(1.0))
    held_out = asked.model_copy(update={"data": asked.data.model_copy(update={"validation": 9})})
    unknown = preview_sweep(held_out, tmp_path).expected
    assert unknown is not None
    assert (unknown.recorded, unknown.seconds) == (0, None)


def test_where_the_data_stands_is_no_part_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(tmp_path / "log"))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    parts = {f"x_{part}": rng.integers(0, 256, (20, 8, 8), np.uint8) for part in ("train", "test")}
    np.savez("held.npz", y_train=np.arange(20) % 10, y_test=np.arange(20) % 10, **parts)
    Path("held.yaml").write_text(
        "sweep: 1\nbase: digits_resnet8\narms: {A: {}}\nseeds: 1\n"
        "data: {kind: npz, path: held.npz}\n"
        "recipe: {batch_size: 10}\n"
    )
    run_sweep(read_sweep("held.yaml"), "out", 1, trial="sweep_trials:quick")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    found = preview_sweep(read_sweep("../held.yaml"), "../out").expected
    assert found is not None
    assert (found.recorded, found.missing) == (1, 0)


def test_data_that_is_not_there_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "sweep: 1\nbase: cifar_resnet20\narms: {A: {}}\ndata: {kind: cifar10, path: nowhere}\n"
    )
    assert preview_sweep(read_sweep(path)).trials == 3


def test_a_preview_is_json() -> None:
    found = preview_sweep(sweep(axes=AXES, match={"macs": "2%"}))
    tree = json.loads(json.dumps(found.as_dict()))
    assert tree["arms"][1]["labels"] == {"depth": "8", "shortcut": "B"}
    assert tree["arms"][1]["matched"]["by"] == "width"
    assert tree["arms"][1]["shared"]["of"] == 29
    assert {change["path"] for change in tree["arms"][1]["changes"]} >= {"shortcut.change"}


@pytest.mark.parametrize("call", [preview_sweep, plan_sweep, run_sweep])
def test_a_path_is_no_sweep(call: Any, tmp_path: Path) -> None:
    rest = (tmp_path / "out",) if call is run_sweep else ()
    with pytest.raises(
        rf.SpecError, match=f"{call.__name__} takes a Sweep, not str.*\n.*load_sweep"
    ):
        call("sweep.yaml", *rest)
    assert not (tmp_path / "out").exists()
