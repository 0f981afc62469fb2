"""The report is written while a sweep runs, and ends as the page of a finished one."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import sweep_trials
from resforge.ablation import run_sweep
from resforge.ablation.reporting import chart, report
from resforge.ablation.running import live_report
from resforge.ablation.running.live_report import LiveReport
from resforge.errors import StoreError

RELOADS = 'http-equiv="refresh"'


def test_the_page_of_a_finished_sweep_is_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_report, "_SETTLE", 0.0)
    written: list[bool] = []
    real = report.write_report

    def noted(folder: Path, running: bool = False) -> Path:
        path = real(folder, running)
        written.append(RELOADS in path.read_text(encoding="utf-8"))
        return path

    monkeypatch.setattr(report, "write_report", noted)
    run_sweep(sweep_trials.sweep(2), tmp_path, 1, trial="sweep_trials:lasting")
    assert written[0]
    assert not written[-1]
    assert RELOADS not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_it_writes_soon_and_never_two_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_report, "_SETTLE", 0.0)
    monkeypatch.setattr(live_report, "_SHARE", 0.0)
    at_work = threading.Lock()
    done = threading.Event()
    count = 0

    def write(folder: Path, running: bool = False) -> None:
        nonlocal count
        assert running
        assert at_work.acquire(blocking=False)
        count += 1
        done.set()
        at_work.release()
        if count == 1:
            raise StoreError("not now")

    monkeypatch.setattr(report, "write_report", write)
    with LiveReport(tmp_path, pause=0.0) as live:
        for _ in range(3):
            done.clear()
            live.changed()
            assert done.wait(10)
    assert live.written
    assert threading.active_count() == 1 or "resforge-report" not in {
        thread.name for thread in threading.enumerate()
    }
    live.changed()  # a trial that is recorded late writes nothing
    assert count == 3


def test_a_busy_machine_does_not_make_pauses_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause is as long as the work of a writing asks for, and not its waiting for a core."""
    monkeypatch.setattr(live_report, "_SETTLE", 0.0)
    written = threading.Semaphore(0)

    def write(*_: object, **__: object) -> None:
        time.sleep(0.3)
        written.release()

    monkeypatch.setattr(report, "write_report", write)
    with LiveReport(tmp_path, pause=0.0) as live:
        for _ in range(2):
            live.changed()
            assert written.acquire(timeout=4)  # a pause of twenty times 0.3 s is longer


def test_a_run_without_a_result_starts_no_thread(tmp_path: Path) -> None:
    with LiveReport(tmp_path) as live:
        pass
    assert live._thread is None
    assert not live.written


def test_while_the_last_trials_train_it_is_written_without_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = threading.Semaphore(0)
    monkeypatch.setattr(live_report, "_SETTLE", 600.0)
    monkeypatch.setattr(report, "write_report", lambda *_, **__: written.release())
    with LiveReport(tmp_path, pause=600.0) as live:
        live.changed()
        assert not written.acquire(timeout=0.2)
        for _ in range(2):
            live.changed(ending=True)
            assert written.acquire(timeout=10)
        live.changed()  # the next trials have begun
        assert not written.acquire(timeout=0.2)


def test_at_the_end_nothing_more_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run writes the report itself then, and would wait."""
    drawing, seen = threading.Event(), []

    def write(folder: Path, running: bool = False) -> None:
        drawing.set()
        end = time.monotonic() + 10
        while not chart.not_needed.get()() and time.monotonic() < end:
            time.sleep(0.01)
        seen.append(chart.not_needed.get()())
        raise chart.NotNeededError

    monkeypatch.setattr(report, "write_report", write)
    with LiveReport(tmp_path) as live:
        live.changed(ending=True)
        assert drawing.wait(10)
        assert not chart.not_needed.get()()  # of this thread
        live.end()  # gives it up without waiting for it
        assert live._thread is not None
        live._thread.join(5)
        assert seen == [True]
    assert seen == [True]
    assert not live.written
