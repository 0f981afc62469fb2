"""Devices: who trains where, as arithmetic; and on a GPU, where there is one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import sweep_trials
import torch
from hypothesis import given
from resforge.ablation import Sweep, plan_sweep, read_records, run_sweep
from resforge.ablation.running import device as devices
from resforge.ablation.running.device import (
    NOTHING,
    Found,
    choose_device,
    cores,
    find_accelerators,
    variables_of,
)
from resforge.ablation.running.engine import Job
from resforge.ablation.running.engines import make_engine
from resforge.ablation.running.task import Task, make_task
from resforge.ablation.running.trial import deterministic, environment, run_trial
from resforge.errors import ResforgeError, StoreError

TRAIN = "resforge.ablation.running.trial:run_trial"


def job(workers: int | None = None, device: Any = "auto", function: str = TRAIN) -> Job:
    return Job(function, 600.0, workers, lambda: False, device)


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu", "hpu"])
def test_auto_is_the_accelerator_where_there_is_one(kind: str) -> None:
    machines = (NOTHING, Found(kind, 1), Found(kind, 8))
    assert [choose_device("auto", found) for found in machines] == ["cpu", kind, kind]
    assert [choose_device("cpu", found) for found in machines] == ["cpu"] * 3
    assert choose_device(kind, Found(kind, 1)) == kind


def test_an_unavailable_device_is_refused_with_a_remedy() -> None:
    with pytest.raises(ResforgeError, match="finds no device 'cuda' here: use cpu or auto"):
        choose_device("cuda", NOTHING)
    with pytest.raises(ResforgeError, match="finds no device 'tpu' here: use auto, cpu or xpu"):
        choose_device("tpu", Found("xpu", 1))


def test_nobody_looks_for_a_gpu_that_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "may_have_accelerator", lambda: pytest.fail("looked"))
    assert find_accelerators("cpu") == NOTHING


@given(st.integers(1, 16), st.integers(1, 64), st.booleans())
def test_workers_are_spread_over_the_gpus_that_are_seen(gpus: int, size: int, named: bool) -> None:
    names = [f"GPU-{number}" if named else str(number) for number in range(gpus)]
    for kind, variable in (("cuda", "CUDA_VISIBLE_DEVICES"), ("xpu", "ZE_AFFINITY_MASK")):
        seen = {variable: ", ".join(names)} if named else {}
        given_ = [variables_of(slot, Found(kind, gpus), seen)[variable] for slot in range(size)]
        counts = [given_.count(name) for name in names]
        assert sum(counts) == size
        assert max(counts) - min(counts) <= 1
    assert variables_of(0, Found("mps", 1)) == {}


@pytest.fixture
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that says it has them, for workers that ask for none."""
    monkeypatch.setattr(
        "resforge.ablation.running.engines.pool.find_accelerators", lambda _: Found("cuda", 4)
    )
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return


@pytest.mark.usefixtures("four_gpus")
def test_there_is_a_worker_for_each_gpu_and_a_place_is_filled_again() -> None:
    pool = make_engine("process", job(function="sweep_trials:visible"))
    assert (pool.device, pool.size) == ("cuda", 4)
    assert make_engine("process", job(6)).size == 6
    assert make_engine("process", job(device="cpu")).size == cores()
    try:
        pool.grow(3)
        second = pool.workers[1]  # type: ignore[attr-defined]
        assert [worker.slot for worker in pool.workers] == [0, 1, 2]  # type: ignore[attr-defined]
        second.kill()
        pool.workers.remove(second)  # type: ignore[attr-defined]
        pool.grow(3)
        assert sorted(w.slot for w in pool.workers) == [0, 1, 2]  # type: ignore[attr-defined]
    finally:
        pool.close()


@pytest.mark.usefixtures("four_gpus")
def test_each_worker_sees_its_own_gpu_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(tmp_path / "log"))
    summary = run_sweep(
        sweep_trials.sweep(seeds=2), tmp_path / "out", 2, trial="sweep_trials:visible"
    )
    assert summary.statuses == {"done": 4}
    lines = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    by_process = {pid: {what for what, _, other in lines if other == pid} for *_, pid in lines}
    assert sorted(by_process.values(), key=str) == [{"sees:0:cuda"}, {"sees:1:cuda"}]
    assert read_records(tmp_path / "out").runs[0].manifest["device"] == "cuda"


