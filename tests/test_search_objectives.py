"""Sweeps that search with several objectives: counted, and measured on the machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import search_trials
from resforge.ablation import Sweep, load_sweep, read_records, render_report, run_sweep
from resforge.ablation.comparing.searched import search_result, state_search
from resforge.ablation.planning.arms import Arm
from resforge.ablation.planning.searching import SearchSpec
from resforge.ablation.results.measured import read_measured, write_measured
from resforge.generation import NSGA2, load_space
from resforge.training.cost import Cost, Latency

SWEEP = """\
sweep: 1
search: {space: space.yaml, n: 14, population: 5, batch: 5, seed: 3, objective: [error, macs]}
seeds: 2
data: {kind: digits, validation: 200}
recipe: {steps: 2}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return search_trials.prepare(tmp_path, SWEEP, monkeypatch)


def run(folder: Path, out: str = "out") -> Any:
    sweep = load_sweep(folder / "sweep.yaml")
    return run_sweep(sweep, folder / out, trial="search_trials:opposed", engine="inline")


def test_it_asks_as_nsga2_does_and_keeps_the_lineage(folder: Path) -> None:
    run(folder)
    records = read_records(folder / "out")
    searcher = NSGA2(load_space(folder / "space.yaml"), seed=3, population=5, tournament=2)
    macs = {arm.name: arm.macs for arm in records.arms}
    made = records.sweep["search"]["lineage"]
    asked: list[str] = []
    for start in range(0, 14, 5):
        networks = [searcher.ask() for _ in range(min(5, 14 - start))]
        for network in networks:
            name = network.digest[:12]
            asked.append(name)
            parents = [digest[:12] for digest in network.parents]
            assert made[name] == {"move": network.move, "parents": parents}
            ends = [trial.outcome.validation_error for trial in records.trials[name]]
            if ends == [None, None]:
                values = [float("inf"), 0.0]
            else:
                values = [sum(1.0 if e is None else e for e in ends) / 2, macs[name]]
            searcher.tell(network, values)
    assert [arm.name for arm in records.arms] == asked
    assert any(len(each["parents"]) == 2 for each in made.values())
    found = search_result(records)
    assert found is not None
    assert [each.arm for each in found.front] == [f.network.digest[:12] for f in searcher.front]
    assert [each.values for each in found.front] == [f.values for f in searcher.front]


def test_the_report_has_the_front_and_the_history(folder: Path) -> None:
    run(folder)
    records = read_records(folder / "out")
    found = search_result(records)
    assert found is not None
    (sentence,) = state_search(records)
    assert sentence.startswith("On the Pareto front of validation error and MACs for one image are")
    page = render_report(records)
    assert sentence in page
    assert "<title>validation error against MACs for one image</title>" in page
    assert "History of 14 networks" in page
    assert "crossover" in page
    assert json.dumps(found.as_dict())


def fake(folder: Path, calls: list[list[str]]) -> Any:
    """Measures nothing: the latency follows from the network."""

    def measure_arms(arms: Sequence[Arm], shape: Any, folder: Path, **_: Any) -> None:
        costs = read_measured(folder)
        missing = [arm for arm in arms if arm.identity not in costs]
        calls.append([arm.name for arm in missing])
        for arm in missing:
            time = arm.depth / 1000
            costs[arm.identity] = Cost((Latency(1, time, time, time, 10),), 2**20)
        write_measured(folder, costs)

    return measure_arms


def test_measured_latency_is_an_objective(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr("resforge.ablation.running.driver.measure_arms", fake(folder, calls))
    (folder / "sweep.yaml").write_text(SWEEP.replace("macs", "latency"))
    run(folder)
    assert [len(names) for names in calls] == [5, 5, 4]
    records = read_records(folder / "out")
    found = search_result(records)
    assert found is not None
    depths = {arm.name: arm.depth for arm in records.arms}
    for each in found.networks:
        assert each.values is None or each.values[1] == depths[each.arm] / 1000
    # Started again it measures nothing, and asks for nothing else.
    arms = [arm.name for arm in records.arms]
    assert run(folder).ran == 0
    assert [len(names) for names in calls[3:]] == [0, 0, 0]
    assert [arm.name for arm in read_records(folder / "out").arms] == arms


def test_what_was_written_is_read_back(folder: Path) -> None:
    sweep = load_sweep(folder / "sweep.yaml")
    assert sweep.search is not None
    assert (sweep.search.method, sweep.search.tournament) == ("nsga2", 2)
    assert Sweep(**sweep.model_dump(mode="json")).search == sweep.search
    one = SearchSpec(space="cifar_resnets", n=30, objective="error")
    assert (one.method, one.tournament, one.objective) == ("evolution", 5, ("error",))


@pytest.mark.parametrize(
    ("old", "new", "path", "message", "remedy"),
    [
        ("[error, macs]", "[macs, params]", "objective", "needs no training", "[error, macs"),
        ("[error, macs]", "[error, error]", "objective", "twice", "once"),
        ("[error, macs]", "[error, speed]", "objective[1]", "'speed'", ""),
        ("[error, macs]", "[]", "objective", "", ""),
        ("[error, macs]", "[error, macs], method: evolution", "objective", "one obj", "nsga2"),
        ("population: 5", "population: 14", "population", "none evolves", "random"),
    ],
)
def test_mistakes_have_their_place_and_fix(
    folder: Path, old: str, new: str, path: str, message: str, remedy: str
) -> None:
    (folder / "sweep.yaml").write_text(SWEEP.replace(old, new))
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(folder / "sweep.yaml")
    fault = caught.value.faults[0]
    assert fault.path == f"search.{path}"
    assert message in fault.message
    assert remedy in (fault.help or "")
    assert fault.line
