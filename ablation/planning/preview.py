"""Preview of a sweep: each arm, its cost, and its differences from the first arm."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, NamedTuple

from ...errors import Fault, SpecError
from ...planner.figures import figures_of
from ...planner.plan import Plan, plan
from ...reading.diff import Change, diff, tree_changes
from ...reading.places import placed
from ..contrasts import undeclared_warning
from .arms import Arm, Combination, IllegalArm, Labels, expand
from .claims import claim_warnings
from .expected import Expected, expect
from .fit import adaptation
from .match import Matched
from .pairing import Shared, shared
from .plan import over_budget, total_macs
from .power import Power, power_of
from .searching import SearchSpec
from .sweep import Sweep, check_sweep

FIGURES = ("params", "macs", "activations", "depth", "receptive_field")


class FileChange(NamedTuple):
    """A change in the sweep file that an arm does not share with the first arm."""

    path: str
    value: Any
    by_base: bool
    """Whether only the first arm changes this path, and this arm has the value of the base."""


@dataclass(frozen=True)
class ArmPreview:
    """One arm and its differences from the first arm."""

    arm: str
    labels: Labels
    digest: str
    params: int
    macs: int
    activations: int
    depth: int
    receptive_field: int
    relative: dict[str, float]
    """Relative difference of each figure to the first arm."""
    file_changes: tuple[FileChange, ...]
    """Differences as the sweep file writes them."""
    changes: tuple[Change, ...]
    """Differences at every place of the spec."""
    recipe_changes: tuple[Change, ...]
    """Differences at every place of the recipe, whose paths begin with ``recipe``."""
    shared: Shared
    matched: Matched | None
    same_as: str | None
    """Earlier arm of the same network and recipe, whose trials this arm shares; None where there is
    none."""

    def as_dict(self) -> dict[str, Any]:
        """Fields for JSON, ``labels`` as a mapping, without ``file_changes``."""
        tree = {**asdict(self), "labels": dict(self.labels), "shared": self.shared._asdict()}
        for name in ("changes", "recipe_changes"):
            tree[name] = [change._asdict() for change in getattr(self, name)]
        del tree["file_changes"]
        return tree


@dataclass(frozen=True)
class Preview:
    """All arms of a sweep, and their total cost."""

    arms: tuple[ArmPreview, ...]
    illegal: tuple[IllegalArm, ...]
    seeds: int
    networks: int
    """Number of different networks; arms of the same network are trained once. A network that is
    trained by several recipes counts once for each."""
    macs: int
    """Multiply-accumulates of all trials, as
    ``resforge.ablation.planning.plan.trial_macs`` counts them."""
    expected: Expected | None
    warnings: tuple[str, ...]
    error: SpecError | None
    """Faults for which the sweep cannot be run: illegal arms, or an exceeded budget."""
    power: Power | None = None
    """Smallest differences that the sweep could find; None where it compares nothing."""
    looks: tuple[int, ...] = ()
    """Numbers of seeds at which the comparisons are judged; the other fields describe the first."""
    search: SearchSpec | None = None
    """The search, if the sweep is one; the other fields then describe its first batch."""
    rungs: tuple[int, ...] = ()
    """Steps after which a search stops networks early."""
    adaptation: str = ""
    """Classes and input channels in which the base follows the data, in a sentence."""

    @property
    def trials(self) -> int:
        return self.networks * self.seeds

    def as_dict(self) -> dict[str, Any]:
        """Fields for JSON; ``more_faults`` is the number of faults left out."""
        return {
            "arms": [arm.as_dict() for arm in self.arms],
            "illegal": [{"arm": arm.name, "labels": dict(arm.labels)} for arm in self.illegal],
            "faults": [asdict(fault) for fault in self.error.faults] if self.error else [],
            "more_faults": self.error.more if self.error else 0,
            "seeds": self.seeds,
            "looks": list(self.looks),
            "networks": self.networks,
            "trials": self.trials,
            "macs": self.macs,
            "expected": asdict(self.expected) if self.expected else None,
            "power": self.power.as_dict() if self.power else None,
            "warnings": list(self.warnings),
            "rungs": list(self.rungs),
            "search": self.search.model_dump() if self.search else None,
            "adaptation": self.adaptation,
        }


def preview_sweep(sweep: Sweep, out: str | os.PathLike[str] | None = None) -> Preview:
    """Preview of running ``sweep``, by arithmetic alone: no data is read, nothing is trained.

    ``out`` is a folder that the sweep was run into; the times of its trials give the expected time
    of the others. Illegal arms are part of the preview. Raises :class:`~resforge.SpecError` for a
    fault of the sweep itself, and ``StoreError`` for a store that cannot be read.

    >>> from resforge.ablation import Sweep
    >>> arms = {"A": {}, "B": {"shortcut": "projection"}}
    >>> preview = preview_sweep(Sweep(sweep=1, base="digits_resnet8", arms=arms))
    >>> preview.trials, [(arm.arm, arm.params, arm.shared.tensors) for arm in preview.arms]
    (6, [('A', 19074, 23), ('B', 19810, 23)])
    """
    check_sweep("preview_sweep", sweep)
    expansion = expand(sweep)
    written = {combination.name: combination for combination in expansion.combinations}
    size = sweep.data.input_shape[1:]
    plans = [plan(arm.spec, size) for arm in expansion.arms]
    before: dict[str, str] = {}
    arms = []
    for arm, network in zip(expansion.arms, plans, strict=True):
        # The reference is the first legal arm.
        differences = tuple(_file_changes(written[expansion.arms[0].name], written[arm.name]))
        arms.append(
            _preview(
                arm, network, expansion.arms[0], plans[0], differences, before.get(arm.identity)
            )
        )
        before.setdefault(arm.identity, arm.name)
    over = placed(over_budget(sweep, expansion.arms), sweep.document)
    return Preview(
        arms=tuple(arms),
        illegal=expansion.illegal,
        seeds=len(sweep.seeds),
        networks=len(before),
        macs=total_macs(sweep, expansion.arms),
        expected=expect(sweep, expansion.arms, out) if out is not None else None,
        power=power_of(sweep, expansion.arms, out),
        warnings=sweep_warnings(sweep, expansion.arms),
        error=_both(expansion.error, over),
        looks=sweep.looks,
        search=sweep.search,
        rungs=sweep.search.stop.rungs(sweep.recipe) if sweep.search and sweep.search.stop else (),
        adaptation=adaptation(sweep),
    )


def _preview(
    arm: Arm,
    network: Plan,
    first_arm: Arm,
    first: Plan,
    file_changes: tuple[FileChange, ...],
    same_as: str | None,
) -> ArmPreview:
    figures, usual = figures_of(network)._asdict(), figures_of(first)._asdict()
    return ArmPreview(
        arm=arm.name,
        labels=arm.labels,
        digest=arm.digest,
        **figures,
        relative={name: figures[name] / usual[name] - 1 for name in FIGURES},
        file_changes=file_changes,
        changes=tuple(change for change in diff(first.spec, network.spec) if change.path != "name"),
        recipe_changes=_recipe_changes(first_arm, arm),
        shared=shared(network, first),
        matched=arm.matched,
        same_as=same_as,
    )


def _recipe_changes(first: Arm, arm: Arm) -> tuple[Change, ...]:
    usual, own = (one.recipe.model_dump(mode="json") for one in (first, arm))
    return tuple(tree_changes(usual, own, path=("recipe",)))


def _file_changes(first: Combination, arm: Combination) -> Iterator[FileChange]:
    reference = {change.path: change.value for change in first.changes}
    own = {change.path: change.value for change in arm.changes}
    for path in dict.fromkeys([*own, *reference]):
        if path not in own:
            yield FileChange(path, None, by_base=True)
        elif path not in reference or own[path] != reference[path]:
            yield FileChange(path, own[path], by_base=False)


def _both(illegal: SpecError | None, over: Sequence[Fault]) -> SpecError | None:
    faults = [*(illegal.faults if illegal else ()), *over]
    return SpecError(faults, illegal.more if illegal else 0) if faults else None


def sweep_warnings(sweep: Sweep, arms: Sequence[Arm]) -> tuple[str, ...]:
    """Warnings about the data, about labels without effect, about arms that do not see the same
    batches, about default comparisons that are too many, and about those that claim nothing."""
    labels = {arm.name: dict(arm.labels) for arm in arms}
    return (
        *sweep.data.warnings(),
        *_labels_without_effect(sweep, arms),
        *_other_batches(arms),
        *filter(None, [undeclared_warning(sweep.comparisons, labels)]),
        *claim_warnings(sweep, arms),
    )


def _other_batches(arms: Sequence[Arm]) -> Iterator[str]:
    if len({arm.recipe.batch_size for arm in arms}) > 1:
        yield (
            "arms have batches of different sizes: with one seed they start from the same weights,"
            " but do not see the same batches"
        )


def _labels_without_effect(sweep: Sweep, arms: Sequence[Arm]) -> Iterator[str]:
    first: dict[str, dict[str, str]] = {}
    idle: dict[tuple[str, ...], int] = {}
    for arm in arms:
        labels = dict(arm.labels)
        other = first.setdefault(arm.identity, labels)
        if other is not labels:
            axes = tuple(axis for axis, label in labels.items() if other[axis] != label)
            idle[axes] = idle.get(axes, 0) + 1
    if not idle or sweep.axes is None:
        return
    for axes, count in idle.items():
        yield (
            f"{count} of {len(arms)} arms differ from another in {_listed(axes)} alone,"
            " and are the same network"
        )
    for one, two in combinations(sweep.axes, 2):
        paths = [
            {path for label in sweep.axes[axis].values() for path in label} for axis in (one, two)
        ]
        for path in sorted(paths[0] & paths[1]):
            yield f"{one} and {two} both change {path}: where both do, {two} overrides {one}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
