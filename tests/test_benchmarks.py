"""The frame of the benchmarks: rows kept as data and written into their page; no speed."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RUN = {
    "date": "2026-11-29",
    "device": "A processor",
    "cores": 2,
    "load": 0.1,
    "versions": {"torch": "2.13.0", "fvcore": ""},
    "pairs": 7,
    "seconds": 1.5,
}


@pytest.fixture
def frame(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the checkout, which is not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.page")


def part(name: str) -> Any:
    return importlib.import_module(f"benchmarks.{name}")


def test_the_page_shows_the_figures(frame: Any, tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    shutil.copy(PAGE, page)
    frame.write_page(part("results").read(), page)
    assert page.read_text() == PAGE.read_text(), "run python -m benchmarks --page"


def test_each_suite_has_a_table(frame: Any) -> None:
    suites = part("suites")
    shown = part("marks").marked(PAGE.read_text())
    assert sorted(shown) == sorted({*suites.ON_CPU, *suites.ON_DEVICE})
    assert {result.suite for result in part("results").read()} <= {*shown}


def test_a_run_replaces_all_that_its_suite_had(frame: Any, tmp_path: Path) -> None:
    """A peer that is not installed any more leaves no old figure."""
    rows, results = part("rows"), part("results")
    data, page = tmp_path / "benchmarks.jsonl", tmp_path / "benchmarks.md"
    tables = "<!-- table: plan -->\nold\n<!-- end -->\n<!-- table: run -->\n<!-- end -->\n"
    page.write_text(f"by hand\n{tables}")
    row = rows.Row("plan x", "fvcore", 0.03812, 13464.2, 353205.0, 9.0, 400000.0)
    scale = rows.Figure("memory", 12.0, "MB", 11.0, 13.0)
    results.replace("run", [results.Result("run", scale, RUN)], data)
    results.replace("plan", [results.Result("plan", row, RUN)], data)
    frame.write_page(results.read(data), page)
    assert "| plan x | fvcore | 0.0381 | 13,464 | 353,205 | 9.00 to 400,000 |" in page.read_text()
    assert "| memory | 12.0 MB | 11.0 to 13.0 |" in page.read_text()
    results.replace("plan", [results.Result("plan", rows.Missing("plan x", "y", "z"), RUN)], data)
    frame.write_page(results.read(data), page)
    text = page.read_text()
    assert "13,464" not in text
    assert "old" not in text
    assert text.startswith("by hand\n")
    assert "| plan x | y |  |  | not measured: z is not installed |  |" in text
    assert "29 November 2026; A processor, 2 cores, load 0.1; torch 2.13.0; 7 pairs" in text


def test_a_floor_is_named(frame: Any) -> None:
    row = part("rows").Row("build", "normal_", 110.0, 89.0, 0.81, 0.8, 0.82, 1, True)
    ((heads, cells),) = frame.tables([row])
    assert (heads[1], cells[0][1]) == ("against", "floor: normal_")


def test_a_ratio_is_theirs_over_ours(frame: Any) -> None:
    ours: list[int] = []
    theirs: list[int] = []
    row = part("turns").compare("w", "p", lambda: ours.append(0), lambda: theirs.append(0), 3, 4)
    assert (len(ours), len(theirs)) == (1 + 3 * 4, 1 + 3)
    assert row.ratio == row.theirs_ms / row.ours_ms
    assert row.least <= row.most


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--device", "cuda:77"), 3, "error: device 'cuda:77' cannot be used"),
        (("draw",), 2, "no suite draw; choose from plan, generate,"),
        (("--pairs", "0"), 2, "--pairs 0: at least 1"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(
    words: tuple[str, ...], code: int, message: str
) -> None:
    command = [sys.executable, "-m", "benchmarks", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
