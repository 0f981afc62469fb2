"""Running sweeps while things go wrong: nothing recorded is lost, nothing twice."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from importlib import import_module
from importlib.metadata import version
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import sweep_trials
from resforge.ablation import Records, Sweep, plan_sweep, read_records, run_sweep
from resforge.ablation.results.store import Store
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial

SUPPORT = str(Path(__file__).parent / "support")

DRIVER = """
import sys
sys.path.insert(0, {support!r})
from resforge.ablation import run_sweep, progress_on
import sweep_trials
summary = run_sweep(
    {sweep}, {out!r}, workers={workers}, progress=progress_on(), trial={trial!r},
    checkpoint_seconds={every},
)
print(summary.ran)
sys.exit(130 if summary.interrupted else 0)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log"
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(path))
    return path


def driver(
    out: Path,
    trial: str = "sweep_trials:slow",
    sweep: str = "sweep_trials.sweep(seeds=4)",
    workers: int = 2,
    every: float = 30.0,
) -> subprocess.Popen[str]:
    code = DRIVER.format(
        support=SUPPORT, sweep=sweep, out=str(out), workers=workers, trial=trial, every=every
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], Any]) -> None:
    """Poll until ``condition`` holds; a minute is a hang, not a measurement."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came about")


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def is_dead(pid: int) -> bool:
    return not is_alive(pid)


def recorded(out: Path) -> dict[str, tuple[Any, ...]]:
    return {trial.key: trial.outcome.numbers for trial in read_records(out).all_trials}


def expected(sweep: Sweep) -> dict[str, tuple[Any, ...]]:
    plan = plan_sweep(sweep)
    return {
        trial.key: sweep_trials.outcome(make_task(plan, trial)).numbers for trial in plan.trials
    }


def statuses(records: Records) -> Counter[str]:
    return Counter(trial.outcome.status for trial in records.all_trials)


def test_a_finished_sweep_run_again_trains_nothing(tmp_path: Path, log: Path) -> None:
    sweep, out = sweep_trials.sweep(seeds=3), tmp_path / "out"
    first = run_sweep(sweep, out, workers=2, trial="sweep_trials:quick")
    assert (first.total, first.finished, first.ran, first.failed) == (6, 6, 6, 0)
    assert recorded(out) == expected(sweep)
    before = {name: (out / name).read_bytes() for name in ("report.html", "results.csv")}
    again = run_sweep(sweep, out, workers=2, trial="sweep_trials:quick")
    assert (again.finished, again.ran, again.statuses) == (6, 0, first.statuses)
    assert {name: (out / name).read_bytes() for name in before} == before
    assert len(sweep_trials.notes(log, "start")) == 6


def test_more_seeds_and_arms_train_only_what_is_new(tmp_path: Path, log: Path) -> None:
    run_sweep(sweep_trials.sweep(2, 2), tmp_path, 1, trial="sweep_trials:quick")
    grown = sweep_trials.sweep(3, 3)
    assert run_sweep(grown, tmp_path, 1, trial="sweep_trials:quick").ran == 9 - 4
    assert recorded(tmp_path) == expected(grown)
    shrunk = sweep_trials.sweep(1, 1)
    assert run_sweep(shrunk, tmp_path, 1, trial="sweep_trials:quick").ran == 0
    assert recorded(tmp_path) == expected(shrunk)
    assert len(sweep_trials.notes(log, "start")) == 9


def test_another_published_table_trains_nothing_and_is_shown(tmp_path: Path, log: Path) -> None:
    def with_printed(figure: object) -> Sweep:
        tables = [{"source": "a paper", "measure": "error, %", "rows": {"w0": figure}}]
        return Sweep(**{**sweep_trials.sweep(2).model_dump(), "published": tables})

    first = run_sweep(with_printed("8.75 once"), tmp_path, 1, trial="sweep_trials:quick")
    assert "8.75 once" in (tmp_path / "report.html").read_text()
    again = run_sweep(with_printed("6.61 twice"), tmp_path, 1, trial="sweep_trials:quick")
    assert (first.ran, again.ran) == (4, 0)
    page = (tmp_path / "report.html").read_text()
    assert "6.61 twice" in page
    assert "8.75 once" not in page
    assert "6.61" not in (tmp_path / "results.csv").read_text()


def test_every_end_is_recorded_and_the_sweep_continues(tmp_path: Path, log: Path) -> None:
    sweep = sweep_trials.sweep(seeds=7, arms=1, timeout=4.0)
    summary = run_sweep(sweep, tmp_path, workers=2, trial="sweep_trials:each_in_its_way")
    records = read_records(tmp_path)
    by_seed = {trial.seed: trial.outcome for trial in records.all_trials}
    ends = {seed: outcome.status for seed, outcome in by_seed.items()}
    assert ends == {
        0: "done",
        1: "failed",
        2: "crashed",
        3: "timed_out",
        4: "diverged",
        5: "crashed",
        6: "done",
    }
    assert (summary.failed, summary.diverged) == (4, 1)
    assert "ValueError: no\x1b[31m such" in (by_seed[1].error or "")
    assert "time limit of 4 s" in (by_seed[3].error or "")
    (row,) = rf.ablation.compare(records)
    assert (row.done, row.lost, row.pending) == (2, 5, 0)
    # A process that dies is tried once more; nothing else is.
    tries = Counter(key for key, _ in sweep_trials.notes(log, "start"))
    assert sorted(tries.values()) == [1, 1, 1, 1, 1, 2, 2]
    again = run_sweep(sweep, tmp_path, workers=2, trial="sweep_trials:each_in_its_way")
    assert again.ran == 0


def test_a_killed_worker_costs_one_attempt(tmp_path: Path, log: Path) -> None:
    sweep = sweep_trials.sweep()
    summary = run_sweep(sweep, tmp_path, workers=2, trial="sweep_trials:dies_once")
    assert summary.statuses == {"done": 4}
    assert recorded(tmp_path) == expected(sweep)
    assert len(sweep_trials.notes(log, "start")) == 8


@pytest.mark.parametrize("ended", [1, 4])
def test_a_killed_driver_loses_nothing(tmp_path: Path, log: Path, ended: int) -> None:
    sweep, out = sweep_trials.sweep(seeds=4), tmp_path / "out"
    process = driver(out)
    wait_for(lambda: len(sweep_trials.notes(log, "end")) >= ended)
    process.kill()
    process.communicate()
    workers = {pid for _, pid in sweep_trials.notes(log, "start")}
    wait_for(lambda: not any(is_alive(pid) for pid in workers))
    kept, noted = recorded(out), len(sweep_trials.notes(log, "end"))
    assert len(kept) >= noted - 2  # an end is noted just before it is recorded
    summary = run_sweep(sweep, out, workers=2, trial="sweep_trials:slow")
    assert summary.ran == 8 - len(kept)
    assert recorded(out) == expected(sweep)
    # A worker begins its next trial before the end of the last is recorded.
    assert len(sweep_trials.notes(log, "start")) <= 8 + 2 + (noted - len(kept))


def test_two_drivers_share_one_store(tmp_path: Path, log: Path) -> None:
    out = tmp_path / "out"
    both = [driver(out), driver(out)]
    ran = []
    for process in both:
        told, errors = process.communicate()
        assert process.returncode == 0, errors
        ran.append(int(told))
    assert sum(ran) == 8
    assert len(sweep_trials.notes(log, "start")) == 8
    assert recorded(out) == expected(sweep_trials.sweep(seeds=4))


def test_the_rest_of_a_killed_driver_goes_to_the_other(tmp_path: Path, log: Path) -> None:
    out = tmp_path / "out"
    dying = driver(out, "sweep_trials:endless", "sweep_trials.sweep(seeds=1)")
    wait_for(lambda: len(sweep_trials.notes(log, "start")) == 2)
    living = driver(out, "sweep_trials:quick", "sweep_trials.sweep(seeds=1)")
    wait_for(lambda: len(drivers_in(out)) == 2)
    dying.kill()
    dying.communicate()
    told, errors = living.communicate()
    assert living.returncode == 0, errors
    assert int(told) == 2
    assert recorded(out) == expected(sweep_trials.sweep(seeds=1))


def drivers_in(out: Path) -> list[Any]:
    with closing(sqlite3.connect(out / "results.sqlite")) as database:
        return database.execute("SELECT owner FROM drivers").fetchall()


def crashes_in(out: Path) -> int:
    with closing(sqlite3.connect(out / "results.sqlite")) as database:
        return int(database.execute("SELECT sum(crashes) FROM trials").fetchone()[0])


def test_a_driver_at_work_keeps_its_lease(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resforge.ablation.running.driver.LEASE", 0.9)
    run_sweep(sweep_trials.sweep(seeds=1), tmp_path, workers=2, trial="sweep_trials:lasting")
    assert len(sweep_trials.notes(log, "start")) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "where",
    [
        "running.run:plan_sweep",
        "running.run:Store",
        "running.progress:Silence.start",
        "reporting.report:write_report",
    ],
)
def test_a_signal_ends_tidily_whatever_is_at_work(
    tmp_path: Path,
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    number: signal.Signals,
) -> None:
    def unheard(*_: object) -> None:
        raise AssertionError("nobody took the signal")

    before = signal.signal(number, unheard)
    module, _, name = where.partition(":")
    holder = import_module(f"resforge.ablation.{module}")
    if "." in name:
        holder, name = holder.Silence, "start"
    real = getattr(holder, name)

    def signalled(*given: Any, **named: Any) -> Any:
        os.kill(os.getpid(), number)
        return real(*given, **named)

    monkeypatch.setattr(holder, name, signalled)
    # The page of a running sweep would be written at a time of its own.
    monkeypatch.setattr("resforge.ablation.running.live_report._SETTLE", 3600.0)
    try:
        summary = run_sweep(sweep_trials.sweep(1), tmp_path, 1, trial="sweep_trials:quick")
        assert signal.getsignal(number) is unheard
    finally:
        signal.signal(number, before)
    assert summary.interrupted
    assert summary.ran == (2 if "report" in where else 0)
    assert drivers_in(tmp_path) == []


@pytest.mark.parametrize(
    "where",
    [
        "running.progress:Silence.close",
        "results.store:Store.leave",
        "running.engines.pool:Pool.close",
        "running.search:plans",
    ],
)
def test_a_second_signal_skips_nothing_that_ends_a_run(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    module, _, name = where.partition(":")
    owner, _, method = name.rpartition(".")
    holder = import_module(f"resforge.ablation.{module}")
    if owner:
        holder, name = getattr(holder, owner), method
    else:
        holder = import_module("resforge.ablation.running.driver")
    real = getattr(holder, name)
    done = []

    def signalled(*given: Any, **named: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        done.append(real(*given, **named))
        return done[-1]

    monkeypatch.setattr(holder, name, signalled)
    summary = run_sweep(sweep_trials.sweep(1), tmp_path, 1, trial="sweep_trials:quick")
    assert summary.interrupted
    assert bool(done) == bool(owner)  # plans are no part of an end
    assert summary.ran == (2 if owner else 0)
    assert drivers_in(tmp_path) == []


def test_workers_that_die_while_it_stops_have_not_crashed(tmp_path: Path, log: Path) -> None:
    process = driver(tmp_path, "sweep_trials:endless")
    wait_for(lambda: len(sweep_trials.notes(log, "start")) == 2)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    wait_for(lambda: "stopping" in process.stderr.readline())
    for _, worker in sweep_trials.notes(log, "start"):
        os.kill(worker, signal.SIGKILL)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (130, "")
    assert crashes_in(tmp_path) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_to_everyone_ends_tidily(
    tmp_path: Path, log: Path, number: signal.Signals
) -> None:
    """To the whole group, as a terminal and a batch system send it."""
    out = tmp_path / "out"
    sweep_trials.hold().touch()
    process = driver(out)
    wait_for(lambda: len(sweep_trials.notes(log, "end")) >= 1)
    os.killpg(process.pid, number)
    _, errors = process.communicate()
    sweep_trials.hold().unlink()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors, errors
    assert drivers_in(out) == []
    kept = recorded(out)
    assert run_sweep(sweep_trials.sweep(seeds=4), out, 2, trial="sweep_trials:quick").ran == (
        8 - len(kept)
    )
    assert recorded(out) == expected(sweep_trials.sweep(seeds=4))


def test_a_second_signal_ends_at_once(tmp_path: Path, log: Path) -> None:
    out = tmp_path / "out"
    process = driver(out, "sweep_trials:endless")
    wait_for(lambda: len(sweep_trials.notes(log, "start")) == 2)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    wait_for(lambda: "stopping" in process.stderr.readline())
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not any(is_alive(pid) for _, pid in sweep_trials.notes(log, "start"))
    assert recorded(out) == {}


def test_workers_that_cannot_start_are_not_started_for_ever(tmp_path: Path) -> None:
    _, errors = driver(tmp_path, "no_such_module:run", workers=1).communicate()
    assert "ResforgeError: 3 worker processes ended before they could start" in errors
    assert "No module named 'no_such_module'" in errors


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_workers_start_where_the_process_to_fork_from_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have the environment of the driver as it is now, too."""
    for name in ("first", "second"):
        monkeypatch.setenv("RESFORGE_TEST_LOG", str(tmp_path / f"{name}.log"))
        sweep = sweep_trials.sweep(seeds=1)
        run_sweep(sweep, tmp_path / name, workers=1, trial="sweep_trials:quick")
        assert len(sweep_trials.notes(tmp_path / f"{name}.log", "start")) == 2
        server: Any = forkserver._forkserver
        origin: int = server._forkserver_pid
        os.kill(origin, signal.SIGKILL)
        # It may take a while, in which it can be asked for workers still.
        wait_for(partial(is_dead, origin))


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_workers_inherit_imports_and_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the process that they are forked from, whose objects their own garbage collection leaves
    alone."""
    log = tmp_path / "log"
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(log))
    sweep = sweep_trials.sweep(seeds=1, arms=1)
    run_sweep(sweep, tmp_path / "out", workers=1, trial="sweep_trials:inherited")
    imported, collects, frozen, threads, marked = True, True, True, 1, False
    assert log.read_text() == repr((imported, collects, frozen, threads, marked))
    assert not gc.get_freeze_count()  # the driver's own is as it was
    assert gc.isenabled()


def test_pages_that_another_command_made_old_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that writes what it read before another's last trial writes once more."""
    from resforge.ablation.reporting import report

    written: list[Path] = []
    write = report.write_report

    def slowly(out: Any, running: bool = False) -> Path:
        page = write(out, running)
        if not running:
            written.append(page)
            if len(written) == 1:
                monkeypatch.setattr(Store, "counts", lambda store: {"finished": 3})
        return page

    monkeypatch.setattr(report, "write_report", slowly)
    run_sweep(sweep_trials.sweep(seeds=1), tmp_path, workers=1, trial="sweep_trials:quick")
    assert len(written) == 2


