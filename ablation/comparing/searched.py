"""What a search found: its networks in the order of asking, their origin, and the Pareto front."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from ...generation.pareto import pareto_front
from ..results.objectives import COUNTED, objective_values
from ..results.planned import ArmRecord
from ..results.records import Records
from .numbers import listed

_LISTED = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """How an objective is shown: ``heading`` in tables, ``label`` and ``unit`` of an axis, and a
    value as text; ``factor`` makes numbers of the axis."""

    heading: str
    label: str
    text: Callable[[float], str]
    unit: str = ""
    factor: float = 1.0


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"


SHOWN = {
    "error": Shown("validation error %", "validation error, %", "{:.1%}".format, factor=100.0),
    "params": Shown("params", "parameters", "{:,.0f} params".format),
    "macs": Shown("MACs", "MACs for one image", "{:,.0f} MACs".format),
    "depth": Shown("depth", "depth", "depth {:,.0f}".format),
    "latency": Shown("1 image", "latency of one image", _time, "s"),
    "batch_latency": Shown("1 batch", "latency of one batch", _time, "s"),
    "training_memory": Shown(
        "memory", "memory of training", lambda size: f"{size / 2**20:,.0f} MiB", "B"
    ),
}


@dataclass(frozen=True, slots=True)
class Searched:
    """A network of a search."""

    arm: str
    move: str
    """The change that made it; empty for one that was drawn."""
    parents: tuple[str, ...]
    """Arms that it was made from."""
    values: tuple[float, ...] | None
    """A value for each objective, the error as a fraction; None where it is not trained completely,
    or has no error."""
    stopped_after: int | None
    """Steps after which it was stopped; None where it was not."""
    on_front: bool = False
    """Whether no completely trained network is as good in every objective and better in one."""


@dataclass(frozen=True)
class SearchResult:
    """The networks of a search in the order in which they were asked for."""

    objectives: tuple[str, ...]
    networks: tuple[Searched, ...]

    @property
    def front(self) -> list[Searched]:
        """The Pareto front, by rising value of the first objective. Networks that were stopped are
        not compared with complete ones."""
        front = [network for network in self.networks if network.on_front]
        return sorted(front, key=lambda network: network.values or ())

    def as_dict(self) -> dict[str, Any]:
        return {
            "objectives": list(self.objectives),
            "front": [network.arm for network in self.front],
            "networks": [asdict(network) for network in self.networks],
        }


def search_result(records: Records) -> SearchResult | None:
    """What the search of a sweep found; None where the sweep is no search."""
    search = records.sweep.get("search")
    if not search:
        return None
    objectives = tuple(search.get("objective") or ("error",))
    lineage = search.get("lineage") or {}
    values = [_values(arm, records, objectives) for arm in records.arms]
    known = [place for place, found in enumerate(values) if found is not None]
    front = {known[place] for place in pareto_front([values[place] or () for place in known])}
    networks = []
    for place, arm in enumerate(records.arms):
        made = lineage.get(arm.name) or {}
        early = [t.outcome.steps for t in records.trials[arm.name] if t.outcome.status == "stopped"]
        networks.append(
            Searched(
                arm.name,
                str(made.get("move", "")),
                tuple(map(str, made.get("parents", ()))),
                values[place],
                max(early, default=None),
                place in front,
            )
        )
    return SearchResult(objectives, tuple(networks))


def _values(
    arm: ArmRecord, records: Records, objectives: Sequence[str]
) -> tuple[float, ...] | None:
    outcomes = [trial.outcome for trial in records.trials[arm.name]]
    early = any(outcome.status == "stopped" for outcome in outcomes)
    if early or len(outcomes) < len(records.sweep["seeds"]):
        return None
    counted = {name: getattr(arm, name) for name in COUNTED}
    values = objective_values(objectives, outcomes, counted, records.measured.get(arm.digest))
    return values if all(map(isfinite, values)) else None


def state_search(records: Records) -> list[str]:
    """Sentences about the front of a search with several objectives, and about the networks that
    were stopped early; empty for other sweeps."""
    found = search_result(records)
    if found is None:
        return []
    return [*_state_front(found), *_state_stops(found, records)]


def _state_front(found: SearchResult) -> list[str]:
    front = found.front
    if len(found.objectives) < 2 or not front:
        return []
    names = listed([SHOWN[name].label.partition(",")[0] for name in found.objectives])
    places = [f"{each.arm} ({', '.join(value_texts(found, each))})" for each in front[:_LISTED]]
    if len(front) > _LISTED:
        places.append(f"{len(front) - _LISTED} more")
    verb = "is" if len(front) == 1 else "are"
    return [f"On the Pareto front of {names} {verb} {listed(places)}."]


def value_texts(found: SearchResult, network: Searched) -> list[str]:
    """The values of a network with their units; empty texts where it is not trained completely."""
    if network.values is None:
        return [""] * len(found.objectives)
    pairs = zip(found.objectives, network.values, strict=True)
    return [SHOWN[name].text(value) for name, value in pairs]


def _state_stops(found: SearchResult, records: Records) -> list[str]:
    stopped = Counter(each.stopped_after for each in found.networks if each.stopped_after)
    if not stopped:
        return []
    steps = int(records.sweep["recipe"]["steps"])
    counts = [f"{count} after {step:,} steps" for step, count in sorted(stopped.items())]
    trials = records.trials.values()
    whole = sum(any(trial.outcome.status == "done" for trial in some) for some in trials)
    taken = sum(trial.outcome.steps for trial in records.all_trials)
    share = taken / (steps * max(1, len(records.all_trials)))
    verb = "was" if stopped.total() == 1 else "were"
    return [
        f"Of {len(found.networks)} networks {stopped.total()} {verb} stopped early,"
        f" {listed(counts)}; {whole} took all {steps:,} steps. Together the trials took"
        f" {100 * share:.0f}% of the steps of complete training. Networks that were stopped are"
        " compared with no others."
    ]
