"""Arms of a sweep: the combinations of its design, each as a checked spec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import NamedTuple

from ...errors import Fault, SpecError
from ...planner.plan import Plan, plan
from ...reading.places import placed
from ...reading.start import start_from
from ...specs.network import ResNetSpec
from ...text.document import Path
from ...training.recipe import Recipe
from ..comparison_faults import comparison_faults
from ..published import unknown_arms
from .blame import Blame, Change
from .design import choices
from .faults import check_limits, sweep_faults
from .fit import check_fit, fitted
from .match import Matched, Matcher
from .own_recipe import recipe_for
from .sweep import Changes, Sweep

#: Most blocks of all arms together, which can be planned within a second.
MAX_ARM_BLOCKS = 50_000
#: Most blocks planned while arms are matched, which takes some seconds.
MAX_TRIED_BLOCKS = 250_000

Labels = tuple[tuple[str, str], ...]


class Combination(NamedTuple):
    """Labels of an arm, as pairs of axis and label, and the changes that they make."""

    name: str
    labels: Labels
    changes: tuple[Change, ...]
    """Changes of the base, and of the recipe."""

    @property
    def network_changes(self) -> tuple[Change, ...]:
        """Changes of the base alone."""
        return tuple(change for change in self.changes if not change.of_recipe)


@dataclass(frozen=True)
class Arm:
    """One network of a sweep; ``labels`` are pairs of axis and label, in the order of the file."""

    name: str
    labels: Labels
    spec: ResNetSpec
    digest: str
    params: int
    macs: int
    depth: int
    recipe: Recipe
    """The sweep's recipe, with the changes of this arm."""
    identity: str
    """The digest of the network, followed by one of the recipe where that is not the sweep's. Arms
    of equal identity share their trials."""
    matched: Matched | None = None
    """How the arm was scaled to the cost of the first arm; None without ``match``."""


@dataclass(frozen=True)
class IllegalArm:
    """A combination that is no legal network, or none that fits this sweep."""

    name: str
    labels: Labels
    faults: tuple[Fault, ...]
    """Reasons, with their places in the file; empty once a hundred faults are reported."""


@dataclass(frozen=True)
class Expansion:
    """Combinations of a sweep, and the arms that they make."""

    combinations: tuple[Combination, ...]
    arms: tuple[Arm, ...]
    illegal: tuple[IllegalArm, ...]
    error: SpecError | None
    """Faults of all illegal arms; None where every arm is legal."""


def expand_sweep(sweep: Sweep) -> tuple[Arm, ...]:
    """The arms of a sweep, with their specs.

    Raises :class:`~resforge.SpecError` for a fault of the sweep and for an illegal arm.
    """
    expansion = expand(sweep)
    if expansion.error is not None:
        raise expansion.error
    return expansion.arms


def expand(sweep: Sweep) -> Expansion:
    """The legal and the illegal arms of a sweep.

    Raises :class:`~resforge.SpecError` for a fault of the sweep itself.
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
    if faults := comparison_faults(sweep.comparisons, named, written):
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
        for number, combination in enumerate(combinations, start=1):
            name, labels, changes = (
                combination.name,
                combination.labels,
                combination.network_changes,
            )
            try:
                recipe = recipe_for(self.sweep, combination.changes)
            except SpecError as error:
                illegal.append(IllegalArm(name, labels, self._of_recipe(combination, error)))
                continue
            try:
                spec = fitted(self.base, self.sweep, changes)
                check_fit(spec, self.sweep, changes)
                network = plan(spec, size)
            except SpecError as error:
                illegal.append(IllegalArm(name, labels, self.blame.add(name, changes, error)))
                continue
            try:
                network, matched = self._matched(network, first=number == 1)
                check_limits(network)
                spec, figures = network.spec, (network.params, network.macs, network.depth)
                identity = _identity(spec.digest, recipe, self.sweep.recipe)
                arms.append(
                    Arm(name, labels, spec, spec.digest, *figures, recipe, identity, matched)
                )
            except SpecError as error:
                illegal.append(IllegalArm(name, labels, self._blamed(name, changes, error)))
            self._count(number, network)
        return Expansion(combinations, tuple(arms), tuple(illegal), self.blame.error)

    def _of_recipe(self, combination: Combination, error: SpecError) -> tuple[Fault, ...]:
        """Faults of an arm's recipe, at the first change after which it is illegal in that way."""
        changes = [change for change in combination.changes if change.of_recipe]
        ends = range(1, len(changes))
        end = next((end for end in ends if self._says(changes[:end], error)), len(changes))
        alone = self._says(changes[end - 1 : end], error)
        return self.blame.found("" if alone else combination.name, changes[end - 1].place, error)

    def _says(self, changes: Sequence[Change], error: SpecError) -> bool:
        """Whether these changes alone give a recipe that is illegal in the same way."""
        try:
            recipe_for(self.sweep, changes)
        except SpecError as found:
            return found.message == error.message
        return False

    def _blamed(
        self, name: str, changes: tuple[Change, ...], error: SpecError
    ) -> tuple[Fault, ...]:
        """Faults of an arm that is legal by itself, but too large or not to be matched."""
        if error.faults[0].code == "limit":
            size = self.sweep.data.input_shape[1:]
            return self.blame.add(
                name,
                changes,
                error,
                lambda some: check_limits(plan(fitted(self.base, self.sweep, some), size)),
            )
        return self.blame.at(name, tuple(error.path.split(".")), error)

    def _matched(self, network: Plan, first: bool) -> tuple[Plan, Matched | None]:
        if self.sweep.match is None:
            return network, None
        if first:
            self.matcher = Matcher(self.sweep.match, network)
        if first or self.matcher is None:  # an illegal first arm gives no target
            return network, None
        spec, matched = self.matcher.match(network.spec)
        return plan(spec, network.input_shape[1:]), matched

    def _count(self, arms: int, network: Plan) -> None:
        """Raise :class:`SpecError` for a sweep that takes too long to plan."""
        self.blocks += sum(map(len, network.stages))
        tried = self.matcher.planned if self.matcher else 0
        for blocks, limit, verb in (
            (self.blocks, MAX_ARM_BLOCKS, "have"),
            (tried, MAX_TRIED_BLOCKS, "are matched by planning"),
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


def _identity(digest: str, recipe: Recipe, usual: Recipe) -> str:
    if recipe == usual:
        return digest
    text = dumps(recipe.identity(), sort_keys=True)
    return f"{digest}+{sha256(text.encode()).hexdigest()[:16]}"


def _base(sweep: Sweep) -> ResNetSpec:
    try:
        return start_from(sweep.base)
    except SpecError as error:
        raise SpecError(placed(error.faults, sweep.document), error.more) from None


def _combinations(sweep: Sweep) -> Iterator[Combination]:
    """Combinations of the sweep's design, in the order of the file."""
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
        made = tuple(
            change
            for axis, label in chosen
            for change in _changes(axes[axis][label], ("axes", axis, label))
        )
        yield Combination("/".join(f"{axis}={label}" for axis, label in chosen), chosen, made)


def _changes(changes: Changes, place: Path) -> Iterator[Change]:
    return (Change(path, value, (*place, path)) for path, value in changes.items())
