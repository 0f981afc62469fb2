"""One trial: build, train, say how it ended. This is what an engine runs."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..._version import __version__
from ...builder import build
from ...errors import ResforgeError
from ...reading.load import loads
from ...training.data import DATA
from ...training.data.tensors import Data, load_data
from ...training.loop import Training, train
from ...training.recipe import Recipe
from ...training.result import TrainResult
from ..results.outcome import Outcome, pack_bits
from .checkpoint import Checkpoint, code_digest
from .task import StoppedError, Task


def run_trial(task: Task, stopped: Callable[[], bool] = lambda: False) -> Outcome:
    """Train the task's network on one thread of the CPU, or on a GPU; bitwise the same each time,
    as far as torch has deterministic ways, wherever it is left and gone on with.

    ``stopped`` is asked after each step; where it says so, the checkpoint is written and
    ``StoppedError`` raised. Raises whatever building and training raise.
    """
    spec, recipe = loads(task.spec), Recipe.model_validate_json(task.recipe)
    device = torch.device(task.device)
    data = _data(task.data, task.fingerprint, device)

    def fresh() -> Training:
        return Training(build(spec, seed=task.seed, device=device), data, recipe, task.seed)

    with one_thread(), deterministic(device):
        held = environment(device)
        identity = {"key": task.key, **held, "code": code_digest()}
        checkpoint = Checkpoint(task.checkpoint, identity, task.checkpoint_seconds)
        start = time.perf_counter()
        training, before = _begin(checkpoint, fresh)
        while not training.finished:
            training.advance()
            stop = stopped()
            if (stop or checkpoint.is_due) and not training.finished:
                seconds = before + time.perf_counter() - start
                checkpoint.write({"training": training.state(), "seconds": seconds})
                if stop:
                    raise StoppedError("; ".join(checkpoint.notes))
        seconds = before + time.perf_counter() - start
    return _outcome(training.result(), seconds, held, checkpoint.notes)


def _begin(checkpoint: Checkpoint, fresh: Callable[[], Training]) -> tuple[Training, float]:
    """The run where it was left, and the seconds it took so far; or a fresh one."""
    training, kept = fresh(), checkpoint.read()
    if kept is None:
        return training, 0.0
    try:
        training.restore(kept["training"])
        return training, float(kept["seconds"])
    except Exception as error:  # what restoring raises says what does not fit
        checkpoint.refuse(f"{type(error).__name__}: {error}")
        return fresh(), 0.0


def warm_up() -> None:
    """Pay for what torch imports at the first step, so that no trial's time holds it."""
    x, y = torch.zeros(2, 1, 8, 8), torch.tensor([0, 1])
    data = Data(x, y, x, y, num_classes=10, in_channels=1, fingerprint="")
    recipe = Recipe(steps=1, batch_size=2, evaluations=1)
    with one_thread():
        train(build("digits_resnet8"), data, recipe, seed=0)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread inside, since the order of sums decides bits; afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """On CUDA, inside: the same bits each time wherever torch has a way to (it warns where it has
    none), and float32 that is float32, not TF32. On the CPU one thread is enough."""
    if device.type != "cuda":
        yield
        return
    # Read when cuBLAS is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    cudnn: Any = torch.backends.cudnn
    conv, matmul = cudnn.conv, torch.backends.cuda.matmul
    mode = torch.get_deterministic_debug_mode()
    before = cudnn.benchmark, conv.fp32_precision, matmul.fp32_precision
    torch.set_deterministic_debug_mode("warn")
    cudnn.benchmark, conv.fp32_precision, matmul.fp32_precision = False, "ieee", "ieee"
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        cudnn.benchmark, conv.fp32_precision, matmul.fp32_precision = before


def environment(device: torch.device | str = "cpu") -> dict[str, Any]:
    """What, beside the trial's key, could change its numbers on a device."""
    kind = torch.device(device).type
    return {
        "resforge": __version__,
        # A plain str: its own type would make whoever unpickles it import torch.
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "numpy": np.__version__,
        "code": code_digest()[:12],
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "device": kind,
        "threads": 1,
        **(_gpu() if kind == "cuda" else {}),
    }


def _gpu() -> dict[str, Any]:
    return {
        "gpu": torch.cuda.get_device_name(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }


@lru_cache(maxsize=1)  # a worker serves one sweep
def _data(spec: str, fingerprint: str, device: torch.device) -> Data:
    """The data that a plan was made with."""
    data = load_data(DATA.validate_json(spec), device)
    if data.fingerprint != fingerprint:
        raise ResforgeError(
            f"the data has fingerprint {data.fingerprint}, but the plan was made with"
            f" {fingerprint}: run the sweep again"
        )
    return data


def _outcome(
    result: TrainResult, seconds: float, held: dict[str, Any], notes: list[str]
) -> Outcome:
    return Outcome(
        status="diverged" if result.diverged else "done",
        train_curve=result.train_curve,
        test_curve=tuple(point.numbers for point in result.test_curve),
        validation_curve=tuple(point.numbers for point in result.validation_curve),
        selected=result.selected,
        steps=result.steps,
        seconds=seconds,
        environment=held,
        correct=pack_bits(result.correct),
        gradients=result.gradients,
        timings={"test": result.test_seconds},
        notes=tuple(notes),
    )
