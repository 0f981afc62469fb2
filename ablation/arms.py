"""From a sweep to its arms: every combination of the axes, as a checked spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from ..specs.errors import Fault, SpecError
from ..specs.network import ResNetSpec
from ..specs.places import placed
from ..specs.plan import plan
from .blame import Blame, Change, replaced
from .check import sweep_faults
from .published import unknown_arms
from .sweep import Changes

if TYPE_CHECKING:
    from ..specs.text.document import Path
    from .sweep import Sweep


#: Blocks of all arms together: what can be laid out within a second.
MAX_ARM_BLOCKS = 50_000


@dataclass(frozen=True)
class Arm:
    """One network of a sweep. ``labels`` are pairs of axis and label, in the file's order."""

    name: str
    labels: tuple[tuple[str, str], ...]
    spec: ResNetSpec
    digest: str
    params: int
    macs: int
    depth: int


def make_arms(sweep: Sweep) -> tuple[Arm, ...]:
    """The arms of a sweep, each laid out once.

    Raises :class:`~resforge.SpecError` with the place in the sweep file of what is wrong.
    """
    if faults := sweep_faults(sweep):
        raise SpecError(placed(faults, sweep.document))
    combinations = list(_combinations(sweep))
    faults, more = unknown_arms(sweep.published, [name for name, *_ in combinations])
    if faults:
        raise SpecError(placed(faults, sweep.document), more)
    base = _base(sweep)
    arms: list[Arm] = []
    blame = Blame(base, sweep.document)
    blocks = 0
    for name, labels, changes in combinations:
        try:
            arms.append(_arm(sweep, base, name, labels, changes))
            blocks += sum(len(stage.entries) for stage in arms[-1].spec.stages)
        except SpecError as error:
            blame.add(name, changes, error)
        if blocks > MAX_ARM_BLOCKS:
            raise SpecError(placed([_too_deep(len(arms), blocks)], sweep.document))
    blame.settle()
    return tuple(arms)


def _too_deep(arms: int, blocks: int) -> Fault:
    return Fault(
        "range",
        f"the first {arms:,} arms have {blocks:,} blocks, over the limit of {MAX_ARM_BLOCKS:,}",
        "axes",
        "use fewer or shallower arms, or make several sweeps",
    )


def _base(sweep: Sweep) -> ResNetSpec:
    if isinstance(sweep.base, str):
        tree, under = {"resforge": 1, "base": sweep.base}, ""
    else:
        # The sweep's own version line speaks for a spec written inside it.
        tree, under = {"resforge": 1, **sweep.base}, "base"
    try:
        return ResNetSpec(**tree)
    except SpecError as error:
        raise SpecError(placed(error.faults, sweep.document, under), error.more) from None


def _combinations(
    sweep: Sweep,
) -> Iterator[tuple[str, tuple[tuple[str, str], ...], list[Change]]]:
    """Name, labels and changes of each arm, the last axis varying fastest."""
    if sweep.arms is not None:
        for label, changes in sweep.arms.items():
            yield label, (("arm", label),), _changes(changes, ("arms", label))
        return
    axes = sweep.axes or {}
    for chosen in product(*(labels.items() for labels in axes.values())):
        labels = tuple((axis, label) for axis, (label, _) in zip(axes, chosen, strict=True))
        found = [
            change
            for axis, (label, changes) in zip(axes, chosen, strict=True)
            for change in _changes(changes, ("axes", axis, label))
        ]
        yield "/".join(f"{axis}={label}" for axis, label in labels), labels, found


def _changes(changes: Changes, place: Path) -> list[Change]:
    return [Change(path, value, (*place, path)) for path, value in changes.items()]


def _arm(
    sweep: Sweep,
    base: ResNetSpec,
    name: str,
    labels: tuple[tuple[str, str], ...],
    changes: list[Change],
) -> Arm:
    spec = replaced(base, changes)
    channels, *size = sweep.data.input_shape
    _check_fit(spec, channels, sweep.data.num_classes)
    laid = plan(spec, (size[0], size[1]))
    return Arm(name, labels, spec, spec.digest, laid.params, laid.macs, laid.depth)


def _check_fit(spec: ResNetSpec, channels: int, classes: int) -> None:
    """Raises :class:`SpecError` with all that keeps the network from the data."""
    faults = []
    if spec.in_channels != channels:
        message = f"the network takes {spec.in_channels} channels, the data has {channels}"
        faults.append(Fault("data", message, "in_channels", f"set in_channels: {channels}"))
    if spec.head is None or spec.head.num_classes != classes:
        given = "no head" if spec.head is None else f"{spec.head.num_classes} classes"
        message = f"the network has {given}, the data has {classes} classes"
        faults.append(Fault("data", message, "head", f"set head.num_classes: {classes}"))
    if faults:
        raise SpecError(faults)
