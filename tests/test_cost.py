"""Measured costs: of one network, and of the networks of a sweep."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from resforge.ablation import (
    Sweep,
    compare,
    export_results,
    read_records,
    render,
    render_report,
    run_sweep,
)
from resforge.ablation.reporting.table import MEASURED, cells, headings
from resforge.ablation.results.measured import MEASURED_NAME, read_measured
from resforge.ablation.running import measuring
from resforge.errors import StoreError
from resforge.training import Recipe, cost
from resforge.training.cost import Cost, Latency, measure


def test_a_network_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_SECONDS", 0.0)
    spec = rf.load("digits_resnet8").to_json()
    found = measure(spec, (1, 8, 8), Recipe(batch_size=4).model_dump_json())
    assert [time.batch for time in found.latencies] == [1, 4]
    for time in found.latencies:
        assert 0 < time.low <= time.median <= time.high
        assert time.runs == 10
    assert found.training_memory is None or found.training_memory >= 0
    assert dict(found.environment)["device"] == "cpu"


def made(number: int) -> Cost:
    times = tuple(Latency(n, n * 0.001 * number, 0.0005, 1.0, 10) for n in (1, 32))
    return Cost(times, number * 2**20, (("device", "cpu"),))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was measured, which no process is started for."""
    seen: list[str] = []

    def apart(spec: str, shape: tuple[int, ...], recipe: str, *rest: Any) -> Cost | None:
        assert shape == (1, 8, 8)
        seen.append(recipe)
        return made(len(seen))

    monkeypatch.setattr(measuring, "measure_apart", apart)
    return seen


def sweep(**arms: Any) -> Sweep:
    recipe = {"steps": 2, "batch_size": 32, "evaluations": 1}
    return Sweep(sweep=1, base="digits_resnet8", arms=arms, seeds=1, recipe=recipe)


def test_a_sweep_measures_each_network_once(tmp_path: Path, measured: list[str]) -> None:
    arms: dict[str, Any] = {"A": {}, "twin": {}, "plain": {"shortcut": "none"}}
    run_sweep(sweep(**arms), tmp_path, engine="inline")
    assert not read_measured(tmp_path)
    assert not set(MEASURED) & set(headings(compare(tmp_path)))
    run_sweep(sweep(**arms), tmp_path, engine="inline", measure=True)
    assert len(measured) == 2
    # Another recipe has another batch, and other memory.
    arms["small"] = {"recipe.batch_size": 16}
    run_sweep(sweep(**arms), tmp_path, engine="inline", measure=True)
    assert len(measured) == 3
    records = read_records(tmp_path)
    rows = compare(records)
    assert [row.measured and row.measured.training_memory for row in rows] == [
        2**20,
        2**20,
        2 * 2**20,
        3 * 2**20,
    ]
    assert headings(rows)[-3:] == MEASURED
    assert cells(rows[0])[-3:] == ("1 ms", "32 ms", "1 MiB")
    exported = list(csv.DictReader(io.StringIO(export_results(records))))
    assert [row["latency"] for row in exported] == ["0.001", "0.001", "0.002", "0.003"]
    assert exported[2]["training_memory"] == str(2 * 2**20)
    tree = json.loads(render(records, "json"))
    assert tree["arms"][0]["measured"]["latencies"][1]["batch"] == 32
    assert "batch_latency" in render(records, "csv")
    assert "1 MiB" in render_report(records)


def test_an_arm_that_could_not_be_measured_has_empty_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = iter([made(1), None])
    monkeypatch.setattr(measuring, "measure_apart", lambda *rest: next(results))
    arms: dict[str, Any] = {"A": {}, "plain": {"shortcut": "none"}}
    run_sweep(sweep(**arms), tmp_path, engine="inline", measure=True)
    rows = compare(tmp_path)
    assert [cells(row)[-1] for row in rows] == ["1 MiB", ""]


def test_a_changed_file_of_costs_is_refused(tmp_path: Path, measured: list[str]) -> None:
    run_sweep(sweep(A={}), tmp_path, engine="inline", measure=True)
    file = tmp_path / MEASURED_NAME
    for text in (file.read_text().replace("0.001", "0.002", 1), "[", "[]", "{}"):
        file.write_text(text)
        with pytest.raises(StoreError, match=r"damaged .*remove it, and measure again"):
            read_records(tmp_path)


@pytest.mark.slow
def test_a_network_is_measured_in_a_process_of_its_own() -> None:
    spec, recipe = rf.load("digits_resnet8").to_json(), Recipe(batch_size=32).model_dump_json()
    found = measuring.measure_apart(spec, (1, 8, 8), recipe)
    assert found is not None
    assert found.training_memory is None or found.training_memory > 2**20
