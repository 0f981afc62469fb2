"""Engine that runs trials on a Ray cluster, each actor with one core and at most one GPU."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from ....errors import ResforgeError
from ...results.outcome import Outcome
from ..callbacks import Event
from ..device import Found, choose_device, trials_per_device
from ..engine import Job
from ..kinds import Kind, register_again
from ..task import Interrupted, Task, Watch, resolve, run_task
from .ray_cluster import connect, import_ray
from .ray_nodes import Nodes, share_of
from .worker import prepare

_FAILED_STARTS = 3


class TrialActor:
    """Runs one task at a time. A second thread of Ray's receives ``stop`` during a task."""

    def __init__(self, function: str, kinds: tuple[Kind, ...] = (), listener: Any = None) -> None:
        self.stopped = False
        self.listener = listener
        self.function = prepare(resolve(function))
        register_again(kinds)

    def node(self) -> str:
        """Key of the node that it runs on, once it can run tasks."""
        import ray

        key: str = ray.get_runtime_context().get_node_id()
        return key

    def run(self, task: Task) -> Outcome | Interrupted:
        tell = partial(self._tell, task.key) if self.listener is not None else None
        return run_task(self.function, task, Watch(lambda: self.stopped, tell))

    def _tell(self, key: str, event: Event) -> None:
        # The trial does not wait for the driver to take it.
        self.listener.put.remote((key, event))

    def stop(self) -> None:
        self.stopped = True


class Listener:
    """Keeps what the trials tell until the driver takes it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Event]] = []

    def put(self, told: tuple[str, Event]) -> None:
        self.told.append(told)

    def take(self) -> list[tuple[str, Event]]:
        told, self.told = self.told, []
        return told


class _Slot:
    """One actor, and its last call; ``nodes`` are those that it may run on."""

    def __init__(self, actor: Any, nodes: set[str]) -> None:
        self.actor = actor
        self.nodes = nodes
        self.call: Any = actor.node.remote()
        self.node = ""
        self.task: Task | None = None
        self.deadline = float("inf")


class OnRay:
    """Runs tasks on up to ``job.workers`` actors, by default one for each core or GPU.

    The environment variable ``RAY_ADDRESS`` names the cluster; without it one is started on this
    machine, and ended afterwards. Actors run on nodes that passed :func:`check_node`; those that
    join later are used, too. Checkpoints are written only where the workers can access the folder
    of results.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.ray = import_ray()
        self.started = connect(self.ray, job.workers, job.runtime_env)
        resources = self.ray.cluster_resources()
        # Ray counts GPUs of all kinds alike: what they are is the user's word, or CUDA.
        kind = "cuda" if job.device in ("auto", "cpu") else job.device
        self.device = choose_device(job.device, Found(kind, int(resources.get("GPU", 0))))
        sharing = trials_per_device(job.per_gpu, self.device)
        each = {"num_cpus": 1.0, "num_gpus": share_of(sharing) if self.device != "cpu" else 0.0}
        self.nodes = Nodes(self.ray, job, each, self.device)
        self.actor_class = self.ray.remote(max_restarts=0, max_concurrency=2, **each)(TrialActor)
        self.slots: list[_Slot] = []
        self.doubted: list[_Slot] = []
        """Actors that do not answer: their nodes may have gone, or they alone."""
        self.listener = self._listener() if job.tell is not None else None
        self._failed_starts = 0

    @property
    def size(self) -> int:
        """Number of tasks at a time on the nodes that passed so far."""
        places = self.nodes.places
        return places if self.job.workers is None else min(self.job.workers, places)

    @property
    def set_aside(self) -> dict[str, str]:
        return self.nodes.set_aside

    @property
    def running(self) -> list[Task]:
        return [slot.task for slot in self.slots + self.doubted if slot.task is not None]

    @property
    def has_room(self) -> bool:
        return any(slot.call is None for slot in self.slots)

    def grow(self, count: int) -> None:
        self.nodes.look()
        good = self.nodes.good
        for slot in [slot for slot in self.slots if not slot.node and not slot.nodes & good.keys()]:
            self._kill(slot)  # it would wait for ever for nodes that have gone
        while len(self.slots) < min(count, self.size):
            on = {"ray.io/node-id": f"in({','.join(good)})"}
            given = (self.job.function, self.job.kinds, self.listener)
            actor = self.actor_class.options(label_selector=on).remote(*given)
            self.slots.append(_Slot(actor, {*good}))

    def give(self, task: Task) -> None:
        slot = next(slot for slot in self.slots if slot.call is None)
        slot.task, slot.deadline = task, time.monotonic() + self.job.timeout
        slot.call = slot.actor.run.remote(task)

    def events(self, wait_seconds: float) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        by_call = {slot.call: slot for slot in self.slots if slot.call is not None}
        if by_call:
            ended, _ = self.ray.wait(list(by_call), timeout=wait_seconds)
        else:
            time.sleep(wait_seconds)
            ended = []
        self._pass_on()
        for call in ended:
            yield from self._result(by_call[call])
        for slot in list(self.doubted):
            yield from self._settle(slot)
        for slot in [slot for slot in self.slots if slot.deadline <= time.monotonic()]:
            assert slot.task is not None, "only a task has a deadline"
            self._kill(slot)
            yield slot.task, Outcome.timed_out(self.job.timeout)

    def _pass_on(self) -> None:
        """Pass on what the trials have told, before any of them ends."""
        if self.listener is None or self.job.tell is None:
            return
        tasks = {task.key: task for task in self.running}
        for key, event in self.ray.get(self.listener.take.remote()):
            if key in tasks:
                self.job.tell(tasks[key], event)

    def stop(self) -> None:
        for slot in self.slots:
            if slot.task is not None:
                slot.actor.stop.remote()

    def close(self) -> None:
        while self.slots:
            self._kill(self.slots[-1])
        if self.listener is not None:
            self.ray.kill(self.listener)
        if self.started:
            self.ray.shutdown()

    def _listener(self) -> Any:
        """An actor on the driver's own node, with which it ends."""
        here = {"ray.io/node-id": self.ray.get_runtime_context().get_node_id()}
        return self.ray.remote(num_cpus=0, label_selector=here)(Listener).remote()

    def _result(self, slot: _Slot) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        task = slot.task
        try:
            end: Any = self.ray.get(slot.call)
        except self.ray.exceptions.RayError as error:
            self._kill(slot)
            if not slot.node:
                self._failed_to_start(error)
                return
            if isinstance(error, self.ray.exceptions.ActorUnavailableError):
                self.nodes.suspect(slot.node)
            self.doubted.append(slot)
            return
        slot.call, slot.task, slot.deadline = None, None, float("inf")
        self._failed_starts = 0
        if task is None:
            slot.node = end
        else:
            yield task, end

    def _settle(self, slot: _Slot) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        """End the task of an actor that has died, once it is known whether its node has gone."""
        gone = not self.nodes.is_alive(slot.node)
        if not gone and self.nodes.is_silent(slot.node):
            return
        self.doubted.remove(slot)
        if slot.task is not None:
            note = "its node has gone; it is trained on another" if gone else ""
            yield slot.task, Interrupted(crashed=not gone, note=note)

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
