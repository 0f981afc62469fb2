"""One trial: build and train a network. Engines run this function."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch._dynamo  # the first step of an optimizer imports it: better once, before workers fork

from ..._version import __version__
from ...builder import build
from ...errors import ResforgeError
from ...reading.load import loads
from ...training.data import DATA
from ...training.data.tensors import Data, load_data
from ...training.loop import Training, train
from ...training.recipe import Recipe
from ...training.result import TrainResult
from ...training.states import reason
from ..results.outcome import Outcome, pack_bits
from .callbacks import Event
from .checkpoint import Checkpoint, code_digest
from .task import StoppedError, Task, Watch


def run_trial(task: Task, stopped: Callable[[], bool] = lambda: False) -> Outcome:
    """Train the task's network on one thread of the CPU, or on an accelerator.

    Results are bitwise reproducible where torch has deterministic algorithms, whether or not the
    trial is interrupted and resumed. ``stopped`` is called after each step; if it returns true, the
    checkpoint is written and ``StoppedError`` raised. A trial that is to be stopped early leaves
    its checkpoint to the one that goes on. Exceptions of building and training are raised, too.
    """
    spec, recipe = loads(task.spec), Recipe.model_validate_json(task.recipe)
    device = torch.device(task.device)
    data = _data(task.data, task.fingerprint, device)

    def fresh() -> Training:
        return Training(build(spec, seed=task.seed, device=device), data, recipe, task.seed)

    with one_thread(), deterministic(device):
        machine = environment(device)
        identity = {"key": task.whole or task.key, **machine, "code": code_digest()}
        checkpoint = Checkpoint(task.checkpoint, identity, task.checkpoint_seconds)
        start = time.perf_counter()
        last = recipe.steps if task.until is None else task.until
        training, before = _begin(checkpoint, fresh, last)

        def write() -> float:
            seconds = before + time.perf_counter() - start
            checkpoint.write({"training": training.state(), "seconds": seconds})
            return seconds

        telling = Telling(training, stopped)
        while not (training.finished or training.step == last):
            telling.step(training.advance())
            stop = stopped()
            if (stop or checkpoint.is_due) and not (training.finished or training.step == last):
                write()
                if stop:
                    raise StoppedError("; ".join(checkpoint.notes))
        early = not training.finished
        seconds = write() if early else before + time.perf_counter() - start
    outcome = _outcome(training.result(), seconds, machine, checkpoint.notes)
    return replace(outcome, status="stopped") if early else outcome


def _begin(
    checkpoint: Checkpoint, fresh: Callable[[], Training], last: int
) -> tuple[Training, float]:
    """Training resumed from its checkpoint and the seconds it has taken, or a new training."""
    training, state = fresh(), checkpoint.read()
    if state is None:
        return training, 0.0
    try:
        training.restore(state["training"])
        if training.step > last:
            raise ValueError(f"it is of step {training.step}, and the trial stops after {last}")
        return training, float(state["seconds"])
    except Exception as error:  # the exception names the part that does not fit
        checkpoint.refuse(reason(error))
        return fresh(), 0.0


class Telling:
    """Tells the steps and evaluations of a training, where an engine listens."""

    def __init__(self, training: Training, watch: Callable[[], bool]) -> None:
        self.training = training
        self.watch = watch if isinstance(watch, Watch) else Watch(watch)
        self.evaluations = len(training.record.test_curve)
        self.watch.tell(Event("started", training.step))

    def step(self, loss: float) -> None:
        """A step was done; ``loss`` is that before it."""
        if self.watch.listener is None or self.training.diverged:
            return
        training, curve = self.training, self.training.record.test_curve
        self.watch.tell(Event("step", training.step, loss, training.batch_error))
        for point in curve[self.evaluations :]:
            self.watch.tell(Event("evaluated", point.step, point.loss, point.error))
        self.evaluations = len(curve)


def build_once() -> None:
    """Build a network, so that no worker builds the validators of specs; starts no thread.

    The first backward pass of :func:`warm_up` may start threads, for accelerators.
    """
    with one_thread():
        build("digits_resnet8")
        Recipe(steps=1, batch_size=2)


def warm_up() -> None:
    """Train one step, so that no trial's time includes the imports of torch's first step."""
    x, y = torch.zeros(2, 1, 8, 8), torch.tensor([0, 1])
    data = Data(x, y, x, y, num_classes=10, in_channels=1, fingerprint="")
    recipe = Recipe(steps=1, batch_size=2, evaluations=1)
    with one_thread():
        train(build("digits_resnet8"), data, recipe, seed=0)


@contextmanager
def one_thread() -> Iterator[None]:
    """Context with one torch thread, since the order of sums changes their bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Context with deterministic algorithms on an accelerator, and on CUDA without TF32.

    torch warns where it has no deterministic algorithm. On the CPU, one thread is sufficient.
    """
    if device.type == "cpu":
        yield
        return
    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("warn")
    try:
        with _exact_float32() if device.type == "cuda" else nullcontext():
            yield
    finally:
        torch.set_deterministic_debug_mode(mode)


@contextmanager
def _exact_float32() -> Iterator[None]:
    """Context with float32 without TF32, and one choice of algorithm, on CUDA."""
    # Read at the first use of cuBLAS.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    cudnn: Any = torch.backends.cudnn
    conv, matmul = cudnn.conv, torch.backends.cuda.matmul
    before = cudnn.benchmark, conv.fp32_precision, matmul.fp32_precision
    cudnn.benchmark, conv.fp32_precision, matmul.fp32_precision = False, "ieee", "ieee"
    try:
        yield
    finally:
        cudnn.benchmark, conv.fp32_precision, matmul.fp32_precision = before


def environment(device: torch.device | str = "cpu") -> dict[str, Any]:
    """Versions and hardware that, besides the trial's key, could change its results."""
    kind = torch.device(device).type
    return {
        "resforge": __version__,
        # A plain str: unpickling torch's own type would import torch.
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
    """Data set of a task, whose fingerprint must be that of the plan."""
    data = load_data(DATA.validate_json(spec), device)
    if data.fingerprint != fingerprint:
        raise ResforgeError(
            f"the data has fingerprint {data.fingerprint}, but the plan was made with"
            f" {fingerprint}: run the sweep again"
        )
    return data


def _outcome(
    result: TrainResult, seconds: float, machine: dict[str, Any], notes: list[str]
) -> Outcome:
    return Outcome(
        status="diverged" if result.diverged else "done",
        train_curve=result.train_curve,
        train_errors=result.train_errors,
        test_curve=tuple(point.numbers for point in result.test_curve),
        validation_curve=tuple(point.numbers for point in result.validation_curve),
        selected=result.selected,
        steps=result.steps,
        seconds=seconds,
        environment=machine,
        correct=pack_bits(result.correct),
        gradients=result.gradients,
        timings={"test": result.test_seconds},
        notes=tuple(notes),
    )
