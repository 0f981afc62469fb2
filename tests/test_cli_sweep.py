"""``resforge sweep plan``, ``resforge sweep run`` and ``resforge report``."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import get_args

import pytest
from command_line import SWEEP, Cli
from old_stores import make_old
from resforge.ablation import RunSummary
from resforge.ablation.reporting.formats import Format
from resforge.cli import run


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
    assert ": test error " in done.out
    assert "2 of 2 trials recorded" in done.err
    assert "0 of them now" in done.err
    assert not {"report.html", "results.csv"} - {file.name for file in (swept / "out").iterdir()}


@pytest.mark.parametrize(
    "change",
    [
        ("seeds: 1", "seeds: 2"),
        ("zero_pad}", "zero_pad}\n    B: {shortcut: projection}"),
    ],
)
def test_a_sweep_that_grows_has_no_note(
    cli: Cli, swept: Path, tmp_path: Path, change: tuple[str, str]
) -> None:
    out = shutil.copytree(swept / "out", tmp_path / "out")
    (tmp_path / "more.yaml").write_text(SWEEP.replace(*change))
    done = cli("sweep", "run", str(tmp_path / "more.yaml"), "--out", str(out))
    assert "2 of them recorded already" in done.err
    assert "other plans" not in done.err


def test_results_of_another_plan_are_kept_with_a_note(
    cli: Cli, swept: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(swept / "out", tmp_path / "out")
    (tmp_path / "longer.yaml").write_text(SWEEP.replace("steps: 2", "steps: 3"))
    note = f"{out} keeps 2 recorded trials of other plans"
    done = cli("sweep", "run", str(tmp_path / "longer.yaml"), "--out", str(out))
    assert note in done.err
    assert "0 of them recorded already" in done.err
    again = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", str(out))
    assert note in again.err
    assert "0 of them now" in again.err


def test_a_store_of_0_1_0_can_be_read_but_not_run_into(
    cli: Cli, swept: Path, tmp_path: Path
) -> None:
    """Its trials have keys that no network of this version has: none could be resumed."""
    old = shutil.copytree(swept / "out", tmp_path / "old")
    make_old(old, 3)  # what 0.1.0 wrote
    before = (old / "results.sqlite").read_bytes()
    refused = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", "old")
    assert refused.code == 4
    for words in (
        "recorded by resforge 0.1.0",
        "remain readable",
        "choose a new folder with --out",
    ):
        assert words in refused.err
    assert cli("sweep", "retry", "old").code == 4
    assert cli("sweep", "status", "old").lines[-1] == "2 of 2 trials recorded, no active run"
    assert len(cli("sweep", "export", "old", "--format", "jsonl").lines) == 2
    assert cli("report", "old").code == 0
    assert cli("sweep", "plan", str(swept / "sweep.yaml"), "--out", "old").code == 0
    assert (old / "results.sqlite").read_bytes() == before
    assert cli("sweep", "run", str(swept / "sweep.yaml"), "--out", "new").code == 0


def test_sweep_run_warns_as_the_plan_does(cli: Cli, swept: Path) -> None:
    twice = SWEEP.replace("zero_pad}", "zero_pad}\n    again: {shortcut: none}")
    (swept / "twice.yaml").write_text(twice)
    planned = cli("sweep", "plan", str(swept / "twice.yaml")).err
    warned = "warning: 1 of 3 arms differ from another in shortcut alone, and are the same network"
    assert warned in planned.splitlines()
    done = cli("sweep", "run", str(swept / "twice.yaml"), "--out", str(swept / "twice"))
    assert done.err.splitlines()[0] == warned


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
    (told,) = [line for line in done.lines if line.startswith("plain has ")]
    assert "not separable; nothing is claimed from fewer than 3 pairs." in told
    assert [line for line in done.lines if line.startswith("plain - A ")]


def test_what_a_paper_prints_is_separate_from_the_results(cli: Cli, swept: Path) -> None:
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


def test_report_in_a_format_writes_nothing_else(cli: Cli, swept: Path, tmp_path: Path) -> None:
    out = swept / "out"
    arms = cli("report", str(out), "--json").json["arms"]
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert cli("report", str(out), "--format", "json").json["arms"] == arms
    printed = cli("report", str(out), "--format", "md")
    assert printed.code == 0
    assert "| shortcut | params |" in printed.out
    to_file = cli("report", str(out), "--format", "md", "--out", str(tmp_path / "table.md"))
    assert (to_file.code, to_file.out) == (0, "")
    assert (tmp_path / "table.md").read_text() == printed.out
    cli("report", str(out), "--out", str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").read_bytes() == (out / "report.html").read_bytes()
    assert before == {path.name: path.stat().st_mtime_ns for path in out.iterdir()}


def test_report_formats_are_those_of_the_library(cli: Cli, swept: Path) -> None:
    refused = cli("report", str(swept / "out"), "--format", "xml")
    assert refused.code == 2
    assert ", ".join(f'"{name}"' for name in get_args(Format)) in refused.err
    nowhere = cli("report", str(swept / "out"), "--format", "csv", "--out", "missing/table.csv")
    assert (nowhere.code, nowhere.out) == (4, "")
    assert nowhere.err.startswith("error[disk]: missing/table.csv: ")


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
def test_sweep_run_shows_how_trials_ended(
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


def test_an_interrupted_run_prints_the_command_that_resumes_it(
    cli: Cli, swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, object]] = []

    def run_sweep(*_: object, **settings: object) -> RunSummary:
        given.append(settings)
        return RunSummary(swept / "out", 2, 1, 0, {"done": 1}, True, 1.0)

    monkeypatch.setattr("resforge.ablation.run_sweep", run_sweep)
    (swept / "env.yaml").write_text("env_vars: {A: '1'}\n")
    options = ["--workers", "3", "--engine", "ray", "--per-gpu", "2"]
    options += ["--runtime-env", str(swept / "env.yaml"), "--no-wait", "--json"]
    words = ["sweep", "run", str(swept / "sweep.yaml"), "--out", str(swept / "out"), *options]
    done = cli(*words)
    assert done.err.splitlines()[-1].endswith(f"to resume: resforge {' '.join(words)}")
    assert given[0].items() >= {
        "engine": "ray", "per_gpu": 2, "runtime_env": {"env_vars": {"A": "1"}}, "wait": False,
    }.items()  # fmt: skip
    plain = cli("sweep", "run", str(swept / "sweep.yaml"), "--out", str(swept / "out"))
    assert plain.err.endswith(f"--out {swept / 'out'}\n")
    for wrong in ("0", "101", "1.5"):
        refused = cli(*words[:5], "--per-gpu", wrong)
        assert (refused.code, "--per-gpu" in refused.err) == (2, True)


def test_sweep_plan_shows_arms_figures_and_trials(cli: Cli, swept: Path) -> None:
    done = cli("sweep", "plan", str(swept / "sweep.yaml"))
    few = "with 1 seed no comparison can be separable: use at least 3, or write comparisons: []"
    assert (done.code, done.err) == (0, f"warning: {few}\n")
    assert done.lines[:3] == [
        "#  shortcut  differs from arm 1 in",
        "1  plain",
        "2  A         shortcut: zero_pad",
    ]
    heads = "params vs 1 MACs vs 1 activations vs 1 depth vs 1 field vs 1 same start"
    assert " ".join(done.lines[4].split()) == f"# shortcut {heads}"
    figures = "A 19,074 = 189,248 = 2,314 = 8 = 25 = 23/23 100%"
    assert " ".join(done.lines[6].split()) == f"2 {figures}"
    assert "2 arms, 2 networks x 1 seed = 2 trials, 6.4e8 MACs of training" in done.lines
    sizes = ["seeds SD", "3 3.26", "4 2.13", "5 1.68", "6 1.43", "8 1.16", "10 1.00"]
    assert [" ".join(line.split()) for line in done.lines[-9:-2]] == sizes
    assert done.lines[-1].startswith("time: unknown until trials are recorded")


def test_sweep_plan_fits_a_terminal(cli: Cli, swept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resforge.cli.sweep_plan as verb

    deep = SWEEP.replace("none}", "none, 'stages[*].depth': 100}")
    (swept / "deep.yaml").write_text(deep)
    monkeypatch.setattr(verb, "columns", lambda: 80)
    lines = cli("sweep", "plan", str(swept / "deep.yaml")).lines
    assert max(map(len, lines)) <= 80
    header = next(line for line in lines if line.startswith("#  params"))
    heads = "params vs 1 MACs vs 1 activ. vs 1 depth field same start"
    assert " ".join(header.split()) == f"# {heads}"


def test_sweep_plan_shows_the_time_of_what_is_left(cli: Cli, swept: Path) -> None:
    (swept / "more.yaml").write_text(SWEEP.replace("seeds: 1", "seeds: 2"))
    done = cli("sweep", "plan", str(swept / "more.yaml"), "--out", str(swept / "out"))
    assert re.fullmatch(
        r"time: 2 of 4 trials recorded; the other 2 take one worker about \d+ s", done.lines[-1]
    )
    same = cli("sweep", "plan", str(swept / "sweep.yaml"), "--out", str(swept / "out"))
    assert same.lines[-1] == "time: 2 of 2 trials recorded"
    none = cli("sweep", "plan", str(swept / "sweep.yaml"), "--out", "nowhere")
    assert none.lines[-1].startswith("time: 0 of 2 trials recorded; none of them")


def test_sweep_plan_lists_illegal_arms_with_their_places(cli: Cli, swept: Path) -> None:
    wrong = SWEEP + "budget: {trials: 1}\n"
    wrong = wrong.replace("seeds: 1", "    bad: {shortcut: identity}\n    B: {}\nseeds: 1")
    (swept / "wrong.yaml").write_text(wrong)
    done = cli("sweep", "plan", str(swept / "wrong.yaml"))
    assert done.code == 3
    assert "1 illegal arm:\n  shortcut=bad: 7:21\n" in done.out
    assert "3  B         shortcut as in the base (the network of 2)" in done.lines
    assert "warning: 1 of 3 arms differ from another in shortcut alone" in done.err
    assert "wrong.yaml:7:21  axes.shortcut.bad.shortcut" in done.err
    assert "2 networks of 1 seed are 2 trials, over the 1" in done.err
    told = cli("sweep", "plan", str(swept / "wrong.yaml"), "--json")
    assert told.code == 3
    assert [arm["arm"] for arm in told.json["illegal"]] == ["shortcut=bad"]
    assert [fault["line"] for fault in told.json["faults"]] == [7, 11]


def test_sweep_plan_of_a_file_that_is_no_sweep(cli: Cli) -> None:
    done = cli("sweep", "plan", "net.yaml")
    assert (done.code, done.out) == (3, "")
    assert "this file holds a spec" in done.err
