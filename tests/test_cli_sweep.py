"""``resforge sweep run`` and ``resforge report``."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Cli, command_line
from resforge.ablation import RunSummary
from resforge.cli import run

SWEEP = """\
sweep: 1
base: digits_resnet8
axes:
  shortcut:
    plain: {shortcut: none}
    A: {shortcut: zero_pad}
seeds: 1
recipe: {steps: 2, batch_size: 16}
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return command_line(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep file that was run into ``out``, two trials of two steps."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "sweep.yaml").write_text(SWEEP)
    tokens = ["sweep", "run", str(folder / "sweep.yaml"), "--out", str(folder / "out")]
    assert run([*tokens, "--workers", "1"]) == 0
    return folder


def test_sweep_run_does_only_what_is_missing(cli: Cli, swept: Path) -> None:
    done = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", str(swept / "out"))
    assert done.code == 0
    assert [line.split()[0] for line in done.lines[:3]] == ["shortcut", "plain", "A"]
    assert "of test images missed" in done.out
    assert "2 of 2 trials recorded" in done.err
    assert "0 of them now" in done.err
    assert not {"report.html", "results.csv"} - {file.name for file in (swept / "out").iterdir()}


def test_sweep_run_in_json(cli: Cli, swept: Path) -> None:
    done = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", str(swept / "out"), "--json")
    assert [row["labels"] for row in done.json["arms"]] == [
        {"shortcut": "plain"},
        {"shortcut": "A"},
    ]
    (compared,) = done.json["comparisons"]
    assert (compared["of"], compared["to"], compared["n"]) == ("shortcut=A", "shortcut=plain", 1)
    assert compared["verdict"] in cli("report", str(swept / "out")).lines


def test_other_comparisons_train_nothing(cli: Cli, swept: Path) -> None:
    (swept / "turned.yaml").write_text(SWEEP + "comparisons: {axis: shortcut, to: A}\n")
    done = cli("sweep", "run", str(swept / "turned.yaml"), "--out", str(swept / "out"))
    assert "0 of them now" in done.err
    (told,) = [line for line in done.lines if line.startswith("plain misses ")]
    assert told.endswith("not separable; with 1 pair no p below 1 is possible.")
    assert [line for line in done.lines if line.startswith("plain - A ")]


def test_what_a_paper_prints_is_told_apart_from_the_results(cli: Cli, swept: Path) -> None:
    table = "{source: A paper, measure: 'error, %', rows: {shortcut=A: 8.75}}"
    (swept / "published.yaml").write_text(f"{SWEEP}published: [{table}]\n")
    words = ("sweep", "run", str(swept / "published.yaml"), "--out", str(swept / "out"))
    done = cli(*words)
    assert "0 of them now" in done.err
    assert [line.split()[-1] for line in done.lines[:3]] == ["published", "s", "8.75"]
    assert "published: A paper; error, %" in done.lines
    rows = cli(*words, "--json").json["arms"]
    told = {"source": "A paper", "measure": "error, %", "printed": 8.75}
    assert [row["published"] for row in rows] == [[], [told]]


def test_report_writes_again_what_was_lost(cli: Cli, swept: Path) -> None:
    (swept / "out" / "report.html").unlink()
    done = cli("report", str(swept / "out"))
    assert done.code == 0
    assert [line.split()[0] for line in done.lines[:3]] == ["shortcut", "plain", "A"]
    assert (swept / "out" / "report.html").is_file()
    assert cli("report", str(swept / "out"), "--json").json["arms"][0]["done"] == 1


def test_report_needs_a_store(cli: Cli) -> None:
    done = cli("report", "missing")
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("error[store]: ")


def test_a_wrong_sweep_file_trains_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("zero_pad", "zero_pda"))
    done = cli("sweep", "run", "sweep.yaml", "--out", "out")
    assert (done.code, done.out) == (3, "")
    assert "sweep.yaml:6:" in done.err
    assert "zero_pad" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("statuses", "interrupted", "code"),
    [
        ({"done": 2}, False, 0),
        ({"done": 1, "diverged": 1}, False, 0),
        ({"done": 1, "crashed": 1}, False, 1),
        ({"done": 1}, True, 130),
    ],
)
def test_sweep_run_tells_how_trials_ended(
    cli: Cli,
    swept: Path,
    monkeypatch: pytest.MonkeyPatch,
    statuses: dict[str, int],
    interrupted: bool,
    code: int,
) -> None:
    summary = RunSummary(swept / "out", 2, 2, 0, statuses, interrupted, 1.0)
    monkeypatch.setattr("resforge.ablation.run_sweep", lambda *_, **__: summary)
    done = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", str(swept / "out"))
    assert done.code == code
    assert bool(done.out) is not interrupted
