"""From a sweep to its arms: the combinations of its design, each as a checked spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ...errors import Fault, SpecError
from ...planner.plan import Plan, plan
from ...reading.places import placed
from ...reading.start import start_from
from ...specs.network import ResNetSpec
from .blame import Blame, Change, replaced
from .check import sweep_faults
from .declared import pair_faults
from .design import choices
from .fit import check_fit
from .match import Matched, Matcher
from .published import unknown_arms
from .sweep import Changes

if TYPE_CHECKING:
    from ...text.document import Path
    from .sweep import Sweep


#: Blocks of all arms together: what can be laid out within a second.
MAX_ARM_BLOCKS = 50_000
#: Blocks laid out while arms are matched: some seconds.
MAX_TRIED_BLOCKS = 250_000

Labels = tuple[tuple[str, str], ...]


class Combination(NamedTuple):
    """An arm before it is made: pairs of axis and label, and the changes they stand for."""

    name: str
    labels: Labels
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Arm:
    """One network of a sweep. ``labels`` are pairs of axis and label, in the file's order."""

    name: str
    labels: Labels
    spec: ResNetSpec
    digest: str
    params: int
    macs: int
    depth: int
    matched: Matched | None = None
    """How it was brought to the first arm's cost, where the sweep asks for that."""


@dataclass(frozen=True)
class IllegalArm:
    """A combination that is no network, or none for this sweep."""

    name: str
    labels: Labels
    faults: tuple[Fault, ...]
    """Why, each with its place in the file; none where a hundred others were found before."""


@dataclass(frozen=True)
class Expansion:
    """What the combinations of a sweep come to."""

    combinations: tuple[Combination, ...]
    arms: tuple[Arm, ...]
    illegal: tuple[IllegalArm, ...]
    error: SpecError | None
    """Of all illegal arms together."""


def expand(sweep: Sweep) -> Expansion:
    """The arms of a sweep, each laid out once, and those that are illegal.

    Raises :class:`~resforge.SpecError` with the place in the sweep file of what is wrong with
    the sweep itself.
    """
    try:
        sweep.data.check()
    except SpecError as error:
        raise SpecError(placed(error.faults, sweep.document, "data")) from None
    if faults := sweep_faults(sweep):
        raise SpecError(placed(faults, sweep.document))
    combinations = tuple(_combinations(sweep))
    faults, more = unknown_arms(sweep.published, [name for name, *_ in combinations])
    if faults:
        raise SpecError(placed(faults, sweep.document), more)
    named = {name: dict(labels) for name, labels, _ in combinations}
    written = sweep.document.tree.get("comparisons")
    if faults := pair_faults(sweep.comparisons, named, written):
        raise SpecError(placed(faults, sweep.document))
    return _Expander(sweep, _base(sweep)).expand(combinations)


class _Expander:
    def __init__(self, sweep: Sweep, base: ResNetSpec) -> None:
        self.sweep = sweep
        self.base = base
        self.blame = Blame(base, sweep.document)
        self.blocks = 0
        self.matcher: Matcher | None = None

    def expand(self, combinations: tuple[Combination, ...]) -> Expansion:
        arms: list[Arm] = []
        illegal: list[IllegalArm] = []
        size = self.sweep.data.input_shape[1:]
        for number, (name, labels, changes) in enumerate(combinations, start=1):
            try:
                spec = replaced(self.base, changes)
                check_fit(spec, self.sweep, changes)
                laid = plan(spec, size)
            except SpecError as error:
                illegal.append(IllegalArm(name, labels, self.blame.add(name, changes, error)))
                continue
            try:
                laid, matched = self._matched(laid, first=number == 1)
                figures = (laid.params, laid.macs, laid.depth)
                arms.append(Arm(name, labels, laid.spec, laid.spec.digest, *figures, matched))
            except SpecError as error:
                place = tuple(error.path.split("."))
                illegal.append(IllegalArm(name, labels, self.blame.at(name, place, error)))
            self._count(number, laid)
        return Expansion(combinations, tuple(arms), tuple(illegal), self.blame.error)

    def _matched(self, laid: Plan, first: bool) -> tuple[Plan, Matched | None]:
        if self.sweep.match is None:
            return laid, None
        if first:
            self.matcher = Matcher(self.sweep.match, laid)
        if first or self.matcher is None:  # where the first arm is illegal, there is no target
            return laid, None
        spec, matched = self.matcher.match(laid.spec)
        return plan(spec, laid.input_shape[1:]), matched

    def _count(self, arms: int, laid: Plan) -> None:
        """Refuse a sweep that takes too long to work out."""
        self.blocks += sum(map(len, laid.stages))
        tried = self.matcher.laid if self.matcher else 0
        for blocks, limit, verb in (
            (self.blocks, MAX_ARM_BLOCKS, "have"),
            (tried, MAX_TRIED_BLOCKS, "are matched by laying out"),
        ):
            if blocks > limit:
                fault = Fault(
                    "range",
                    f"the first {arms:,} arms {verb} {blocks:,} blocks,"
                    f" over the limit of {limit:,}",
                    "axes",
                    "use fewer or shallower arms, or make several sweeps",
                )
                raise SpecError(placed([fault], self.sweep.document))


def _base(sweep: Sweep) -> ResNetSpec:
    try:
        return start_from(sweep.base)
    except SpecError as error:
        raise SpecError(placed(error.faults, sweep.document), error.more) from None


def _combinations(sweep: Sweep) -> Iterator[Combination]:
    """The combinations of the sweep's design, in the order of the file."""
    if sweep.arms is not None:
        for label, changes in sweep.arms.items():
            yield Combination(label, (("arm", label),), tuple(_changes(changes, ("arms", label))))
        return
    axes = sweep.axes or {}
    labels = [list(axis) for axis in axes.values()]
    for choice in choices(sweep.design or "grid", [len(axis) for axis in labels]):
        chosen = tuple(
            (axis, labels[i][j]) for i, (axis, j) in enumerate(zip(axes, choice, strict=True))
        )
        found = tuple(
            change
            for axis, label in chosen
            for change in _changes(axes[axis][label], ("axes", axis, label))
        )
        yield Combination("/".join(f"{axis}={label}" for axis, label in chosen), chosen, found)


def _changes(changes: Changes, place: Path) -> Iterator[Change]:
    return (Change(path, value, (*place, path)) for path, value in changes.items())
