"""Sweeps whose arms are networks of a design space, and what their report shows."""

from __future__ import annotations

import dataclasses
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from resforge.ablation import Sweep, compare, expand_sweep, load_sweep, run_sweep
from resforge.ablation.reporting.population import population
from resforge.ablation.reporting.report import render_report
from resforge.ablation.results.records import read_records
from resforge.generation import load_space

SPACE = """\
space: 1
base: digits_resnet8
free:
  stages[*].depth: {int: [1, 2]}
  shortcut: [zero_pad, projection]
"""
SWEEP = "sweep: 1\nsample: {space: space.yaml, n: 5, seed: 3}\nseeds: 1\nrecipe: {steps: 2}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def test_the_arms_are_the_spaces_own_sample(folder: Path) -> None:
    sweep = load_sweep(folder / "sweep.yaml")
    drawn = list(islice(load_space(folder / "space.yaml").sample(seed=3), 5))
    assert [arm.digest for arm in expand_sweep(sweep)] == [found.digest for found in drawn]
    assert [arm.name for arm in expand_sweep(sweep)] == [found.digest[:12] for found in drawn]
    assert sweep.comparisons == ()
    # Written out and read back it is the same, whether or not the space is there.
    (folder / "space.yaml").unlink()
    assert expand_sweep(Sweep(**sweep.model_dump(mode="json"))) == expand_sweep(sweep)


def test_a_larger_sample_begins_with_the_smaller(folder: Path) -> None:
    small = expand_sweep(load_sweep(folder / "sweep.yaml"))
    (folder / "sweep.yaml").write_text(SWEEP.replace("n: 5", "n: 8"))
    assert expand_sweep(load_sweep(folder / "sweep.yaml"))[:5] == small


RARE = {
    "space": 1,
    "base": "digits_resnet8",
    "free": {
        "stages[*].depth": {"int": [1, 30]},
        "stages[*].width": {"int": [16, 256], "step": 8},
        "shortcut": ["projection"],
    },
    "where": {"params": [2.5e5, 2.6e5], "macs": [2.2e7, 2.4e7]},
}


@pytest.mark.parametrize("kind", ["sample", "search"])
def test_rare_networks_are_drawn_guided(kind: str, folder: Path) -> None:
    (folder / "space.json").write_text(json.dumps(RARE))
    more = ", population: 2, tournament: 1, batch: 2" if kind == "search" else ""
    text = f"sweep: 1\n{kind}: {{space: space.json, n: 4, guided: true{more}}}\nseeds: 1\n"
    text += "recipe: {steps: 2}\ndata: {kind: digits, validation: 300}\n"
    (folder / "sweep.yaml").write_text(text)
    sweep = load_sweep(folder / "sweep.yaml")
    space = load_space(folder / "space.json")
    drawn = [found.digest for found in islice(space.sample(0, guided=True), 4)]
    assert [arm.digest for arm in expand_sweep(sweep)] == drawn[: 2 if kind == "search" else 4]
    if sweep.search is not None:
        searcher = sweep.search.searcher(space)
        assert [searcher.ask().digest for _ in range(2)] == drawn[:2]


@pytest.mark.parametrize("kind", ["sample", "search"])
def test_so_many_points_are_looked_at_for_each_draw(kind: str, folder: Path) -> None:
    (folder / "space.json").write_text(json.dumps(RARE))
    more = ", population: 2, tournament: 1, batch: 2" if kind == "search" else ""
    text = f"sweep: 1\n{kind}: {{space: space.json, n: 4, tries: 7{more}}}\nseeds: 1\n"
    text += "recipe: {steps: 2}\ndata: {kind: digits, validation: 300}\n"
    (folder / "sweep.yaml").write_text(text)
    with pytest.raises(rf.SpecError, match="none of 7 of") as caught:
        load_sweep(folder / "sweep.yaml")
    assert caught.value.path == f"{kind}.space"


@pytest.mark.parametrize(
    ("text", "code"), [("", "empty"), ("# nothing\n", "empty"), ("- 1", "type")]
)
@pytest.mark.parametrize("holds", ["space", "sweep"])
def test_what_holds_nothing_is_said_to_be_no_spec(
    holds: str, text: str, code: str, tmp_path: Path
) -> None:
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(rf.SpecError) as caught:
        {"space": load_space, "sweep": load_sweep}[holds](tmp_path / "file.yaml")
    (fault,) = caught.value.faults
    assert fault.code == code
    assert holds in fault.message
    assert "spec" not in fault.message
    assert fault.help == f"start with `{holds}: 1`"


def test_the_report_shows_the_distribution_and_every_field(folder: Path) -> None:
    run_sweep(load_sweep(folder / "sweep.yaml"), folder / "out", engine="inline")
    records = read_records(folder / "out")
    rows = compare(records)
    titles = [chart.title for chart in population(records, rows)]
    assert titles[0] == "error distribution"
    arms = records.sweep["arms"].values()
    varying = [
        path for path in next(iter(arms)) if len({repr(changes[path]) for changes in arms}) > 1
    ]
    assert titles[1:] == [f"test error against {path}" for path in varying]
    page = render_report(records)
    assert "The space" in page
    assert page == render_report(records)
    lost = [dataclasses.replace(row, test_error=None, done=0, diverged=1) for row in rows]
    assert "5 of which gave no error" in population(records, lost)[0].description
    waiting = [dataclasses.replace(row, test_error=None, pending=1) for row in rows]
    assert population(records, waiting) == []


def wrong(folder: Path, text: str) -> Any:
    (folder / "sweep.yaml").write_text(text)
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(folder / "sweep.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("n: 5", "n: 50", "sample.n", "16 different networks, not 50"),
        ("n: 5", "n: 0", "sample.n", "out of range"),
        ("space.yaml", "spice.yaml", "sample.space", "no such file"),
        ("space.yaml", "{base: resnet18}", "sample.space", "expected text, not a mapping"),
        ("seed: 3", "guided: 3", "sample.guided", "expected true or false"),
        ("space.yaml", "''", "sample.space", "expected at least 1 character, not 0"),
        ("space: space.yaml, ", "", "sample.space", "'space' is missing"),
        ("seed: 3", "sed: 3", "sample.sed", "unknown key 'sed'"),
        ("seeds: 1", "base: digits_resnet8", "base", "from the space"),
        ("seeds: 1", "axes: {a: {b: {}}}", "axes", "from the space"),
        ("{space: space.yaml, n: 5, seed: 3}", "[]", "sample", "expected a mapping"),
        ("seeds: 1", "arms: {a: {}}", "arms", "from the space"),
        ("seeds: 1", "base: resnet18\narms: {a: {}}", "base", "from the space"),
    ],
)
def test_mistakes_have_their_place(
    folder: Path, old: str, new: str, path: str, message: str
) -> None:
    error = wrong(folder, SWEEP.replace(old, new))
    assert message in (error.message or "")
    assert error.path == path
    assert error.line in (2, 3, 4)


def test_a_mistake_in_the_space_is_reported_with_its_place_there(folder: Path) -> None:
    (folder / "space.yaml").write_text(SPACE.replace("[1, 2]", "[2, 1]"))
    error = wrong(folder, SWEEP)
    assert "space.yaml: 4:26" in (error.message or "")
    assert "is empty" in (error.message or "")
    assert (error.line, error.path) == (2, "sample.space")
