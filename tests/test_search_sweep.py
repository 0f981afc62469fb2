"""Sweeps whose networks are searched for: the same ones however the run goes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import search_trials
import sweep_trials
from resforge.ablation import (
    RunSummary,
    Sweep,
    compare,
    expand_sweep,
    load_sweep,
    preview_sweep,
    read_records,
    read_sweep,
    run_sweep,
    sweep_status,
)
from resforge.ablation.reporting.population import population
from resforge.ablation.reporting.report import render_report
from resforge.cli import run as run_line
from resforge.generation import Evolution, load_space

SUPPORT = str(Path(__file__).parent / "support")

SWEEP = """\
sweep: 1
search: {space: space.yaml, n: 22, population: 6, tournament: 3, batch: 5, seed: 3}
seeds: 2
data: {kind: digits, validation: 200}
recipe: {steps: 2}
"""
NETWORKS, SEEDS = 22, 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return search_trials.prepare(tmp_path, SWEEP, monkeypatch)


def run(folder: Path, out: str, trial: str = "scored", engine: Any = "inline") -> RunSummary:
    sweep = load_sweep(folder / "sweep.yaml")
    return run_sweep(sweep, folder / out, workers=2, trial=f"search_trials:{trial}", engine=engine)


def history(out: Path) -> list[Any]:
    """The networks in the order in which they were asked for, and all numbers of their trials."""
    records = read_records(out)
    return [
        (arm.name, arm.spec, [(t.key, t.outcome.numbers) for t in records.trials[arm.name]])
        for arm in records.arms
    ]


def started(folder: Path) -> list[str]:
    return [key for key, _ in sweep_trials.notes(folder / "log", "start")]


def test_it_asks_as_evolution_does_batch_by_batch(folder: Path) -> None:
    summary = run(folder, "out")
    assert (summary.total, summary.finished, summary.ran) == (NETWORKS * SEEDS,) * 3
    assert summary.diverged > 0
    records = read_records(folder / "out")
    space = load_space(folder / "space.yaml")
    searcher = Evolution(space, seed=3, population=6, tournament=3)
    asked: list[str] = []
    for start in range(0, NETWORKS, 5):
        networks = [searcher.ask() for _ in range(min(5, NETWORKS - start))]
        for network in networks:
            asked.append(network.digest)
            ended = [trial.outcome for trial in records.trials[network.digest[:12]]]
            # What the images set aside say, never the test images; the worst where nothing is said.
            errors = [1.0 if o.validation_error is None else o.validation_error for o in ended]
            searcher.tell(network, sum(errors) / SEEDS)
    assert [arm.digest for arm in records.arms] == asked
    assert len(set(asked)) == NETWORKS
    assert len(records.runs) == 1
    # It found better ones than it was given at first.
    sizes = [
        sum(s["depth"] * s["width"] for s in json.loads(arm.spec)["stages"]) for arm in records.arms
    ]
    assert min(sizes[6:]) < min(sizes[:6])


def test_engines_and_workers_change_nothing(folder: Path) -> None:
    (folder / "sweep.yaml").write_text(
        SWEEP.replace("n: 22", "n: 12").replace("batch: 5", "batch: 7")
    )
    run(folder, "inline")
    run(folder, "process", engine="process")
    assert history(folder / "process") == history(folder / "inline")


def test_interrupted_it_continues_with_the_same_networks(folder: Path) -> None:
    run(folder, "whole")
    (folder / "log").unlink()
    cut = run(folder, "out", "interrupted")
    assert cut.interrupted
    assert (cut.total, cut.finished) == (NETWORKS * SEEDS, search_trials.CUT_AT)
    assert sweep_status(folder / "out").total == 2 * 5 * SEEDS
    assert run(folder, "out").ran == NETWORKS * SEEDS - search_trials.CUT_AT
    assert len(set(started(folder))) == len(started(folder)) == NETWORKS * SEEDS
    assert history(folder / "out") == history(folder / "whole")
    again = run(folder, "out")
    assert (again.ran, again.finished) == (0, NETWORKS * SEEDS)
    assert history(folder / "out") == history(folder / "whole")


def test_killed_it_continues_with_the_same_networks(folder: Path) -> None:
    (folder / "sweep.yaml").write_text(SWEEP.replace("n: 22", "n: 12"))
    run(folder, "whole")
    (folder / "log").unlink()
    call = (
        f"import sys; sys.path.insert(0, {SUPPORT!r})\n"
        "from resforge.ablation import load_sweep, run_sweep\n"
        f"run_sweep(load_sweep({str(folder / 'sweep.yaml')!r}), {str(folder / 'out')!r},"
        " trial='search_trials:killed', engine='inline')"
    )
    assert subprocess.run([sys.executable, "-c", call], check=False).returncode == -9
    assert run(folder, "out").ran == 12 * SEEDS - search_trials.CUT_AT + 1
    assert history(folder / "out") == history(folder / "whole")


def test_trained_in_earnest(folder: Path) -> None:
    small = SWEEP.replace("n: 22, population: 6", "n: 3, population: 2").replace(
        "batch: 5", "batch: 2"
    )
    (folder / "sweep.yaml").write_text(small.replace("seeds: 2", "seeds: 1"))
    sweep = load_sweep(folder / "sweep.yaml")
    assert run_sweep(sweep, folder / "out", engine="inline").statuses == {"done": 3}
    records = read_records(folder / "out")
    assert all(t.outcome.validation_error is not None for t in records.all_trials)
    assert population(records, compare(records))[0].title == "error distribution"
    assert "The space" in render_report(records)


def test_by_chance_it_is_a_sample(folder: Path) -> None:
    (folder / "sweep.yaml").write_text(SWEEP.replace("n: 22", "n: 12, method: random"))
    run(folder, "out")
    names = [arm.name for arm in read_records(folder / "out").arms]
    (folder / "sweep.yaml").write_text(
        "sweep: 1\nsample: {space: space.yaml, n: 12, seed: 3}\ndata: {kind: digits}\n"
    )
    assert names == [arm.name for arm in expand_sweep(load_sweep(folder / "sweep.yaml"))]


def test_a_larger_search_begins_with_the_smaller(folder: Path) -> None:
    (folder / "sweep.yaml").write_text(SWEEP.replace("n: 22", "n: 15"))
    run(folder, "out")
    small = history(folder / "out")
    (folder / "sweep.yaml").write_text(SWEEP)
    assert run(folder, "out").ran == (NETWORKS - 15) * SEEDS
    assert history(folder / "out")[:15] == small


def test_the_plan_shows_the_first_batch_and_how_many_it_may_be(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preview = preview_sweep(read_sweep(folder / "sweep.yaml"))
    assert len(preview.arms) == 5
    assert preview.as_dict()["search"]["n"] == NETWORKS
    assert run_line(["sweep", "plan", str(folder / "sweep.yaml")]) == 0
    told = capsys.readouterr().out
    assert "search by evolution in " in told
    assert "at most 22 networks x 2 seeds = 44 trials" in told


def test_written_out_and_read_back_it_starts_over(folder: Path) -> None:
    run(folder, "out")
    written = read_records(folder / "out").sweep
    assert len(written["arms"]) == NETWORKS
    assert (
        run_sweep(
            Sweep(**written), folder / "out", trial="search_trials:scored", engine="inline"
        ).ran
        == 0
    )


@pytest.mark.parametrize(
    ("old", "new", "path", "message", "remedy"),
    [
        (", validation: 200", "", "search", "validation images", "validation: N"),
        ("n: 22", "n: 40000", "search.n", "out of range", ""),
        (
            "n: 22, population: 6",
            "n: 6, population: 6",
            "search.population",
            "none evolves",
            "random",
        ),
        ("batch: 5", "batch: 22", "search.batch", "none evolves", "random"),
        ("batch: 5", "batch: 0", "search.batch", "out of range", ""),
        ("batch: 5", "method: annealing", "search.method", "'annealing'", ""),
        ("tournament", "tournamant", "search.tournamant", "unknown key", "tournament"),
        (
            "seeds: 2",
            "sample: {space: space.yaml, n: 5}",
            "search",
            "not from search",
            "leave out",
        ),
        ("seeds: 2", "base: digits_resnet8", "base", "a search takes its networks", "leave out"),
        ("seeds: 2", "budget: {trials: 40}", "budget.trials", "are 66 trials", "raise the budget"),
        ("seeds: 2", "seeds: 5000", "arms", "110,000 trials", "leave out"),
        ("space.yaml", "spice.yaml", "search.space", "no such file", ""),
    ],
)
def test_mistakes_have_their_place_and_fix(
    folder: Path, old: str, new: str, path: str, message: str, remedy: str
) -> None:
    (folder / "sweep.yaml").write_text(SWEEP.replace(old, new))
    with pytest.raises(rf.SpecError) as caught:
        run(folder, "out")
    fault = caught.value.faults[0]
    assert fault.path == path
    assert message in fault.message
    assert remedy in (fault.help or "")
    assert fault.line
    assert not (folder / "out").exists()


def test_a_space_without_enough_networks_is_refused(folder: Path) -> None:
    (folder / "space.yaml").write_text(search_trials.SPACE.split("  stages[*].width")[0])
    (folder / "sweep.yaml").write_text(SWEEP.replace("n: 22", "n: 65"))
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(folder / "sweep.yaml")
    assert caught.value.faults[0].path == "search.n"