def test_trials_that_share_gpus_are_as_many_as_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Found("cuda", 3)
    monkeypatch.setattr("resforge.ablation.running.engines.pool.find_accelerators", lambda _: found)

    def size(workers: int | None, per_gpu: int | None) -> int:
        return make_engine("process", replace(job(workers), per_gpu=per_gpu)).size

    assert [size(None, k) for k in (None, 1, 2, 5)] == [3, 3, 6, 15]
    # Fewer workers than places are as they were asked for; more are not started.
    assert [size(4, 2), size(7, 2), size(7, None)] == [4, 6, 7]
    seen = [variables_of(slot, found, {})["CUDA_VISIBLE_DEVICES"] for slot in range(size(None, 4))]
    assert Counter(seen) == {"0": 4, "1": 4, "2": 4}
    assert len({*seen[:3]}) == 3, "the first trials have a GPU each"


@pytest.mark.usefixtures("four_gpus")
def test_two_trials_share_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.setattr(
        "resforge.ablation.running.engines.pool.find_accelerators", lambda _: Found("cuda", 1)
    )
    summary = run_sweep(
        sweep_trials.sweep(seeds=1), tmp_path / "out", trial="sweep_trials:visible", per_gpu=2
    )
    assert summary.statuses == {"done": 2}
    lines = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert {what for what, _, _ in lines} == {"sees:3:cuda"}
    assert len({pid for _, _, pid in lines}) == 2


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"per_gpu": 2, "device": "cpu"}, "per_gpu is 2, but trials run on the CPU: leave it out"),
        ({"per_gpu": 2, "engine": "inline"}, "the engine inline trains one trial after another"),
        ({"per_gpu": 0}, "per_gpu is 0: use at least 1"),
        ({"per_gpu": 0.5}, "per_gpu is 0.5: use at least 1, or None for one trial on each GPU"),
    ],
)
def test_a_share_of_nothing_is_refused(tmp_path: Path, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ResforgeError, match=told):
        run_sweep(sweep_trials.real(), tmp_path, **settings)


def test_the_device_is_no_part_of_a_trials_key() -> None:
    plan = plan_sweep(sweep_trials.real())
    on_gpu = make_task(plan, plan.trials[0], device="cuda")
    assert (on_gpu.key, on_gpu.device) == (plan.trials[0].key, "cuda")
    assert "device" not in Sweep.model_fields


def test_a_run_says_what_it_ran_on(tmp_path: Path) -> None:
    one = sweep_trials.real(seeds=1)
    run_sweep(one, tmp_path, engine="inline", device="cpu")
    records = read_records(tmp_path)
    assert records.runs[0].manifest["device"] == "cpu"
    assert {trial.outcome.environment["device"] for trial in records.all_trials} == {"cpu"}


@pytest.mark.parametrize("engine", ["process", "inline"])
def test_float16_on_the_cpu_is_refused_before_anything_is_trained(
    tmp_path: Path, engine: Any
) -> None:
    recipe = {"precision": "float16", "steps": 2}
    sweep = Sweep(sweep=1, base="digits_resnet8", arms={"a": {}}, recipe=recipe)
    with pytest.raises(ResforgeError, match="precision float16 needs a CUDA device"):
        run_sweep(sweep, tmp_path, engine=engine, device="cpu")
    with pytest.raises(StoreError, match="nothing was planned here yet"):
        read_records(tmp_path)


def test_the_cpu_is_left_as_it_was() -> None:
    before = torch.get_deterministic_debug_mode(), dict(os.environ)
    with deterministic(torch.device("cpu")):
        assert torch.get_deterministic_debug_mode() == before[0]
    assert dict(os.environ) == before[1]


@pytest.fixture
def task() -> Task:
    plan = plan_sweep(sweep_trials.real(seeds=1))
    return make_task(plan, plan.trials[0], device="cuda")


@pytest.mark.cuda
def test_a_trial_on_a_gpu_gives_the_same_bits_again(task: Task) -> None:
    one, other = run_trial(task), run_trial(task)
    assert one.numbers == other.numbers
    assert one.environment["device"] == "cuda"
    assert one.environment["deterministic"]
    assert one.environment["gpu"]
    assert not environment("cuda")["deterministic"], "what the caller had was put back"


@pytest.mark.cuda
@pytest.mark.parametrize("engine", ["process", "inline"])
def test_each_engine_gives_a_gpus_bits(tmp_path: Path, task: Task, engine: Any) -> None:
    run_sweep(sweep_trials.real(seeds=1), tmp_path, engine=engine, device="cuda")
    found = {trial.key: trial.outcome.numbers for trial in read_records(tmp_path).all_trials}
    assert found[task.key] == run_trial(task).numbers
