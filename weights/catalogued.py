"""Networks of the catalogue that may be the one that shows, as they are or with other numbers.

An entry is looked at where its parameters come to as many, once it has the input channels, the
classes and the depths that show: these are sums of a few numbers of each entry, so that of
hundreds only some are planned again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from ..errors import SpecError
from ..planner.known import Known, known_of, networks
from ..planner.plan import Plan
from ..reading.load import load
from ..specs.layer import Shape
from ..specs.network import ResNetSpec
from .layouts import LAYOUTS
from .match import BUFFERS, COUNTER, as_linear, without_sides

Names = dict[str, str]
"""The network's name of each tensor of a spec's state dict."""


class Shown(NamedTuple):
    """The numbers of a network that an entry may be given."""

    params: int
    in_channels: int
    """Those of its first convolution."""
    classes: int
    """Features that its last weight puts out, which is that of a head if it has one."""
    depths: tuple[int, ...]
    """Blocks of each stage, where its names show them."""

    @classmethod
    def of(cls, shapes: Mapping[str, Shape], depths: Sequence[int]) -> Shown:
        """The numbers of a network whose tensors have ``shapes``."""
        weights = [shape for shape in shapes.values() if len(shape) > 1]
        first = next((shape for shape in weights if len(shape) > 2), (0, 0))
        params = sum(prod(s) for name, s in shapes.items() if not name.endswith(BUFFERS))
        return cls(params, first[1], weights[-1][0] if weights else 0, tuple(depths))


def _changes(entry: Known, shown: Shown) -> Iterator[dict[str, Any]]:
    """What to change, so that an entry has as many parameters as show."""
    body = entry.params - entry.head + entry.first * (shown.in_channels - entry.in_channels)
    classes = {} if shown.classes == entry.classes else {"classes": shown.classes}
    heads: list[tuple[int, dict[str, Any]]] = [(0, {"classes": 0})]
    if entry.classes:
        more = entry.each_class * (shown.classes - entry.classes)
        heads.insert(0, (entry.head + more, classes))
    else:
        heads.insert(0, (entry.head, {}))
    deeper = _deeper(entry, shown.depths)
    for head, change in heads:
        if body + head == shown.params:
            yield change
        elif deeper is not None and body + deeper + head == shown.params:
            yield {**change, "depths": shown.depths}


def _deeper(entry: Known, depths: tuple[int, ...]) -> int | None:
    """The parameters that other depths add; None where the entry does not show it."""
    if len(depths) != len(entry.depths):
        return None
    pairs = zip(depths, entry.depths, entry.repeats, strict=True)
    added = [(there - here, each) for there, here, each in pairs if there != here]
    if any(each is None for _, each in added):
        return None
    return sum(count * (each or 0) for count, each in added)


def catalogued(shown: Shown) -> Iterator[ResNetSpec]:
    """Entries with as many parameters as show, unchanged ones first; without stochastic depth, but
    for one that scales in evaluation."""
    later: list[ResNetSpec] = []
    for name in networks():
        for change in _changes(known_of(name), shown):
            spec = _with(load(name), shown.in_channels, change)
            if spec is not None and spec.name:
                yield spec
            elif spec is not None:
                later.append(spec)
    yield from later


def _with(spec: ResNetSpec, in_channels: int, change: Mapping[str, Any]) -> ResNetSpec | None:
    """``spec`` with other numbers; without its name, where one differs."""
    changes: dict[str, Any] = {}
    if in_channels != spec.in_channels:
        changes["in_channels"] = in_channels
    if "classes" in change:
        classes = change["classes"]
        head = spec.head.with_classes(classes) if spec.head and classes else None
        changes |= {} if head == spec.head else {"head": head}
    depths = change.get("depths", ())
    for number, (depth, stage) in enumerate(zip(depths, spec.stages, strict=False)):
        if depth != len(stage.entries):
            changes[f"stages[{number}].depth"] = depth
    if changes:
        changes["name"] = ""
    drop = spec.stochastic_depth
    if drop is not None and drop.scaled == "training":
        changes["stochastic_depth"] = None
    try:
        return spec.replace(changes)
    except SpecError:  # beyond the language's ceilings, or blocks that are listed one by one
        return None


def namings(plan: Plan, shapes: Mapping[str, Shape]) -> Iterator[Names]:
    """The ways in which the tensors of a plan may be named, where all have the same shapes.

    Those of the layouts come first, then those that follow from the order of the tensors, which is
    mostly that in which they are used.
    """
    planned = {n: shape for n, shape in plan.state_dict.items() if not n.endswith(COUNTER)}
    counted = {n: shape for n, shape in shapes.items() if not n.endswith(COUNTER)}
    kept, shown = planned.values(), counted.values()
    if Counter(map(without_sides, kept)) != Counter(map(without_sides, shown)):
        return
    tried: list[Names] = []
    for names in (*_by_layout(plan, shapes), *_in_order(planned, counted)):
        _name_counters(names, plan)
        if names not in tried and _fits(names, plan.state_dict, shapes):
            tried.append(names)
            yield names


def _multiset(shapes: Mapping[str, Shape]) -> Counter[tuple[str, Shape]]:
    return Counter(
        (name.rpartition(".")[2], without_sides(shape)) for name, shape in shapes.items()
    )


def _by_layout(plan: Plan, shapes: Mapping[str, Shape]) -> Iterator[Names]:
    some = [*plan.state_dict][:: max(1, len(plan.state_dict) // 3)]
    for layout in LAYOUTS.values():
        for form in layout.forms:
            if all((theirs or ours) in shapes for ours, theirs in form.table(some, plan).items()):
                table = form.table(plan.state_dict, plan)
                yield {ours: theirs or ours for ours, theirs in table.items()}


def _in_order(planned: Mapping[str, Shape], counted: Mapping[str, Shape]) -> Iterator[Names]:
    """The tensors one after another, with each block's shortcut at its end or at its start."""
    if _multiset(planned) != _multiset(counted):
        return
    blocks: dict[str, list[str]] = {}
    for name in planned:
        parts = name.split(".")
        block = ".".join(parts[:2]) if parts[0].startswith("layer") else name
        blocks.setdefault(block, []).append(name)
    for first in (False, True):
        ours = [
            name
            for names in blocks.values()
            for name in sorted(names, key=lambda name: (".downsample." in name) != first)
        ]
        yield dict(zip(ours, counted, strict=True))


def _name_counters(names: Names, plan: Plan) -> None:
    """Add the counters of norms that have statistics."""
    for name in plan.state_dict:
        if name.endswith(COUNTER) and name not in names:
            beside = names[name.replace(COUNTER, "running_var")]
            names[name] = beside.replace("running_var", COUNTER)


def _fits(names: Names, state: Mapping[str, Shape], shapes: Mapping[str, Shape]) -> bool:
    """Whether every tensor is there, in its shape and once."""
    return set(names.values()) == set(shapes) and all(
        as_linear(shapes[theirs], state[ours]) == state[ours] for ours, theirs in names.items()
    )
