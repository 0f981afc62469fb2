"""Arms that change the recipe: their trials' keys, their records, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from resforge.ablation import (
    Outcome,
    Sweep,
    compare,
    compare_pairs,
    expand_sweep,
    export_results,
    plan_sweep,
    preview_sweep,
    read_records,
    read_sweep,
    render_report,
    run_sweep,
    sweep_status,
)
from resforge.training import Recipe

RATES = {"usual": {}, "slow": {"recipe.optimizer.lr": 0.01}}


def sweep(**tree: Any) -> Sweep:
    return Sweep(**{"sweep": 1, "base": "digits_resnet8", **tree})


def keys(**tree: Any) -> dict[str, str]:
    return {trial.arm.name: trial.key for trial in plan_sweep(sweep(seeds=1, **tree)).trials}


def test_a_change_of_the_recipe_is_the_recipe_of_that_arm() -> None:
    changes = {"recipe.optimizer": "adam", "recipe.optimizer.beta1": 0.8, "recipe.warmup": 5}
    usual, own, whole = expand_sweep(
        sweep(arms={"a": {}, "b": changes, "c": {"recipe": "he2015_cifar"}})
    )
    assert usual.recipe == Recipe()
    assert own.recipe == Recipe(optimizer={"kind": "adam", "beta1": 0.8}, warmup=5)
    # How arms are measured is the sweep's.
    assert whole.recipe == Recipe.named("he2015_cifar", evaluations=6)
    assert usual.spec == own.spec
    assert usual.identity == usual.digest
    assert len({usual.identity, own.identity, whole.identity}) == 3


def test_a_trial_has_the_key_that_it_has_in_a_sweep_of_that_recipe() -> None:
    one = keys(arms=RATES)
    other = keys(arms={"slow": {}}, recipe={"optimizer": {"kind": "sgd", "lr": 0.01}})
    assert one["slow"] == other["slow"]
    assert one["usual"] == keys(arms={"usual": {}})["usual"] != one["slow"]


def test_a_change_to_what_the_sweep_says_anyway_trains_nothing_more() -> None:
    plan = plan_sweep(sweep(arms={"a": {}, "b": {"recipe.steps": 120}}, seeds=3))
    assert len(plan.trials) == 3


@pytest.mark.parametrize(
    ("change", "place", "remedy"),
    [
        ("recipe.optimizer.momentumm: 0.5", "5:7", "did you mean 'momentum'?"),
        ("recipe.warmup: 400", "5:22", "use at most 119"),
        ("recipe.batch_size: 2000", "5:26", "use at most 1000"),
        ("recipe.select: best", "5:22", "write select in the sweep's recipe"),
        ("recipe: {evaluations: 3}", "5:15", "write evaluations in the sweep's recipe"),
        ("recipe.optimizer: {lr: 1}", "5:25", "write kind: sgd or adam or adamw"),
        ("recipe.optimizer.beta1: 0.5", "5:7", "it has kind, lr, momentum"),
        ("recipe: he2015", "5:15", "did you mean"),
        ("recipe.stepps: 3", "5:7", "did you mean 'steps'?"),
        ("recipe.schedule: step\n      recipe.schedule.gamma: 2", "6:30", "use at most 1"),
        ("recipe.steps: 9\n      recipe.warmup: 9", "6:22", "use at most 8"),
    ],
)
def test_a_change_that_contradicts_the_sweep_has_place_and_remedy(
    tmp_path: Path, change: str, place: str, remedy: str
) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"sweep: 1\nbase: digits_resnet8\narms:\n  a: {{}}\n  b: {{{change}}}\n")
    file.write_text(file.read_text().replace(f"b: {{{change}}}", f"b:\n      {change}"))
    line, column = place.split(":")
    with pytest.raises(rf.SpecError) as caught:
        expand_sweep(read_sweep(file))
    fault = caught.value.faults[0]
    assert fault.line == int(line) + 1
    assert fault.column == int(column)
    assert remedy in (fault.help or "")


def test_the_preview_shows_it_beside_the_networks() -> None:
    changes = {"shortcut": "projection", "recipe.optimizer.lr": 0.01, "recipe.batch_size": 64}
    preview = preview_sweep(sweep(arms={"A": {}, "B": changes}))
    b = preview.arms[1]
    assert [change.path for change in b.file_changes] == [*changes]
    assert [tuple(change) for change in b.recipe_changes] == [
        ("recipe.optimizer.lr", 0.1, 0.01),
        ("recipe.batch_size", 128, 64),
    ]
    assert preview.as_dict()["arms"][1]["recipe_changes"][0]["after"] == 0.01
    assert any("batches of different sizes" in warning for warning in preview.warnings)


def test_a_longer_arm_counts_its_own_steps() -> None:
    one = preview_sweep(sweep(arms={"a": {}}))
    two = preview_sweep(sweep(arms={"a": {}, "b": {"recipe.steps": 240}}))
    assert two.networks == 2
    assert 2.5 * one.macs < two.macs < 3 * one.macs


def test_arms_of_one_network_keep_their_own_trials(tmp_path: Path) -> None:
    recipe = {"steps": 4, "batch_size": 32, "evaluations": 1}
    one = sweep(arms=RATES, seeds=2, recipe=recipe)
    summary = run_sweep(one, tmp_path, engine="inline")
    assert summary.finished == 4
    records = read_records(tmp_path)
    curves = {arm: [t.outcome.train_curve for t in found] for arm, found in records.trials.items()}
    assert len(curves["usual"]) == 2
    assert curves["usual"] != curves["slow"]
    # The first step starts from the same weights on the same images.
    assert curves["usual"][0][0] == curves["slow"][0][0]
    assert sweep_status(tmp_path).arms["slow"]["done"] == 2
    assert [row.done for row in compare(records)] == [2, 2]
    (pair,) = compare_pairs(records)
    assert not pair.same_network
    assert pair.n == 2
    digest = rf.load("digits_resnet8").digest
    rows = list(csv.DictReader(io.StringIO(export_results(records))))
    assert {row["digest"] for row in rows} == {digest}
    assert [row["recipe"] for row in rows] == ["", "", *["recipe.optimizer.lr: 0.01"] * 2]
    objects = json.loads(export_results(records, "json"))
    assert objects[-1]["recipe"] == {"recipe.optimizer.lr": 0.01}
    assert "recipe.optimizer.lr: 0.01" in render_report(records)
    # The sweep whose recipe this is has these trials already, under the digest of the network.
    slow = recipe | {"optimizer": {"kind": "sgd", "lr": 0.01}}
    again = run_sweep(sweep(arms={"a": {}}, seeds=2, recipe=slow), tmp_path, engine="inline")
    assert again.ran == 0
    found = read_records(tmp_path).trials["a"]
    assert [t.outcome.train_curve for t in found] == curves["slow"]


def test_the_preview_takes_the_times_of_an_arm_with_its_recipe(tmp_path: Path) -> None:
    from resforge.ablation.results.owner import Owner
    from resforge.ablation.results.store import Store

    def written(steps: int) -> Sweep:
        return sweep(arms={"a": {}, "b": {"recipe.steps": steps}}, seeds=2)

    with Store(tmp_path, create=True) as store:
        owner = Owner.me()
        store.adopt(plan_sweep(written(240)).record, owner)
        for seconds in (6.0, 3.0):  # the dearest first
            claim = store.claim(owner)
            assert claim is not None
            done = Outcome("done", ((1, 1.0),), ((1, 0.5, 1.0),), steps=1, seconds=seconds)
            store.record(claim, done)
    expected = preview_sweep(written(240), tmp_path).expected
    assert expected is not None
    assert (expected.missing, expected.seconds) == (2, 9.0)
    longer = preview_sweep(written(360), tmp_path).expected
    assert longer is not None
    assert (longer.missing, longer.scaled, longer.seconds) == (3, 2, 21.0)
