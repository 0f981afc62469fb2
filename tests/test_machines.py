"""Several commands on one folder, and the commands of the page on many machines."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import sweep_trials
from command_line import Cli
from resforge.ablation import Store, load_sweep, plan_sweep, read_records, run_sweep
from resforge.ablation.results.owner import Owner
from resforge.ablation.running.manifest import make_manifest
from resforge.ablation.running.progress import Silence
from resforge.ablation.running.runtime_env import read_runtime_env

PAGE = Path(__file__).parent.parent / "docs" / "machines.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
SCRIPTS = [body for language, body in BLOCKS if language == "bash"]
SWEEP = """\
sweep: 1
base: digits_resnet8
arms: {a: {}, b: {shortcut: none}}
seeds: 4
recipe: {steps: 2, batch_size: 16}
"""


def executable(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def test_the_jobs_of_an_array_divide_the_trials(tmp_path: Path) -> None:
    (script,) = [body for body in SCRIPTS if body.startswith("#!")]
    (tmp_path / "sweep.sbatch").write_text(script)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    commands = tmp_path / "bin"
    commands.mkdir()
    executable(commands / "srun", 'exec "$@"')
    executable(commands / "resforge", f'exec {sys.executable} -m resforge "$@" --workers 1')
    paths = f"{commands}{os.pathsep}{os.environ['PATH']}"
    jobs = [
        subprocess.Popen(
            ["bash", "sweep.sbatch"],
            cwd=tmp_path,
            env={**os.environ, "PATH": paths, "SLURM_ARRAY_TASK_ID": str(number)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    told = [job.communicate()[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], told
    ran = [int(re.findall(r"(\d+) of them now", text)[0]) for text in told]
    assert sum(ran) == 8
    out = tmp_path / "runs" / "eight"
    with Store(out) as store:
        attempts = store.database.execute("SELECT attempt FROM results").fetchall()
    assert attempts == [(1,)] * 8, "no trial was started twice"
    page = (out / "report.html").read_text()
    assert "8 of 8 recorded" in page
    assert 'http-equiv="refresh"' not in page


def test_what_the_page_says_is_taken(tmp_path: Path) -> None:
    lines = [shlex.split(line, comments=True) for body in SCRIPTS for line in body.splitlines()]
    used = {
        tool: {
            word.partition("=")[0]
            for words in lines
            if tool in " ".join(words)
            for word in words
            if word.startswith("--")
        }
        for tool in ("resforge sweep run", "ray start")
    }
    assert used["resforge sweep run"] >= {"--per-gpu", "--engine", "--runtime-env", "--no-wait"}
    help_ = [sys.executable, "-m", "resforge", "sweep", "run", "--help"]
    known = subprocess.run(help_, capture_output=True, text=True, check=True).stdout
    assert all(f"{option} " in known or f"{option}:" in known for option in used[next(iter(used))])
    if find_spec("ray") is not None:
        help_ = [sys.executable, "-m", "ray.scripts.scripts", "start", "--help"]
        known = subprocess.run(help_, capture_output=True, text=True, check=True).stdout
        assert all(f"{option} " in known for option in used["ray start"])
    (environment,) = [b for language, b in BLOCKS if language == "yaml" and "environment" in b]
    (tmp_path / "environment.yaml").write_text(environment)
    assert {*read_runtime_env(tmp_path / "environment.yaml")} == {"env_vars", "working_dir"}


class Notes(Silence):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def other_run(out: Path, plan: Any, **manifest: Any) -> tuple[Store, Owner]:
    """A run on another machine, which trains into the folder."""
    out.mkdir(exist_ok=True)
    store, owner = Store(out, create=True), replace(Owner.me(), host="another")
    store.adopt(plan.record, owner)
    store.note_run(owner, make_manifest(plan.fingerprint, "ray", 1, "cpu") | manifest)
    return store, owner


def test_without_waiting_a_run_ends_when_nothing_is_left_to_start(tmp_path: Path) -> None:
    sweep = sweep_trials.sweep()
    store, owner = other_run(tmp_path, plan_sweep(sweep))
    with store:
        claim = store.claim(owner)
        assert claim is not None
        left = run_sweep(sweep, tmp_path, 1, trial="sweep_trials:quick", wait=False)
        assert (left.ran, left.finished, left.total, left.interrupted) == (3, 3, 4, False)
        assert (tmp_path / "checkpoints").is_dir(), "the other writes into it"
        store.release(claim)
        store.leave(owner)
    assert run_sweep(sweep, tmp_path, 1, trial="sweep_trials:quick", wait=False).finished == 4
    assert not (tmp_path / "checkpoints").exists()


def test_a_run_of_other_code_is_refused_and_the_first_continues(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    plan = plan_sweep(load_sweep(tmp_path / "sweep.yaml"))
    store, owner = other_run(tmp_path / "out", plan, code="f" * 64)
    with store:
        claim = store.claim(owner)
        assert claim is not None
        refused = cli("sweep", "run", "sweep.yaml", "--out", "out", "--engine", "inline")
        assert refused.code == 4
        assert "another run is using this folder with other code (resforge" in refused.err
        assert "(ffffffffffff), this is resforge" in refused.err
        assert store.counts() == {"waiting": 7, "running": 1, "finished": 0}
        assert store.record(claim, sweep_trials.outcome(plan.trials[0]))  # type: ignore[arg-type]
        store.leave(owner)
    done = cli("sweep", "run", "sweep.yaml", "--out", "out", "--engine", "inline")
    assert "7 of them now" in done.err


def test_status_shows_nodes_that_were_set_aside(tmp_path: Path, cli: Cli) -> None:
    plan = plan_sweep(sweep_trials.sweep())
    store, owner = other_run(tmp_path / "out", plan, set_aside={"gpu7 (10.0.0.7)": "its code"})
    with store:
        assert cli("sweep", "status", "out").lines[-1] == (
            "node gpu7 (10.0.0.7) is set aside: its code"
        )
        told = cli("sweep", "status", "out", "--json").json
        assert told["set_aside"] == {"gpu7 (10.0.0.7)": "its code"}
        started = read_records(tmp_path / "out").runs[0].started
        store.note_run(owner, make_manifest(plan.fingerprint, "ray", 9, "cpu"))
        (run,) = read_records(tmp_path / "out").runs
        assert (run.started, run.manifest["workers"]) == (started, 9)
        assert "set aside" not in cli("sweep", "status", "out").out
        store.leave(owner)


def test_a_folder_whose_locks_are_local_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Notes()
    sweep = sweep_trials.sweep(seeds=1, arms=1)
    run_sweep(sweep, tmp_path, 1, progress, trial="sweep_trials:quick", engine="inline")
    assert progress.notes == []
    monkeypatch.setattr(
        "resforge.ablation.running.driver.local_locks", lambda folder: "nfs with nolock"
    )
    run_sweep(sweep, tmp_path, 1, progress, trial="sweep_trials:quick", engine="inline")
    (note,) = progress.notes
    assert note.startswith(f"warning: {tmp_path} is on nfs with nolock, whose locks hold within")


MOUNTS = r"""
srv:/scratch /scratch nfs rw,vers=3,proto=tcp,nolock,local_lock=all 0 0
srv:/home /home nfs4 rw,vers=4.2,local_lock=none 0 0
srv:/deep /home/deep nfs rw,local_lock=posix 0 0
srv:/x /mnt/two\040words lustre rw,localflock 0 0
srv:/y /mnt/lustre lustre rw,flock 0 0
//srv/z /mnt/share cifs rw,nobrl,vers=3.0 0 0
me@srv: /mnt/ssh fuse.sshfs rw,nosuid 0 0
/dev/sda1 / ext4 rw,relatime 0 0
"""


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        ("/scratch/runs/a", "nfs with nolock"),
        ("/home/me/runs", ""),
        ("/home/deep/runs", "nfs with local_lock=posix"),
        ("/home/deeper/runs", ""),
        ("/mnt/two words/a", "lustre with localflock"),
        ("/mnt/lustre/a", ""),
        ("/mnt/share", "cifs with nobrl"),
        ("/mnt/ssh/a", "fuse.sshfs"),
        ("/scratchy", ""),
    ],
)
def test_the_nearest_mount_decides(folder: str, wanted: str) -> None:
    from resforge.ablation.results.mounts import local_locks

    assert local_locks(Path(folder), MOUNTS.strip()) == wanted
    assert local_locks(Path(folder), "") == ""


def test_a_run_of_another_plan_counts_once(tmp_path: Path) -> None:
    """What the page says of data: another fingerprint is another plan, and refused meanwhile."""
    sweep = sweep_trials.sweep()
    plan = plan_sweep(sweep)
    other = replace(plan, trials=tuple(replace(t, key=t.key[::-1]) for t in plan.trials))
    store, owner = other_run(tmp_path, other)
    with store:
        with pytest.raises(rf.errors.StoreError, match="for another plan"):
            run_sweep(sweep, tmp_path, 1, trial="sweep_trials:quick", engine="inline")
        store.leave(owner)
