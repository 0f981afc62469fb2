"""Warnings about comparisons that can claim nothing, or not what they are made for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..comparing.rule import MIN_PAIRS
from ..contrasts import Contrast, contrasts_of
from .arms import Arm
from .sweep import Sweep


def compared(sweep: Sweep, arms: Sequence[Arm]) -> list[Contrast]:
    """Comparisons of ``sweep``, without those of a network with itself."""
    identities = _identities(arms)
    return [made for made in _all(sweep, arms) if not made.cancels(identities)]


def claim_warnings(sweep: Sweep, arms: Sequence[Arm]) -> Iterator[str]:
    """Warnings about comparisons that nothing can come out of, and about those of arms that differ
    in their networks and in their recipes."""
    made, asked, identities = _all(sweep, arms), compared(sweep, arms), _identities(arms)
    seeds = sweep.most_seeds
    if asked and seeds < MIN_PAIRS:
        yield (
            f"with {seeds} seed{'s' * (seeds > 1)} no comparison can be separable: use at least"
            f" {MIN_PAIRS}, or write comparisons: []"
        )
    if same := [contrast for contrast in made if contrast not in asked]:
        yield (
            f"{_some(same, made)} of a network with itself: nothing can come out of that; change"
            " an arm, or leave it out of the comparisons"
        )
    if sweep.looks and not asked:
        yield (
            f"nothing is compared, so that no seeds are added to the first {sweep.looks[0]}:"
            f" declare comparisons, or write seeds: {seeds}"
        )
    if mixed := [contrast for contrast in asked if contrast.mixes(identities)]:
        yield (
            f"{_some(mixed, made)} of arms that differ in the network and in the recipe: neither"
            " explains a difference alone"
        )


def _all(sweep: Sweep, arms: Sequence[Arm]) -> list[Contrast]:
    return contrasts_of(sweep.comparisons, {arm.name: dict(arm.labels) for arm in arms})


def _identities(arms: Sequence[Arm]) -> dict[str, str]:
    return {arm.name: arm.identity for arm in arms}


def _some(some: Sequence[Contrast], made: Sequence[Contrast]) -> str:
    """Number of some comparisons, and an example, as the beginning of a sentence."""
    pair = f"{some[0].of[0]} - {some[0].to[0]}"
    if len(made) == 1:
        return f"the comparison {pair} is"
    if len(some) == 1:
        return f"1 of {len(made)} comparisons ({pair}) is"
    return f"{len(some)} of {len(made)} comparisons (such as {pair}) are"
