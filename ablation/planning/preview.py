"""A sweep before it is run: what each arm is, and all in which it differs from the first."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from ...errors import Fault, SpecError
from ...planner.plan import Plan, plan
from ...reading.diff import Change, diff
from ...reading.places import placed
from .arms import Arm, Combination, IllegalArm, Labels
from .budget import over_budget, total_macs
from .expected import Expected, expect
from .match import Matched
from .pairing import Shared, shared
from .sample import SearchSpec
from .sweep import Sweep, check_sweep
from .warnings import sweep_warnings

FIGURES = ("params", "macs", "activations", "depth", "receptive_field")


class Said(NamedTuple):
    """A change of the file that two arms do not have in common."""

    path: str
    value: Any
    by_base: bool
    """Whether only the other arm makes a change there, and this one has what the base has."""


@dataclass(frozen=True)
class ArmPreview:
    """One arm. ``relative`` and ``shared`` hold it against the first arm, as do ``changes``."""

    arm: str
    labels: Labels
    digest: str
    params: int
    macs: int
    activations: int
    depth: int
    receptive_field: int
    relative: dict[str, float]
    """Of each figure, by what share of the first arm's it is larger."""
    said: tuple[Said, ...]
    """In what it differs, in the words of the file."""
    changes: tuple[Change, ...]
    """In what it differs, all told: every place in the spec."""
    shared: Shared
    matched: Matched | None
    same_as: str | None
    """The arm before it that means the same network, and with which it shares its trials."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON: ``labels`` as a mapping, without ``said``, which ``changes`` holds in full."""
        tree = {**asdict(self), "labels": dict(self.labels), "shared": self.shared._asdict()}
        tree["changes"] = [change._asdict() for change in self.changes]
        del tree["said"]
        return tree


@dataclass(frozen=True)
class Preview:
    """All arms of a sweep and what they come to together."""

    arms: tuple[ArmPreview, ...]
    illegal: tuple[IllegalArm, ...]
    seeds: int
    networks: int
    """Distinct ones: arms that mean the same are trained once."""
    macs: int
    """Multiply-accumulates of all trials, as
    :func:`~resforge.ablation.planning.budget.trial_macs` counts them."""
    expected: Expected | None
    warnings: tuple[str, ...]
    error: SpecError | None
    """Why it cannot be run: its illegal arms, or more than its budget."""
    search: SearchSpec | None = None
    """Where networks are searched for: all else is of the first batch."""

    @property
    def trials(self) -> int:
        return self.networks * self.seeds

    def as_dict(self) -> dict[str, Any]:
        """For JSON; ``more_faults`` counts those that are left out."""
        return {
            "arms": [arm.as_dict() for arm in self.arms],
            "illegal": [{"arm": arm.name, "labels": dict(arm.labels)} for arm in self.illegal],
            "faults": [asdict(fault) for fault in self.error.faults] if self.error else [],
            "more_faults": self.error.more if self.error else 0,
            "seeds": self.seeds,
            "networks": self.networks,
            "trials": self.trials,
            "macs": self.macs,
            "expected": asdict(self.expected) if self.expected else None,
            "warnings": list(self.warnings),
            "search": self.search.model_dump() if self.search else None,
        }


def preview_sweep(sweep: Sweep, out: str | os.PathLike[str] | None = None) -> Preview:
    """What running ``sweep`` would do, by arithmetic alone: no data is read, nothing is trained.

    ``out`` is a folder that the sweep was run into, from whose trials the time of the others is
    told. Illegal arms are part of the answer. Raises :class:`~resforge.SpecError` for what is
    wrong with the sweep itself, and ``StoreError`` for a store that cannot be read.

    >>> from resforge.ablation import Sweep
    >>> arms = {"A": {}, "B": {"shortcut": "projection"}}
    >>> found = preview_sweep(Sweep(sweep=1, base="digits_resnet8", arms=arms))
    >>> found.trials, [(arm.arm, arm.params, arm.shared.tensors) for arm in found.arms]
    (6, [('A', 19074, 23), ('B', 19810, 23)])
    """
    check_sweep("preview_sweep", sweep)
    whole = sweep.expansion
    said = {combination.name: combination for combination in whole.combinations}
    size = sweep.data.input_shape[1:]
    plans = [plan(arm.spec, size) for arm in whole.arms]
    before: dict[str, str] = {}
    arms = []
    for arm, laid in zip(whole.arms, plans, strict=True):
        # Where the first arm is illegal, the first that is not stands for it.
        differs = tuple(_said(said[whole.arms[0].name], said[arm.name]))
        arms.append(_preview(arm, laid, plans[0], differs, before.get(arm.digest)))
        before.setdefault(arm.digest, arm.name)
    over = placed(over_budget(sweep, whole.arms), sweep.document)
    return Preview(
        arms=tuple(arms),
        illegal=whole.illegal,
        seeds=len(sweep.seeds),
        networks=len(before),
        macs=total_macs(sweep, whole.arms),
        expected=expect(sweep, whole.arms, out) if out is not None else None,
        warnings=sweep_warnings(sweep),
        error=_both(whole.error, over),
        search=sweep.search,
    )


def _preview(
    arm: Arm, laid: Plan, first: Plan, said: tuple[Said, ...], same_as: str | None
) -> ArmPreview:
    figures = {name: getattr(laid, name) for name in FIGURES}
    return ArmPreview(
        arm=arm.name,
        labels=arm.labels,
        digest=arm.digest,
        **figures,
        relative={name: figures[name] / getattr(first, name) - 1 for name in FIGURES},
        said=said,
        changes=tuple(change for change in diff(first.spec, laid.spec) if change.path != "name"),
        shared=shared(laid, first),
        matched=arm.matched,
        same_as=same_as,
    )


def _said(first: Combination, own: Combination) -> Iterator[Said]:
    there = {change.path: change.value for change in first.changes}
    here = {change.path: change.value for change in own.changes}
    for path in dict.fromkeys([*here, *there]):
        if path not in here:
            yield Said(path, None, by_base=True)
        elif path not in there or here[path] != there[path]:
            yield Said(path, here[path], by_base=False)


def _both(illegal: SpecError | None, over: Sequence[Fault]) -> SpecError | None:
    faults = [*(illegal.faults if illegal else ()), *over]
    return SpecError(faults, illegal.more if illegal else 0) if faults else None
