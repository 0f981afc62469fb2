"""Engine that runs trials on a Ray cluster, each actor with one core and at most one GPU."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ....errors import ResforgeError
from ...results.outcome import Outcome
from ..device import Found, choose_device
from ..engine import Job
from ..kinds import Kind, register_again
from ..task import Interrupted, Task, resolve, run_task
from .worker import prepare

_FAILED_STARTS = 3
_START_HELP = "start one with `ray start --head`, or unset RAY_ADDRESS for one on this machine"
#: Seconds in which the cluster's address must accept a connection.
_CONNECT_SECONDS = 10.0


class TrialActor:
    """Runs one task at a time. A second thread of Ray's receives ``stop`` during a task."""

    def __init__(self, function: str, kinds: tuple[Kind, ...] = ()) -> None:
        self.stopped = False
        self.function = prepare(resolve(function))
        register_again(kinds)

    def is_ready(self) -> bool:
        return True

    def run(self, task: Task) -> Outcome | Interrupted:
        return run_task(self.function, task, lambda: self.stopped)

    def stop(self) -> None:
        self.stopped = True


class _Slot:
    """One actor, and its last call."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.call: Any = actor.is_ready.remote()
        self.ready = False
        self.task: Task | None = None
        self.deadline = float("inf")


class OnRay:
    """Runs tasks on up to ``job.workers`` actors, by default one for each core or GPU.

    The environment variable ``RAY_ADDRESS`` names the cluster; without it one is started on this
    machine, and ended afterwards. Workers must be able to import resforge. Checkpoints are written
    only where the workers can access the folder of results.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.ray = _import_ray()
        self.started = _connect(self.ray, job.workers)
        resources = self.ray.cluster_resources()
        # Ray counts GPUs of all kinds alike: what they are is the user's word, or CUDA.
        kind = "cuda" if job.device in ("auto", "cpu") else job.device
        self.device = choose_device(job.device, Found(kind, int(resources.get("GPU", 0))))
        each = {"num_cpus": 1, "num_gpus": int(self.device != "cpu")}
        self.size = job.workers or max(
            1, int(resources.get("GPU" if each["num_gpus"] else "CPU", 1))
        )
        self.actor_class = self.ray.remote(max_restarts=0, max_concurrency=2, **each)(TrialActor)
        self.slots: list[_Slot] = []
        self._failed_starts = 0

    @property
    def running(self) -> list[Task]:
        return [slot.task for slot in self.slots if slot.task is not None]

    @property
    def has_room(self) -> bool:
        return any(slot.call is None for slot in self.slots)

    def grow(self, count: int) -> None:
        while len(self.slots) < min(count, self.size):
            self.slots.append(_Slot(self.actor_class.remote(self.job.function, self.job.kinds)))

    def give(self, task: Task) -> None:
        slot = next(slot for slot in self.slots if slot.call is None)
        slot.task, slot.deadline = task, time.monotonic() + self.job.timeout
        slot.call = slot.actor.run.remote(task)

    def events(self, wait_seconds: float) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        by_call = {slot.call: slot for slot in self.slots if slot.call is not None}
        if not by_call:
            time.sleep(wait_seconds)
            return
        ended, _ = self.ray.wait(list(by_call), timeout=wait_seconds)
        for call in ended:
            yield from self._result(by_call[call])
        for slot in [slot for slot in self.slots if slot.deadline <= time.monotonic()]:
            assert slot.task is not None, "only a task has a deadline"
            self._kill(slot)
            yield slot.task, Outcome.timed_out(self.job.timeout)

    def stop(self) -> None:
        for slot in self.slots:
            if slot.task is not None:
                slot.actor.stop.remote()

    def close(self) -> None:
        while self.slots:
            self._kill(self.slots[-1])
        if self.started:
            self.ray.shutdown()

    def _result(self, slot: _Slot) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        task = slot.task
        try:
            end: Any = self.ray.get(slot.call)
        except self.ray.exceptions.RayError as error:
            self._kill(slot)
            if not slot.ready:
                self._failed_to_start(error)
            if task is not None:
                yield task, Interrupted(crashed=True)
            return
        slot.ready, slot.call, slot.task, slot.deadline = True, None, None, float("inf")
        self._failed_starts = 0
        if task is not None:
            yield task, end

    def _kill(self, slot: _Slot) -> None:
        self.slots.remove(slot)
        self.ray.kill(slot.actor)

    def _failed_to_start(self, error: Exception) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _FAILED_STARTS:
            reason = str(error).strip().splitlines()[-1]
            raise ResforgeError(
                f"{_FAILED_STARTS} Ray actors ended before they could start ({reason}): resforge"
                " and its libraries must be installed on every node"
            ) from error


def _import_ray() -> Any:
    if os.environ.get("RAY_ADDRESS"):
        # Ray reads it at import: 2 attempts of 40 seconds instead of 20.
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
    try:
        return import_module("ray")
    except ImportError as error:
        raise ResforgeError(
            "the engine ray needs Ray: pip install 'resforge[ray]', or use --engine process"
        ) from error


def _connect(ray: Any, workers: int | None) -> bool:
    """Join or start a cluster; return False if this process had joined one before."""
    if ray.is_initialized():
        return False
    quiet = {"log_to_driver": False, "logging_level": "warning"}
    address = os.environ.get("RAY_ADDRESS")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            _require_connection(address)
            ray.init(address=address, **quiet)
        else:
            ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        if not address:
            raise ResforgeError(f"no Ray cluster on this machine: {error}") from error
        raise ResforgeError(
            f"no Ray cluster at RAY_ADDRESS={address}: {error}; {_START_HELP}"
        ) from error
    finally:
        # Ray replaces the handler.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    return True


def _require_connection(address: str) -> None:
    """Raise ``OSError`` if ``host:port`` accepts no connection, for which Ray waits minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():  # Ray has other forms of address, such as auto
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS):
            pass
