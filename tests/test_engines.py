"""Engines: the same file gives the same bits on each, and each outlives what its trials do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import resforge as rf
import sweep_trials
from resforge.ablation import plan_sweep, read_records, run_sweep
from resforge.ablation.results import STORE_NAME
from resforge.ablation.running import forking, origin
from resforge.ablation.running.engines import inline
from resforge.ablation.running.progress import Silence
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial
from resforge.cli.early import device_of_workers

SUPPORT = str(Path(__file__).parent / "support")

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")

ON_RAY = """
import json, os, sys
sys.path.insert(0, {support!r})
from resforge.ablation import progress_on, run_sweep
import sweep_trials
nodes = {nodes}
if nodes:
    from ray.cluster_utils import Cluster
    cluster = Cluster(initialize_head=True, head_node_args={{"num_cpus": 1}})
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
summary = run_sweep(
    {sweep}, {out!r}, workers={workers}, progress=progress_on(), trial={trial!r}, engine="ray"
)
if nodes:
    cluster.shutdown()
print(json.dumps(summary.statuses))
sys.exit(130 if summary.interrupted else 0)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log"
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(path))
    return path


def on_ray(
    out: Path,
    trial: str = "resforge.ablation.running.trial:run_trial",
    sweep: str = "sweep_trials.real()",
    workers: int | None = None,
    nodes: int = 0,
) -> subprocess.Popen[str]:
    """A driver in a process of its own, since Ray stays in a process that it was started in."""
    code = ON_RAY.format(
        support=SUPPORT, out=str(out), trial=trial, sweep=sweep, workers=workers, nodes=nodes
    )
    paths = os.pathsep.join([SUPPORT, *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0"},
    )


def ended(process: subprocess.Popen[str]) -> dict[str, int]:
    told, errors = process.communicate()
    assert process.returncode == 0, errors
    statuses: dict[str, int] = json.loads(told.splitlines()[-1])
    return statuses


def recorded(out: Path) -> dict[str, tuple[Any, ...]]:
    return {trial.key: trial.outcome.numbers for trial in read_records(out).all_trials}


def wait_for(condition: Callable[[], Any]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it never came about")


@pytest.fixture(scope="module")
def quiet() -> dict[str, tuple[Any, ...]]:
    """What the real trials come to, run one by one."""
    plan = plan_sweep(sweep_trials.real())
    return {trial.key: run_trial(make_task(plan, trial)).numbers for trial in plan.trials}


@pytest.mark.parametrize("engine", ["process", "inline"])
def test_each_engine_gives_the_same_bits(
    tmp_path: Path, quiet: dict[str, tuple[Any, ...]], engine: Any
) -> None:
    assert run_sweep(sweep_trials.real(), tmp_path, 2, engine=engine).statuses == {"done": 4}
    assert recorded(tmp_path) == quiet


def test_what_one_engine_left_another_continues_with(
    tmp_path: Path, log: Path, quiet: dict[str, tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(what: str, task: Any) -> None:
        sweep_noted(what, task)
        if len(sweep_trials.notes(log, "step")) == 11:
            os.kill(os.getpid(), signal.SIGTERM)

    sweep_noted = sweep_trials.note
    with monkeypatch.context() as patch:
        patch.setattr(sweep_trials, "note", interrupted)
        first = run_sweep(
            sweep_trials.real(), tmp_path, trial="sweep_trials:stepwise", engine="inline"
        )
    assert (first.interrupted, first.ran) == (True, 1)
    again = run_sweep(sweep_trials.real(), tmp_path, 1, trial="sweep_trials:stepwise")
    assert again.ran == 3
    assert recorded(tmp_path) == quiet
    assert len(sweep_trials.notes(log, "step")) == 4 * 8


def test_inline_trials_fail_and_run_out_of_time_like_others(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = sweep_trials.sweep(seeds=[0, 1, 4], arms=1)  # type: ignore[arg-type]
    summary = run_sweep(
        sweep, tmp_path / "a", trial="sweep_trials:each_in_its_way", engine="inline"
    )
    assert summary.statuses == {"done": 1, "failed": 1, "diverged": 1}
    short = rf.ablation.Sweep(**{**sweep_trials.real().model_dump(), "timeout": 0.2})
    summary = run_sweep(short, tmp_path / "b", trial="sweep_trials:stepwise", engine="inline")
    assert summary.statuses == {"timed_out": 4}


def test_a_run_in_one_process_keeps_its_lease(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long trial holds the driver; its claims must not lapse meanwhile."""
    renewed: list[float] = []
    real = rf.ablation.Store.renew

    def renew(self: Any, owner: Any, lease: float) -> None:
        renewed.append(lease)
        real(self, owner, lease)

    monkeypatch.setattr(rf.ablation.Store, "renew", renew)
    monkeypatch.setattr("resforge.ablation.running.driver.LEASE", 0.6)
    one = rf.ablation.Sweep(**{**sweep_trials.real().model_dump(), "seeds": 1})
    run_sweep(one, tmp_path, trial="sweep_trials:stepwise", engine="inline")
    assert len(renewed) >= 4  # 16 steps of 50 ms, a claim of 600 ms


class Noted(Silence):
    """Writes down how many trials are said to be running."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def running(self, count: int) -> None:
        self.counts.append(count)


def test_a_worker_trains_its_next_trial_while_the_last_is_recorded(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is never said that more trials run than there are workers."""
    happened: list[str] = []
    give, record = inline.Inline.give, rf.ablation.Store.record

    def noted_give(self: Any, task: Any) -> None:
        happened.append(f"give {task.seed}")
        give(self, task)

    def noted_record(self: Any, claim: Any, outcome: Any) -> bool:
        happened.append(f"record {seeds[claim.key]}")
        return record(self, claim, outcome)

    monkeypatch.setattr(inline.Inline, "give", noted_give)
    monkeypatch.setattr(rf.ablation.Store, "record", noted_record)
    sweep, progress = sweep_trials.sweep(seeds=3, arms=1), Noted()
    seeds = {trial.key: trial.seed for trial in plan_sweep(sweep).trials}
    run_sweep(sweep, tmp_path, 1, progress, "sweep_trials:quick", engine="inline")
    assert happened == ["give 0", "give 1", "record 0", "give 2", "record 1", "record 2"]
    assert max(progress.counts) == 1
    assert progress.counts[-1] == 0


def test_an_outcome_is_recorded_whatever_becomes_of_the_next_trial(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = rf.ablation.Store.claim

    def once(self: Any, *of: Any) -> Any:
        if sweep_trials.notes(log, "start"):
            raise rf.StoreError("not now")
        return claim(self, *of)

    monkeypatch.setattr(rf.ablation.Store, "claim", once)
    sweep = sweep_trials.sweep(seeds=3, arms=1)
    with pytest.raises(rf.StoreError, match="not now"):
        run_sweep(sweep, tmp_path, trial="sweep_trials:quick", engine="inline")
    assert len(recorded(tmp_path)) == 1


def test_after_a_signal_no_trial_is_given_to_a_worker(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signalled(what: str, task: Any) -> None:
        note(what, task)
        os.kill(os.getpid(), signal.SIGTERM)

    note = sweep_trials.note
    monkeypatch.setattr(sweep_trials, "note", signalled)
    sweep = sweep_trials.sweep(seeds=3, arms=1)
    summary = run_sweep(sweep, tmp_path, trial="sweep_trials:quick", engine="inline")
    assert (summary.interrupted, summary.ran) == (True, 1)
    assert len(sweep_trials.notes(log, "start")) == 1


def test_engines_are_known_by_name(tmp_path: Path) -> None:
    with pytest.raises(rf.ResforgeError, match="use process, inline or ray"):
        run_sweep(sweep_trials.real(), tmp_path, engine="dask")  # type: ignore[arg-type]


def test_without_ray_the_mend_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(rf.ResforgeError, match=r"pip install 'resforge\[ray\]'"):
        run_sweep(sweep_trials.real(), tmp_path, engine="ray")


@needs_ray
def test_a_local_ray_gives_the_same_bits(tmp_path: Path, quiet: dict[str, tuple[Any, ...]]) -> None:
    assert ended(on_ray(tmp_path, workers=2)) == {"done": 4}
    assert recorded(tmp_path) == quiet


@needs_ray
def test_two_nodes_of_a_ray_cluster_share_the_work(
    tmp_path: Path, log: Path, quiet: dict[str, tuple[Any, ...]]
) -> None:
    assert ended(on_ray(tmp_path / "out", "sweep_trials:on_a_node", nodes=2)) == {"done": 4}
    assert recorded(tmp_path / "out") == quiet
    nodes = {line.split()[0] for line in log.read_text().splitlines()}
    assert len(nodes) == 2


@needs_ray
def test_ray_outlives_what_its_trials_do(tmp_path: Path, log: Path) -> None:
    out, sweep = tmp_path / "out", "sweep_trials.sweep(seeds=7, arms=1, timeout=8.0)"
    ends = ended(on_ray(out, "sweep_trials:each_in_its_way", sweep, workers=2))
    assert ends == {"done": 2, "failed": 1, "crashed": 2, "timed_out": 1, "diverged": 1}
    tries = Counter(key for key, _ in sweep_trials.notes(log, "start"))
    assert sorted(tries.values()) == [1, 1, 1, 1, 1, 2, 2]


@needs_ray
def test_a_stopped_run_on_ray_continues_where_it_was(
    tmp_path: Path, log: Path, quiet: dict[str, tuple[Any, ...]]
) -> None:
    out = tmp_path / "out"
    process = on_ray(out, "sweep_trials:stepwise", workers=2)
    wait_for(lambda: len(sweep_trials.notes(log, "step")) >= 3)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert ended(on_ray(out, "sweep_trials:stepwise", workers=2)) == {"done": 4}
    assert recorded(out) == quiet
    assert len(sweep_trials.notes(log, "step")) == 4 * 8


@needs_ray
def test_actors_that_cannot_start_are_not_started_for_ever(tmp_path: Path) -> None:
    process = on_ray(tmp_path, "broken_start:run", workers=1)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "3 Ray actors ended before they could start" in errors


def test_a_cluster_that_is_not_there_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(address: str, **_: Any) -> None:
        raise ConnectionError(f"nobody answers at {address}")

    ray = SimpleNamespace(is_initialized=lambda: False, init=refuse)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    told = "at RAY_ADDRESS=auto: nobody answers at auto; start one with `ray start --head`, or"
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(rf.ResforgeError, match=f"{told} .* needs RAY_AUTH_MODE=token"):
        run_sweep(sweep_trials.real(), tmp_path, engine="ray")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(rf.ResforgeError, match=f"{told} [^;]*$"):
        run_sweep(sweep_trials.real(), tmp_path, engine="ray")


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "ray://localhost:{}"])
def test_an_address_where_nobody_answers_is_reported_before_ray_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Ray would ask again and again, for a quarter of an hour."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    asked: list[str] = []
    ray = SimpleNamespace(is_initialized=lambda: False, init=lambda **_: asked.append("init"))
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setenv("RAY_ADDRESS", address.format(port))
    with pytest.raises(rf.ResforgeError, match=r"RAY_ADDRESS=.*refused; start one with"):
        run_sweep(sweep_trials.real(), tmp_path, engine="ray")
    assert not asked


@needs_ray
def test_an_unreachable_cluster_ends_the_command_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    file = tmp_path / "s.yaml"
    file.write_text("sweep: 1\nbase: digits_resnet8\narms: {a: {}}\n")
    command = [sys.executable, "-m", "resforge", "sweep", "run", str(file), "--engine", "ray"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "RAY_ADDRESS": address},
    )
    assert done.returncode == 3
    assert f"error: no Ray cluster at RAY_ADDRESS={address}" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_child_can_be_interrupted_before_it_has_its_handlers() -> None:
    """The first child of a process starts multiprocessing's tracker, which unblocks the signals."""
    script = (
        "import signal\n"
        "from multiprocessing import resource_tracker\n"
        "from resforge.ablation.running import forking\n"
        "with forking.signals_blocked():\n"
        "    resource_tracker.getfd()  # as each start of a child does\n"
        "    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "assert {signal.SIGINT, signal.SIGTERM} <= blocked, blocked\n"
        "assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_process_that_workers_are_forked_from_ends_at_once() -> None:
    """Modules that are taken apart while frozen have bindings complain on the terminal."""
    script = "import atexit; atexit.register(print, 'taken apart'); import " + origin.__name__
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for marked, out in (("", "taken apart\n"), ("1", "")):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, origin.VARIABLE: marked},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout, done.stderr) == (out, "")


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_a_process_that_was_started_early_ends_with_the_command() -> None:
    script = """
import os, sys
from multiprocessing import forkserver
from resforge.ablation.running.forking import started_early
with started_early("cpu"):
    origin = forkserver._forkserver._forkserver_pid
print(os.waitstatus_to_exitcode(os.waitpid(origin, 0)[1]), "torch" in sys.modules)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [str(-signal.SIGKILL), "False"]


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_what_prevents_workers_from_being_prepared_is_said_where_one_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(device: str) -> None:
        raise OSError("AF_UNIX path too long")

    monkeypatch.setattr(forking, "context_of", fail)
    with forking.started_early("cpu"):
        pass


def test_workers_of_a_new_sweep_are_prepared_before_its_command_is_read(tmp_path: Path) -> None:
    words = ["sweep", "run", "sweep.yaml", "--out"]
    old = tmp_path / "old"
    old.mkdir()
    (old / STORE_NAME).touch()
    wanted = {
        (*words, "new"): "auto",
        ("-q", *words, "new", "--device", "cpu"): "cpu",
        (*words, "new", "--device=cuda", "--workers", "2"): "cuda",
        (*words, "new", "--engine=process"): "auto",
        (*words, "n" * 300): "auto",  # the command says that there is no such name
        (*words, "new", "--engine", "inline"): None,
        (*words, "new", "--help"): None,
        (*words, str(old)): None,
        ("sweep", "run", "sweep.yaml"): None,
        ("sweep", "plan", "sweep.yaml", "--out", "new"): None,
        ("report", "new"): None,
    }
    assert {line: device_of_workers(line) for line in wanted} == wanted


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_the_program_begins_with_its_workers(tmp_path: Path) -> None:
    script = """
import sys
from multiprocessing import forkserver
from resforge.cli import app, main

def run():
    print(forkserver._forkserver._forkserver_pid is not None)
    sys.exit(5)

app.run_program = run
sys.argv[1:] = ["sweep", "run", "sweep.yaml", "--device", "cpu", "--out", "new"]
main()
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (5, "True\n", "")
