"""Sweeps on many machines: nodes that join, nodes that are set aside, shares of a GPU, looks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import sweep_trials
from command_line import Cli
from look_trials import CUT_AT
from resforge.ablation import Sweep, compare_pairs, plan_sweep, read_records, run_sweep
from resforge.ablation.running import preflight
from resforge.ablation.running.checkpoint import make_checkpoint_folder
from resforge.ablation.running.device import MAX_PER_GPU
from resforge.ablation.running.engines.ray_nodes import places_of, share_of
from resforge.ablation.running.preflight import Checked, check_node, expected_of
from resforge.ablation.running.runtime_env import read_runtime_env
from resforge.training import store_dataset

SUPPORT = str(Path(__file__).parent / "support")
QUICK = "sweep_trials:quick"

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")

#: Starts a cluster of one node in a process of its own and runs a sweep there; ``then`` is done
#: when the first trial has ended. Prints the summary, and the messages of the run.
ON_CLUSTER = """
import json, os, sys
from dataclasses import asdict
from pathlib import Path
from ray.cluster_utils import Cluster
from resforge.ablation import Sweep, run_sweep
from resforge.ablation.running.progress import Silence
import sweep_trials

class Watched(Silence):
    def __init__(self):
        self.notes, self.most = [], 0
    def ended(self, trial, outcome, finished):
        if finished == 1:
            self.then()
    def then(self):
        {then}
    def lose(self):
        # The machine that joined dies.
        if node := self.__dict__.pop("node", None):
            cluster.remove_node(node, allow_graceful=False)
    def running(self, count):
        self.most = max(self.most, count)
        self.look()
    def note(self, text):
        self.notes.append(text)
        self.look()
    def look(self):
        if {enough}:
            sweep_trials.hold().unlink(missing_ok=True)

cluster = Cluster(initialize_head=True, head_node_args={node})
os.environ["RAY_ADDRESS"] = cluster.address
watched = Watched()
settings = json.loads({settings!r})
sweep = Sweep(**json.loads({sweep!r}))
summary = run_sweep(sweep, {out!r}, progress=watched, engine="ray", **settings)
cluster.shutdown()
print(json.dumps([summary.statuses, watched.notes, watched.most]))
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log"
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(path))
    return path


