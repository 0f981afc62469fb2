"""The nodes of a Ray cluster: which of them run trials, and how many at a time."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any, NamedTuple

from ....errors import ResforgeError, printable
from ..engine import Job
from ..preflight import Checked, check_node

#: Seconds between two questions to the cluster.
_PAUSE = 1.0
#: Seconds in which the cluster finds that a node has gone: its health checks take up to 25.
_SILENCE = 40.0
#: Seconds after which a check that has not ended is noted.
_LONG = 60.0


class Node(NamedTuple):
    """One node, and how many trials it has room for."""

    key: str
    name: str
    places: int


class Nodes:
    """Nodes that are alive, of which each is checked before it gets a trial.

    Nodes that join later are found by :meth:`look`. ``each`` is what a trial takes.
    """

    def __init__(self, ray: Any, job: Job, each: dict[str, float], device: str) -> None:
        self.ray, self.job, self.each, self.device = ray, job, each, device
        self.alive: dict[str, Node] = {}
        self.set_aside: dict[str, str] = {}
        """Reason why a node gets no trials, by its name."""
        self._silent: dict[str, float] = {}
        self._passed: set[str] = set()
        self._failed: set[str] = set()
        self._checks: dict[Any, tuple[Node, float]] = {}
        self._noted: set[str] = set()
        self._next = 0.0

    @property
    def good(self) -> dict[str, Node]:
        """Nodes that run trials."""
        fine = self._passed - self._silent.keys()
        return {key: node for key, node in self.alive.items() if key in fine}

    @property
    def places(self) -> int:
        """Number of trials that can run at a time, on nodes that passed."""
        return sum(node.places for node in self.good.values())

    def look(self) -> None:
        """Ask the cluster for its nodes again; start checks of new ones, and end checks.

        Raises :class:`~resforge.ResforgeError` where every node was set aside.
        """
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PAUSE
        self._ask()
        for key in list(self._silent):
            self.is_silent(key)
        checked = {node.key for node, _ in self._checks.values()}
        for node in self.alive.values():
            if node.key not in checked | self._passed | self._failed:
                self._checks[self._check(node)] = (node, time.monotonic())
        if self._checks:
            ended, _ = self.ray.wait(list(self._checks), num_returns=len(self._checks), timeout=0)
            for call in ended:
                self._end(call, *self._checks.pop(call))
        self._note_waits()
        if self.alive and not self.alive.keys() - self._failed:
            reasons = "\n".join(f"  {name}: {why}" for name, why in self.set_aside.items())
            raise ResforgeError(f"no node of the cluster can run the trials:\n{reasons}")

    def is_alive(self, key: str) -> bool:
        """Whether a node is still part of the cluster, asked anew."""
        self._ask()
        return key in self.alive

    def is_silent(self, key: str) -> bool:
        """Whether an actor of a node did not answer lately, so that the node may have gone."""
        if self._silent.get(key, 0.0) < time.monotonic():
            self._silent.pop(key, None)
        return key in self._silent

    def suspect(self, key: str) -> None:
        """An actor of a node does not answer."""
        self._silent.setdefault(key, time.monotonic() + _SILENCE)

    def _ask(self) -> None:
        found = {node["NodeID"]: node for node in self.ray.nodes() if node["Alive"]}
        nodes = [
            Node(key, _name(node), places_of(node["Resources"], self.each))
            for key, node in found.items()
        ]
        self.alive = {node.key: node for node in nodes if node.places}

    def _check(self, node: Node) -> Any:
        strategies = import_module("ray.util.scheduling_strategies")
        strategy = strategies.NodeAffinitySchedulingStrategy(node.key, soft=False)
        check = self.ray.remote(max_retries=2, scheduling_strategy=strategy, **self.each)
        job = self.job
        return check(check_node).remote(job.expected, job.function, job.kinds, self.device)

    def _end(self, call: Any, node: Node, _: float) -> None:
        try:
            checked: Checked = self.ray.get(call)
        except self.ray.exceptions.RayError as error:
            if not self.is_alive(node.key):
                return
            checked = Checked(
                f"{_reason(error)}: install the same resforge with its libraries there"
            )
        if not checked.fault:
            self._passed.add(node.key)
            if checked.note:
                self.job.note(f"node {node.name}: {checked.note}")
            return
        self._failed.add(node.key)
        self.set_aside[node.name] = fault = printable(checked.fault)
        self.job.note(f"node {node.name} is set aside: {fault}")

    def _note_waits(self) -> None:
        """Note what a run without trials waits for."""
        if not self.alive:
            wanted = " and ".join(f"{amount:g} {name}" for name, amount in self._wanted().items())
            self._note_once("", f"no node has room for a trial ({wanted}): waiting for one to join")
        for node, since in self._checks.values():
            if time.monotonic() - since > _LONG:
                text = f"node {node.name}: its check takes long; it has no trials yet"
                self._note_once(node.key, text)

    def _note_once(self, key: str, text: str) -> None:
        if key not in self._noted:
            self._noted.add(key)
            self.job.note(text)

    def _wanted(self) -> dict[str, float]:
        return {_RESOURCES[name]: amount for name, amount in self.each.items() if amount}


_RESOURCES = {"num_cpus": "CPU", "num_gpus": "GPU"}


def places_of(resources: dict[str, float], each: dict[str, float]) -> int:
    """Number of trials that fit into the resources of a node.

    >>> places_of({"CPU": 16.0, "GPU": 2.0}, {"num_cpus": 1, "num_gpus": 0.3333})
    6
    >>> places_of({"CPU": 16.0}, {"num_cpus": 1, "num_gpus": 1}), places_of({}, {"num_cpus": 1})
    (0, 0)
    """
    # Ray counts in units of 1/10000.
    fits = [
        round(1e4 * resources.get(_RESOURCES[name], 0.0)) // round(1e4 * amount)
        for name, amount in each.items()
        if amount
    ]
    return min(fits)


def share_of(trials: int) -> float:
    """The part of a device that each of so many trials takes, in the whole units that Ray counts.

    >>> [share_of(trials) for trials in (1, 2, 3, 6)]
    [1.0, 0.5, 0.3333, 0.1666]
    """
    return 10_000 // trials / 10_000


def _name(node: dict[str, Any]) -> str:
    """Host, address and the start of the key: one machine may run several nodes.

    >>> _name({"NodeManagerHostname": "a", "NodeManagerAddress": "10.0.0.7", "NodeID": "f3" * 28})
    'a (10.0.0.7, f3f3f3f3)'
    """
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}, {node['NodeID'][:8]})"


def _reason(error: Exception) -> str:
    """The exception that a task raised, without the traceback that Ray puts before it."""
    return str(error).strip().splitlines()[-1]
