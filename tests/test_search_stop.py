"""Searches that stop networks early: the same decisions however the run goes, and no stopped trial
taken for a complete one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import search_trials
import sweep_trials
from resforge.ablation import (
    Outcome,
    RunSummary,
    Sweep,
    compare,
    compare_pairs,
    export_results,
    load_sweep,
    plan_sweep,
    read_records,
    render,
    render_report,
    run_sweep,
    sweep_status,
)
from resforge.ablation.comparing.searched import state_search
from resforge.ablation.planning.searching import StopSpec
from resforge.ablation.results.store import Store
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial
from resforge.cli import run as run_line
from resforge.generation import Evolution, load_space
from resforge.training.recipe import Recipe

SUPPORT = str(Path(__file__).parent / "support")
SWEEP = """\
sweep: 1
search: {space: space.yaml, n: 12, population: 4, tournament: 3, batch: 6, stop: {first: 2, eta: 2}}
seeds: 2
data: {kind: digits, validation: 200}
recipe: {steps: 12, evaluations: 6}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return search_trials.prepare(tmp_path, SWEEP, monkeypatch)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the sweep was run into ``out``."""
    with pytest.MonkeyPatch.context() as patch:
        folder = search_trials.prepare(tmp_path_factory.mktemp("ended"), SWEEP, patch)
        run(folder, "out")
        yield folder


def run(folder: Path, out: str, trial: str = "halved", engine: Any = "inline") -> RunSummary:
    sweep = load_sweep(folder / "sweep.yaml")
    return run_sweep(sweep, folder / out, workers=2, trial=f"search_trials:{trial}", engine=engine)


def history(out: Path) -> list[Any]:
    records = read_records(out)
    return [
        (arm.name, [(t.key, t.outcome.numbers) for t in records.trials[arm.name]])
        for arm in records.arms
    ]


@pytest.mark.parametrize(
    ("stop", "recipe", "rungs"),
    [
        ({"first": 20}, {"steps": 120, "evaluations": 6}, (20, 60)),
        ({"first": 1}, {"steps": 120, "evaluations": 6}, (20, 40, 100)),
        ({"first": 25, "eta": 2}, {"steps": 120, "evaluations": 6}, (40, 60, 100)),
        ({"first": 100}, {"steps": 120, "evaluations": 6}, (100,)),
        ({"first": 101}, {"steps": 120, "evaluations": 6}, ()),
        ({"first": 5, "eta": 4}, {"steps": 9, "evaluations": 100}, (5,)),
    ],
)
def test_rungs_are_evaluations_before_the_last(
    stop: dict[str, int], recipe: dict[str, int], rungs: tuple[int, ...]
) -> None:
    assert StopSpec(**stop).rungs(Recipe(**recipe)) == rungs


def test_it_keeps_one_in_eta_at_each_rung(ended: Path) -> None:
    records = read_records(ended / "out")
    trials = [[t.outcome for t in records.trials[arm.name]] for arm in records.arms]
    steps = [max(2, *(outcome.steps for outcome in outcomes)) for outcomes in trials]
    # Rungs after 2, 4 and 8 of 12 steps; of the first 6 are left 3, 1 and 1.
    assert Counter(steps[:6]) == {2: 3, 4: 2, 12: 1}
    status = sweep_status(ended / "out")
    assert (status.total, status.finished) == (24, 24)
    assert status.trials["stopped"] == sum(
        outcome.status == "stopped" for outcomes in trials for outcome in outcomes
    )

    def error(place: int, step: int) -> float:
        curves = [{s: e for s, e, _ in o.validation_curve} for o in trials[place]]
        return sum(curve.get(step, 1.0) for curve in curves) / len(curves)

    # Of the second batch those go on that are among the best half of all that reached the rung.
    for step in (2, 4, 8):
        reached = [i for i in range(12) if steps[i] >= step]
        best = sorted(reached, key=lambda i: (error(i, step), i))[: max(1, len(reached) // 2)]
        assert [i for i in reached if i >= 6 and steps[i] > step] == [
            i for i in reached if i >= 6 and i in best
        ]
    assert not list((ended / "out").glob("checkpoints/*"))
    with Store(ended / "out") as store:  # what was stopped belongs to this plan
        assert store.outside_plan() == 0


def test_no_step_is_taken_twice_and_no_seed_that_diverged_goes_on(ended: Path) -> None:
    trials = read_records(ended / "out").all_trials
    diverged = {t.key for t in trials if t.outcome.status == "diverged"}
    # The other seed of one of them went on.
    assert any(row.diverged and (row.stopped_after or 12) > 2 for row in compare(ended / "out"))
    notes = sweep_trials.notes(ended / "log", "step")
    kept = sum(t.outcome.steps for t in trials if t.key not in diverged)
    assert len(notes) == kept + 2 * len(diverged)
    starts = Counter(key for key, _ in sweep_trials.notes(ended / "log", "start"))
    assert max(starts.values()) == 1


def test_the_search_ranks_a_stopped_network_below_those_that_went_further(ended: Path) -> None:
    records = read_records(ended / "out")
    searcher = Evolution(load_space(ended / "space.yaml"), seed=0, population=4, tournament=3)
    for _ in range(2):
        for network in [searcher.ask() for _ in range(6)]:
            ends = [trial.outcome for trial in records.trials[network.digest[:12]]]
            errors = [o.validation_curve[-1][1] if o.validation_curve else 1.0 for o in ends]
            reached = max(2, *(o.steps for o in ends))
            missed = {2: 3, 4: 2, 8: 1}.get(reached, 0)
            searcher.tell(network, sum(errors) / 2 + missed)
    assert [arm.digest for arm in records.arms] == [a.network.digest for a in searcher.history]


def test_a_stopped_trial_is_never_taken_for_a_complete_one(ended: Path) -> None:
    records = read_records(ended / "out")
    rows = compare(records)
    early = [row for row in rows if row.stopped]
    assert early
    assert all(row.test_error is None and row.done == 0 and not row.failed for row in early)
    stopped = [t for t in records.all_trials if t.outcome.status == "stopped"]
    assert all(t.outcome.test_error is None for t in stopped)
    # Complete ones have the keys of the same sweep without stops, and stopped ones have not.
    sweep = load_sweep(ended / "sweep.yaml")
    plan = plan_sweep(sweep.model_copy(update={"arms": records.sweep["arms"]}))
    whole = {trial.key for trial in plan.trials}
    assert {t.key for t in records.all_trials if t.outcome.status == "done"} < whole
    assert not {t.key for t in stopped} & whole
    # A comparison that names one says that it did not finish.
    name = next(row.arm for row in early if row.stopped == 2)
    done = next(row.arm for row in rows if row.done)
    records.sweep["comparisons"] = [{"of": name, "to": done}]
    (comparison,) = compare_pairs(records)
    assert (comparison.n, comparison.separable, comparison.failed[0]) == (0, False, 2)
    assert "did not finish" in comparison.verdict


def test_killed_it_continues_with_the_same_decisions(ended: Path, folder: Path) -> None:
    call = (
        f"import sys; sys.path.insert(0, {SUPPORT!r})\n"
        "from resforge.ablation import load_sweep, run_sweep\n"
        f"run_sweep(load_sweep({str(folder / 'sweep.yaml')!r}), {str(folder / 'out')!r},"
        " trial='search_trials:halved_and_killed', engine='inline')"
    )
    for kill in search_trials.KILLED_AT:
        assert subprocess.run([sys.executable, "-c", call], check=False).returncode == -9
        assert len(sweep_trials.notes(folder / "log", "start")) == kill
    run(folder, "out", engine="process")  # nor do engine and workers matter
    assert history(folder / "out") == history(ended / "out")
    assert not list((folder / "out").glob("checkpoints/*"))


def test_the_report_tells_who_was_stopped(ended: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ended / "out"
    records = read_records(out)
    (sentence,) = state_search(records)
    assert sentence.startswith("Of 12 networks ")
    assert "after 2 steps" in sentence
    assert "compared with no others" in sentence
    page = render_report(records)
    for text in (sentence, "History of 12 networks", "step 2"):
        assert text in page
    assert sentence in render(records, "md")
    tree = json.loads(render(records, "json"))
    assert sentence in tree["verdict"]
    stopped = {n["arm"] for n in tree["search"]["networks"] if n["stopped_after"]}
    assert stopped == {row.arm for row in compare(records) if row.stopped}
    assert stopped.isdisjoint(tree["search"]["front"])
    assert ",stopped," in export_results(records)
    assert run_line(["sweep", "status", str(out)]) == 0
    assert "stopped" in capsys.readouterr().out.splitlines()[0]
    assert run_line(["sweep", "plan", str(ended / "sweep.yaml")]) == 0
    assert "goes on after 2, 4 and 8 steps" in capsys.readouterr().out
    assert run_line(["report", str(out)]) == 0
    assert sentence in capsys.readouterr().out


def test_trained_in_earnest_it_is_bitwise_the_complete_trial(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    recipe = {"steps": 6, "evaluations": 3, "batch_size": 16}
    plan = plan_sweep(Sweep(sweep=1, base="digits_resnet8", arms={"A": {}}, seeds=1, recipe=recipe))
    identity = plan.arms[0].identity
    early = plan.until({(identity, 0): 4}).trials[0]
    (whole,) = plan.trials
    stopped = run_trial(make_task(plan, early, tmp_path))
    assert (stopped.status, stopped.steps, stopped.test_error) == ("stopped", 4, None)
    # A trial that is to stop sooner does not go on from the later state.
    sooner = run_trial(make_task(plan, plan.until({(identity, 0): 2}).trials[0], tmp_path))
    assert sooner.steps == 2
    assert "of step 4" in sooner.notes[0]
    seen: list[int] = []
    resumed = run_trial(make_task(plan, whole, tmp_path), lambda: bool(seen.append(1)))
    assert len(seen) == 4  # from step 2 on
    afresh = run_trial(make_task(plan, whole))
    assert resumed.numbers == afresh.numbers
    assert stopped.test_curve == afresh.test_curve[:2]


def test_an_outcome_that_was_stopped_has_no_test_error() -> None:
    curve = ((2, 0.5, 1.0),)
    outcome = Outcome("stopped", ((2, 1.0),), curve, steps=2, validation_curve=curve)
    assert outcome.test_error is None
    assert outcome.validation_error is None
    assert outcome.last_validation_error == 0.5
    assert Outcome.from_json(outcome.to_json()) == outcome


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("first: 2", "first: 11", "search.stop.first", "no network is stopped"),
        ("first: 2", "first: 0", "search.stop.first", "out of range"),
        ("eta: 2", "eta: 1", "search.stop.eta", "out of range"),
        ("eta: 2", "eat: 2", "search.stop.eat", "unknown key"),
        ("{first: 2, eta: 2}", "2", "search.stop", ""),
        ("{first: 2, eta: 2}", "{eta: 3}", "search.stop.first", "missing"),
    ],
)
def test_mistakes_have_their_place(
    folder: Path, old: str, new: str, path: str, message: str
) -> None:
    (folder / "sweep.yaml").write_text(SWEEP.replace(old, new))
    with pytest.raises(rf.SpecError) as caught:
        run(folder, "out")
    fault = caught.value.faults[0]
    assert fault.path == path
    assert message in fault.message
    assert fault.line


@pytest.mark.parametrize(
    ("stop", "path", "help_"),
    [
        ("asha", "search.stop", "write {first: 20, eta: 3}"),
        ([10, 20], "search.stop", "write {first: 20, eta: 3}"),
        ({"eta": 3}, "search.stop.first", "write first: 20, the steps before the first rung"),
    ],
)
def test_what_stops_no_search_has_a_remedy(stop: Any, path: str, help_: str) -> None:
    search = {"space": "cifar_resnets", "n": 60, "stop": stop}
    with pytest.raises(rf.SpecError) as caught:
        Sweep(sweep=1, search=search)
    fault = caught.value.faults[0]
    assert (fault.path, fault.help) == (path, help_)