def environment() -> dict[str, str]:
    paths = os.pathsep.join([SUPPORT, *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0"}


def on_cluster(
    out: Path,
    sweep: Sweep,
    node: str = "{'num_cpus': 1}",
    then: str = "pass",
    enough: str = "False",
    **settings: Any,
) -> tuple[dict[str, int], list[str], int]:
    """Statuses, messages and the most trials at a time of a sweep on a cluster."""
    code = ON_CLUSTER.format(
        out=str(out), node=node, then=then, enough=enough,
        settings=json.dumps(settings), sweep=json.dumps(sweep.model_dump(mode="json")),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment()
    )
    assert done.returncode == 0, done.stderr
    statuses, notes, most = json.loads(done.stdout.splitlines()[-1])
    return statuses, notes, most


def other_code(folder: Path) -> Path:
    """The folder of a copy of resforge that builds networks by other code."""
    package = Path(rf.__file__).parent
    names = ("tests", "docs", "benchmarks", "examples", ".git")
    shutil.copytree(package, folder / "resforge", ignore=shutil.ignore_patterns(*names))
    with (folder / "resforge" / "builder" / "__init__.py").open("a") as file:
        file.write("\n# another line\n")
    return folder


@needs_ray
def test_nodes_that_join_are_used_unless_their_code_is_another(tmp_path: Path, log: Path) -> None:
    other = other_code(tmp_path / "other")
    join = (
        "sweep_trials.hold().touch();"
        f" cluster.add_node(num_cpus=1, env_vars={{'PYTHONPATH': {str(other)!r}}});"
        " cluster.add_node(num_cpus=1)"
    )
    statuses, notes, most = on_cluster(
        tmp_path / "out",
        sweep_trials.sweep(seeds=3, timeout=120.0),
        then=join,
        enough="self.most == 2 and self.notes",
        trial="cluster_trials:on_a_node",
    )
    assert statuses == {"done": 6}
    assert most == 2
    assert len({line.split()[0] for line in log.read_text().splitlines()}) == 2
    (note,) = notes
    assert "is set aside: its code is resforge" in note
    assert "install the same there" in note
    manifest = read_records(tmp_path / "out").runs[0].manifest
    assert manifest["workers"] == 2
    ((name, why),) = manifest["set_aside"].items()
    assert note == f"node {name} is set aside: {why}"
    page = rf.ablation.render_report(read_records(tmp_path / "out"))
    assert "set aside" in page
    assert "install the same there" in page


@pytest.mark.slow
@needs_ray
def test_a_trial_whose_node_dies_continues_on_another(tmp_path: Path, log: Path) -> None:
    statuses, notes, most = on_cluster(
        tmp_path / "out",
        sweep_trials.sweep(seeds=2, timeout=120.0),
        then="sweep_trials.hold().touch(); self.node = cluster.add_node(num_cpus=1)",
        enough="self.most == 2 and (self.lose() or self.notes)",
        trial="cluster_trials:on_a_node",
    )
    assert (statuses, most) == ({"done": 4}, 2)
    (note,) = notes
    assert note.endswith("its node has gone; it is trained on another")
    with rf.ablation.Store(tmp_path / "out") as store:
        assert store.database.execute("SELECT sum(crashes) FROM trials").fetchone() == (0,)
    assert len(log.read_text().splitlines()) == 5


@needs_ray
def test_a_cluster_without_a_good_node_ends_the_command_and_loses_nothing(tmp_path: Path) -> None:
    file, out = tmp_path / "s.yaml", tmp_path / "out"
    text = "sweep: 1\nbase: digits_resnet8\narms: {a: {}}\nrecipe: {steps: 2, batch_size: 16}\n"
    file.write_text(text + "seeds: 1\n")
    run_sweep(rf.ablation.load_sweep(file), out, engine="inline")
    file.write_text(text + "seeds: 2\n")
    code = f"""
import os, subprocess, sys
from ray.cluster_utils import Cluster
node = {{"num_cpus": 1, "env_vars": {{"PYTHONPATH": {str(other_code(tmp_path / "other"))!r}}}}}
cluster = Cluster(initialize_head=True, head_node_args=node)
command = [sys.executable, "-m", "resforge", "sweep", "run", {str(file)!r}, "--out", {str(out)!r}]
done = subprocess.run(
    [*command, "--engine", "ray"], env={{**os.environ, "RAY_ADDRESS": cluster.address}}
)
cluster.shutdown()
sys.exit(done.returncode)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment()
    )
    assert done.returncode == 3, done.stderr
    assert "error: no node of the cluster can run the trials:" in done.stderr
    assert "Traceback" not in done.stderr
    status = rf.ablation.sweep_status(out)
    assert (status.finished, status.trials["waiting"], status.drivers) == (1, 1, 0)
    assert run_sweep(rf.ablation.load_sweep(file), out, engine="inline").ran == 1


@needs_ray
def test_trials_share_the_gpu_of_a_node(tmp_path: Path, log: Path) -> None:
    sweep_trials.hold().touch()
    hook = {"worker_process_setup_hook": "pretend.install"}
    statuses, notes, most = on_cluster(
        tmp_path / "out",
        sweep_trials.sweep(seeds=2, timeout=120.0),
        node="{'num_cpus': 4, 'num_gpus': 1}",
        enough="self.most == 2",
        trial="cluster_trials:beside",
        device="pretend",
        per_gpu=2,
        runtime_env=hook,
    )
    assert (statuses, notes, most) == ({"done": 4}, [], 2)
    sees = Counter(line.split()[0] for line in log.read_text().splitlines())
    assert sees == {"sees:pretend:0": 4}


def looking(most: int) -> Sweep:
    arms = {"base": {}, "near": {"stem.width": 6}}
    return Sweep(sweep=1, base="digits_resnet8", arms=arms, seeds={"first": 3, "most": most})


def looked(most: int, tmp_path: Path, log: Path) -> Any:
    """The comparisons of the sweep with looks, run one by one, and the number of its trials."""
    summary = run_sweep(looking(most), tmp_path / "w", engine="inline", trial="look_trials:scored")
    log.unlink()
    return compare_pairs(read_records(tmp_path / "w")), summary.total


@needs_ray
def test_looks_on_ray_are_those_of_one_process(tmp_path: Path, log: Path) -> None:
    whole, total = looked(5, tmp_path, log)
    env = {"env_vars": {"RESFORGE_TEST_ENV": "given"}}
    out, trial = tmp_path / "out", "cluster_trials:scored"
    statuses, notes, _ = on_cluster(out, looking(5), trial=trial, runtime_env=env)
    assert statuses == {"done": total}
    assert [note[:7] for note in notes] == ["3 seeds", "4 seeds", "5 seeds"]
    assert compare_pairs(read_records(out)) == whole
    assert len(sweep_trials.notes(log, "env:given")) == total


def test_a_killed_sweep_continues_with_the_same_looks(tmp_path: Path, log: Path) -> None:
    whole, total = looked(12, tmp_path, log)
    assert CUT_AT in range(2 * 3 + 1, 2 * 5), "in the middle of the second look"
    out = tmp_path / "out"
    code = (
        "from resforge.ablation import Sweep, run_sweep\n"
        f"sweep = Sweep(**{looking(12).model_dump(mode='json')!r})\n"
        f"run_sweep(sweep, {str(out)!r}, 1, trial='cluster_trials:killing')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment())
    assert done.returncode == -9
    assert len(read_records(out).all_trials) == CUT_AT
    summary = run_sweep(looking(12), out, 1, trial="look_trials:scored")
    assert (summary.ran, summary.statuses) == (total - CUT_AT, {"done": total})
    assert compare_pairs(read_records(out)) == whole
    keys = [key for key, _ in sweep_trials.notes(log, "start")]
    assert len(keys) == len({*keys}) == total


def expected(tmp_path: Path, **fields: Any) -> preflight.Expected:
    plan = plan_sweep(sweep_trials.real())
    make_checkpoint_folder(tmp_path, set())
    return replace(expected_of(plan, tmp_path), **fields)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"version": "0.1.9"}, r"its code is resforge .*, that of this run resforge 0.1.9 \("),
        ({"code": "f" * 64}, r"that of this run resforge .* \(ffffffffffff\): install the same"),
        ({"fingerprint": "f" * 64}, r"fingerprint .*, those of this run ffffffffffff: copy the"),
        ({"data": '{"kind": "npz", "path": "/gone.npz"}'}, r"its data cannot be read \(.*gone"),
    ],
)
def test_a_bad_node_is_named_with_its_remedy(
    tmp_path: Path, fields: dict[str, Any], told: str
) -> None:
    checked = check_node(expected(tmp_path, **fields), QUICK)
    assert not checked.note
    assert re.search(told, checked.fault), checked.fault


def test_a_node_needs_what_a_trial_imports(tmp_path: Path) -> None:
    assert check_node(expected(tmp_path), QUICK) == Checked()
    fault = check_node(expected(tmp_path), "no_such_module:run").fault
    assert fault == (
        "no trial can start there (ModuleNotFoundError: No module named 'no_such_module')"
    )
    assert check_node(expected(tmp_path), QUICK, device="cuda:77").fault.startswith("no trial can")


def test_data_that_changed_on_a_node_are_told(tmp_path: Path) -> None:
    import torch

    items = [(torch.rand(1, 8, 8), number % 2) for number in range(20)]
    spec = store_dataset(tmp_path / "x.npz", train=items[:16], test=items[16:])
    plan = plan_sweep(Sweep(sweep=1, base="digits_resnet8", arms={"a": {}}, data=spec, seeds=1))
    wanted = expected_of(plan, tmp_path)
    store_dataset(tmp_path / "x.npz", train=items[1:17], test=items[16:])
    assert "copy the same there" in check_node(wanted, QUICK).fault


def test_a_folder_that_a_node_cannot_write_costs_checkpoints_alone(tmp_path: Path) -> None:
    wanted = expected(tmp_path, folder=str(tmp_path / "elsewhere"))
    checked = check_node(wanted, QUICK)
    assert not checked.fault
    assert checked.note.endswith("elsewhere cannot be written there: trials have no checkpoints")


@pytest.mark.parametrize("trials", range(1, MAX_PER_GPU + 1))
def test_so_many_trials_fit_on_each_gpu(trials: int) -> None:
    each = {"num_cpus": 1.0, "num_gpus": share_of(trials)}
    assert places_of({"CPU": 1e4, "GPU": 1.0}, each) == trials
    assert places_of({"CPU": 3.0, "GPU": 8.0}, each) == min(3, 8 * trials)


def test_ray_takes_every_share() -> None:
    ray = pytest.importorskip("ray")
    for trials in range(1, MAX_PER_GPU + 1):
        ray.remote(num_gpus=share_of(trials))(dict)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pips: [x]\n", "did you mean 'pip'?"),
        ("env_vars: {A: 1}\n", "env_vars.A"),
        ("working_dir: [a]\n", "working_dir"),
        ("a\n", "mapping"),
    ],
)
def test_mistakes_in_a_runtime_environment_have_their_place(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "env.yaml"
    file.write_text(text)
    with pytest.raises(rf.SpecError) as caught:
        read_runtime_env(file)
    assert told in str(caught.value)
    assert "env.yaml:1" in str(caught.value)


def test_a_runtime_environment_is_read_as_ray_takes_it(tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text("working_dir: .\npip: [a, b]\nenv_vars: {A: '1'}\n")
    found = read_runtime_env(file)
    assert found == {"working_dir": ".", "pip": ["a", "b"], "env_vars": {"A": "1"}}
    file.write_text("uv: {packages: [a], uv_version: ==0.9}\n")
    assert read_runtime_env(file) == {"uv": {"packages": ["a"], "uv_version": "==0.9"}}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"runtime_env": {"pips": []}, "engine": "ray"}, "unknown key 'pips' in .*: did you mean"),
        ({"runtime_env": ["pip"], "engine": "ray"}, "takes a mapping as runtime_env, not list"),
        ({"runtime_env": {}}, "runtime_env is for nodes of Ray: use the engine ray"),
    ],
)
def test_a_wrong_runtime_environment_is_refused_before_anything_starts(
    tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(rf.ResforgeError, match=told):
        run_sweep(sweep_trials.real(), tmp_path, **settings)


@needs_ray
def test_what_ray_refuses_in_a_runtime_environment_is_told(tmp_path: Path) -> None:
    both = {"pip": ["a"], "conda": "b"}
    with pytest.raises(rf.ResforgeError, match=r"runtime_env cannot be used: .*pip"):
        run_sweep(sweep_trials.real(), tmp_path, engine="ray", runtime_env=both)


def test_the_command_reads_the_file_first(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("sweep: 1\nbase: digits_resnet8\narms: {a: {}}\n")
    words = ("sweep", "run", "s.yaml", "--out", "out", "--engine", "ray", "--runtime-env")
    refused = cli(*words, "gone.yaml")
    assert refused.code == 3
    assert "gone.yaml: no such file" in refused.err
    (tmp_path / "env.yaml").write_text("pips: [x]\n")
    refused = cli(*words, "env.yaml")
    assert refused.code == 3
    assert "env.yaml:1:1" in refused.err
    assert not (tmp_path / "out").exists()
