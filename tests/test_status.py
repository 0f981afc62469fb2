"""Where a sweep stands, retrying what failed, and taking results elsewhere."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import resforge as rf
from command_line import Cli, Terminal
from resforge.ablation import (
    Outcome,
    Store,
    Sweep,
    SweepPlan,
    export_results,
    plan_sweep,
    read_records,
    retry_trials,
    sweep_status,
)
from resforge.ablation.results.owner import Owner
from resforge.ablation.running.progress import Lines, LiveBar, progress_on

ENDS = {
    ("A", 0): Outcome(
        "done",
        ((1, 2.0), (2, 0.1)),
        ((1, 0.5, 2.0), (2, 0.25, 1.0)),
        steps=2,
        train_errors=((1, 0.75), (2, 0.5)),
    ),
    ("A", 1): Outcome("failed", error="Traceback ...\nValueError: no"),
    ("B", 0): Outcome("timed_out", error="stopped after its time limit of 1 s"),
    ("B", 1): Outcome("diverged", ((1, 2.5),), steps=1),
}


@pytest.fixture
def plan() -> SweepPlan:
    # Twin means the network of A: the two share their trials.
    arms = {"A": {}, "B": {"shortcut": "none"}, "twin": {"shortcut": "zero_pad"}}
    return plan_sweep(Sweep(sweep=1, name="n", base="digits_resnet8", arms=arms, seeds=3))


@pytest.fixture
def out(tmp_path: Path, plan: SweepPlan) -> Path:
    """Four of six trials recorded, one at work, one waiting."""
    folder, me = tmp_path / "out", Owner.me()
    folder.mkdir()
    names = {trial.key: (trial.arm.name, trial.seed) for trial in plan.trials}
    with Store(folder, create=True) as store:
        store.adopt(plan.record, me)
        for _ in range(5):
            claim = store.claim(me)
            assert claim is not None
            if names[claim.key] in ENDS:
                store.record(claim, ENDS[names[claim.key]])
    return folder


def test_status_counts_every_trial_once(cli: Cli, out: Path) -> None:
    done = cli("sweep", "status", "out")
    assert done.code == 1
    assert [line.split() for line in done.lines] == [
        ["arm", "done", "diverged", "failed", "crashed", "timed", "out", "running", "waiting"],
        ["A", "1", "0", "1", "0", "0", "1", "0"],
        ["B", "0", "1", "0", "0", "1", "0", "1"],
        ["twin", "1", "0", "1", "0", "0", "1", "0"],
        [],
        ["4", "of", "6", "trials", "recorded,", "1", "active", "run"],
    ]
    assert done.err == "to train the 2 that failed again: resforge sweep retry out\n"
    told = cli("sweep", "status", "out", "--json").json
    assert (told["name"], told["total"], told["finished"], told["drivers"]) == ("n", 6, 4, 1)
    assert sum(told["trials"].values()) == 6
    assert told["arms"][1] == {
        **{"arm": "B", "done": 0, "stopped": 0, "diverged": 1, "failed": 0, "crashed": 0},
        "timed_out": 1,
        **{"running": 0, "waiting": 1},
    }


def test_what_a_gone_run_was_at_waits(out: Path, plan: SweepPlan) -> None:
    with Store(out) as store:
        store.database.execute("UPDATE trials SET lease = 0 WHERE state = 'running'")
        store.database.execute("UPDATE drivers SET lease = 0")
    status = sweep_status(out)
    assert (status.trials["running"], status.trials["waiting"], status.drivers) == (0, 2, 0)


def test_retry_lets_what_failed_wait_again_and_nothing_else(cli: Cli, out: Path) -> None:
    done = cli("sweep", "retry", "out")
    assert done.code == 0
    assert sorted(done.lines) == ["A, seed 1: failed", "B, seed 0: timed out"]
    assert done.err == "2 trials wait again; run the sweep\n"
    status = sweep_status(out)
    assert (status.bad, status.trials["waiting"]) == (0, 3)
    assert (status.trials["done"], status.trials["diverged"]) == (1, 1)
    assert cli("sweep", "status", "out").code == 0
    assert cli("sweep", "retry", "out").err == "no trial waits again\n"


def test_diverged_trials_are_retried_only_by_name(cli: Cli, out: Path) -> None:
    done = cli("sweep", "retry", "out", "--status", "diverged,crashed", "--json")
    assert done.json == [{"arm": "B", "seed": 1, "status": "diverged"}]
    assert sweep_status(out).bad == 2


def test_retry_of_one_arm_leaves_the_others(cli: Cli, out: Path) -> None:
    assert cli("sweep", "retry", "out", "--arm", "B").lines == ["B, seed 0: timed out"]
    # The trial of a network that two arms mean is retried under either name.
    assert cli("sweep", "retry", "out", "--arm", "twin").lines == ["A, seed 1: failed"]


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        (
            ("--status", "done"),
            2,
            "'done' is not retried: use failed, crashed, timed_out, diverged",
        ),
        (("--status", ""), 2, "'' is not retried"),
        (("--arm", "twim"), 3, "unknown arm 'twim': did you mean 'twin'?"),
        (("--arm", "zzzzzz"), 3, "the arms are A, B, twin"),
    ],
)
def test_retry_says_what_it_takes(
    cli: Cli, out: Path, tokens: tuple[str, ...], code: int, said: str
) -> None:
    done = cli("sweep", "retry", "out", *tokens)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert sweep_status(out).finished == 4


def test_a_retried_trial_is_claimed_recorded_and_its_crashes_forgotten(
    out: Path, plan: SweepPlan
) -> None:
    with Store(out) as store:
        store.database.execute("UPDATE trials SET crashes = 1")
        before = dict(store.database.execute("SELECT key, attempt FROM trials").fetchall())
        (retried,) = retry_trials(out, ["failed"])
        assert (retried.arm, retried.seed, retried.status) == ("A", 1, "failed")
        claims = [store.claim(Owner.me()) for _ in range(2)]
        key = next(t.key for t in plan.trials if (t.arm.name, t.seed) == ("A", 1))
        (claim,) = [claim for claim in claims if claim is not None and claim.key == key]
        assert (claim.attempt, claim.crashes) == (before[key] + 1, 0)
        assert store.record(claim, ENDS["A", 0])


@pytest.mark.parametrize("verb", ["status", "retry", "export"])
def test_without_a_store_each_verb_says_so(cli: Cli, tmp_path: Path, verb: str) -> None:
    done = cli("sweep", verb, "missing")
    assert (done.code, done.out) == (4, "")
    assert "run the sweep first" in done.err
    Store(tmp_path, create=True).close()
    done = cli("sweep", verb, str(tmp_path))
    assert (done.code, done.out) == (4, "")
    assert "nothing was planned here yet" in done.err


def test_export_shows_the_same_in_every_format(cli: Cli, out: Path) -> None:
    as_json = cli("sweep", "export", "out", "--format", "json").json
    lines = cli("sweep", "export", "out", "--format", "jsonl").lines
    assert [json.loads(line) for line in lines] == as_json
    table = list(csv.DictReader(io.StringIO(cli("sweep", "export", "out").out)))
    for key in ("arm", "seed", "status", "key", "test_error"):
        told = ["" if held[key] is None else str(held[key]) for held in as_json]
        assert [row[key] for row in table] == told
    by_arm = {(held["arm"], held["seed"]): held for held in as_json}
    assert by_arm["A", 0]["test_curve"][1] == {"step": 2, "error": 0.25, "loss": 1.0}
    assert by_arm["A", 0]["train_error"] == 0.5
    assert by_arm["A", 0]["train_curve"][0] == {"step": 1, "error": 0.75, "loss": 2.0}
    assert by_arm["B", 1]["train_curve"] == [{"step": 1, "error": None, "loss": 2.5}]
    assert by_arm["A", 1]["error"].startswith("Traceback")
    assert len(as_json) == 2 + 2 + 2


def test_curves_are_exported_point_by_point(cli: Cli, out: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("sweep", "export", "out", "--curves").out)))
    wanted = sum(
        len(trial.outcome.train_curve) + len(trial.outcome.test_curve)
        for trials in read_records(out).trials.values()
        for trial in trials
    )
    assert len(rows) == wanted == 4 + 1 + 4
    assert {(row["images"], row["error"]) for row in rows if row["step"] == "2"} == {
        ("train", "0.5"),
        ("test", "0.25"),
    }


def test_export_knows_its_formats(cli: Cli, out: Path) -> None:
    done = cli("sweep", "export", "out", "--format", "parquet")
    assert (done.code, done.out) == (2, "")
    assert "jsonl" in done.err
    with pytest.raises(rf.ResforgeError, match="unknown format 'parquet': use csv, json, jsonl"):
        export_results(read_records(out), "parquet")


def test_the_bar_says_who_is_at_work_and_who_leads(plan: SweepPlan) -> None:
    screen = Terminal()
    bar = progress_on(screen)
    assert isinstance(bar, LiveBar)
    first, second = plan.trials[:2]
    bar.start(6, 0)
    bar.running(2)
    bar.ended(first, ENDS["A", 0], 1)
    bar.ended(second, ENDS["A", 1], 2)
    bar.running(1)
    bar.close()
    shown = screen.getvalue()
    assert "2/6" in shown
    assert f"1 running, 1 failed; best so far: {first.arm.name}, 25.0% test error" in shown
    assert f"{second.arm.name}, seed {second.seed}: failed: ValueError: no" in shown
    assert isinstance(progress_on(io.StringIO()), Lines)