def test_no_workers_is_no_number_of_workers(tmp_path: Path) -> None:
    with pytest.raises(rf.ResforgeError, match="use at least 1"):
        run_sweep(sweep_trials.sweep(), tmp_path, workers=0)


def test_real_trials_killed_and_resumed_are_bitwise_those_of_a_quiet_run(tmp_path: Path) -> None:
    plan = plan_sweep(sweep_trials.real())
    # Here, in this process, in another order: neither may matter.
    quiet = {t.key: run_trial(make_task(plan, t)).numbers for t in reversed(plan.trials)}
    process = driver(
        tmp_path, "resforge.ablation.running.trial:run_trial", "sweep_trials.real()", 1
    )
    assert process.stderr is not None
    wait_for(lambda: process.stderr.readline().startswith("[1/4]"))
    process.kill()
    process.communicate()
    kept = recorded(tmp_path)
    assert len(kept) >= 1
    assert run_sweep(plan.sweep, tmp_path, workers=1).ran == 4 - len(kept)
    assert recorded(tmp_path) == quiet


@pytest.fixture(scope="module")
def quiet() -> dict[str, tuple[Any, ...]]:
    """What the real trials come to, here and in another order."""
    plan = plan_sweep(sweep_trials.real())
    return {t.key: run_trial(make_task(plan, t)).numbers for t in reversed(plan.trials)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_ends_repeats_no_step(
    tmp_path: Path, log: Path, quiet: dict[str, tuple[Any, ...]], number: signal.Signals
) -> None:
    """Its trials write where they are, told by it or left alone, and the next run goes on."""
    out = tmp_path / "out"
    sweep_trials.hold().touch()
    process = driver(out, "sweep_trials:stepwise", "sweep_trials.real()")
    wait_for(lambda: len(sweep_trials.notes(log, "step")) == 2 * sweep_trials.HELD_AFTER)
    process.send_signal(number)
    _, errors = process.communicate()
    sweep_trials.hold().unlink()
    assert "Traceback" not in errors
    workers = {pid for _, pid in sweep_trials.notes(log, "start")}
    wait_for(lambda: not any(is_alive(pid) for pid in workers))
    assert sorted(file.suffix for file in (out / "checkpoints").iterdir()) == [".pt", ".pt"]
    run_sweep(sweep_trials.real(), out, trial="sweep_trials:stepwise", engine="inline")
    assert recorded(out) == quiet
    assert len(sweep_trials.notes(log, "step")) == 4 * 8
    assert not (out / "checkpoints").exists()
    assert crashes_in(out) == 0


def test_a_killed_worker_repeats_what_came_after_its_last_checkpoint(
    tmp_path: Path, log: Path, quiet: dict[str, tuple[Any, ...]]
) -> None:
    out = tmp_path / "out"
    sweep_trials.hold().touch()
    process = driver(out, "sweep_trials:stepwise", "sweep_trials.real()", 1, every=0.0)
    wait_for(lambda: len(sweep_trials.notes(log, "step")) == sweep_trials.HELD_AFTER)
    os.kill(sweep_trials.notes(log, "start")[0][1], signal.SIGKILL)
    sweep_trials.hold().unlink()
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "its process died; it is retried once" in errors
    assert recorded(out) == quiet
    assert len(sweep_trials.notes(log, "step")) == 33  # the third was not written yet
    assert len(sweep_trials.notes(log, "start")) == 5


def test_each_run_that_trains_leaves_its_manifest(tmp_path: Path, log: Path) -> None:
    for seeds in (1, 1, 2):
        run_sweep(sweep_trials.sweep(seeds), tmp_path, 1, trial="sweep_trials:quick")
    runs = read_records(tmp_path).runs
    assert len(runs) == 2  # the second had nothing to do
    for run in runs:
        assert run.manifest["resforge"] == rf.__version__
        assert run.manifest["python"].startswith("3.")
        assert run.manifest["torch"].partition("+")[0] == version("torch").partition("+")[0]
        assert (run.manifest["engine"], run.manifest["workers"]) == ("process", 1)
        assert run.manifest["data"] == read_records(tmp_path).fingerprint
        assert len(run.manifest["code"]) == 64
