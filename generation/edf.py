"""Comparing spaces by the empirical distribution of their networks' errors."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import isfinite
from random import Random
from typing import NamedTuple

from ..errors import Fault, SpecError
from ..specs.plain import as_count, as_seed


class EDF(NamedTuple):
    """F(e), the fraction of networks with an error of at most e, at each observed error."""

    errors: list[float]
    """Each error once, in increasing order."""
    shares: list[float]
    """F at each error."""
    low: list[float]
    """Lower edge of the band at each error."""
    high: list[float]
    """Upper edge of the band at each error."""

    def at(self, error: float) -> float:
        """F at ``error``.

        >>> edf([0.1, 0.2, 0.2, 0.4]).at(0.3)
        0.75
        """
        place = bisect_right(self.errors, error)
        return self.shares[place - 1] if place else 0.0


def edf(
    errors: Sequence[float],
    weights: Sequence[float] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> EDF:
    """The empirical distribution of the errors of networks drawn from a space, and its band.

    Radosavovic et al. 2020 (arXiv 2003.13678), section 3.1, equation 1. The band is a
    pointwise bootstrap: at each error the middle ``confidence`` of the values of F over
    ``resamples`` samples with replacement. ``weights`` are those of the networks, see
    :func:`complexity_weights`. Raises :class:`SpecError` for an empty sequence, and for errors that
    are not finite.

    >>> found = edf([0.1, 0.2, 0.2, 0.4])
    >>> found.errors, found.shares
    ([0.1, 0.2, 0.4], [0.25, 0.75, 1.0])
    """
    if not errors or not all(map(isfinite, errors)):
        message = "an EDF needs at least one error, and all errors finite"
        raise SpecError(Fault("edf", message, help="give a network that diverged an error of 1.0"))
    weights = [1.0] * len(errors) if weights is None else weights
    if len(weights) != len(errors) or min(weights) < 0 or not sum(weights) > 0:
        message = f"{len(weights)} weights for {len(errors)} errors, or one below 0"
        raise SpecError(Fault("edf", message, help="give a weight of at least 0 for each error"))
    steps = sorted(set(errors))
    places = [bisect_right(steps, error) - 1 for error in errors]
    random = Random(as_seed("edf", seed)).random
    count = len(errors)
    curves = [
        _curve(places, weights, [int(random() * count) for _ in range(count)], len(steps))
        for _ in range(as_count("resamples", resamples))
    ]
    tail = (1 - confidence) / 2
    columns = [sorted(column) for column in zip(*curves, strict=True)]
    first, last = int(tail * resamples), max(0, -int(-(1 - tail) * resamples) - 1)
    shares = _curve(places, weights, range(count), len(steps))
    return EDF(steps, shares, [c[first] for c in columns], [c[last] for c in columns])


def _curve(
    places: Sequence[int], weights: Sequence[float], drawn: Sequence[int], steps: int
) -> list[float]:
    totals = [0.0] * steps
    for number in drawn:
        totals[places[number]] += weights[number]
    sums = list(accumulate(totals))
    return [part / sums[-1] for part in sums] if sums[-1] else [0.0] * steps


def complexity_weights(complexities: Sequence[float], edges: Sequence[float]) -> list[float]:
    """Weights that give every bin of complexity the same total; 0 for a network outside all bins.

    With the same ``edges``, the distributions of two spaces can be compared as if their networks
    cost the same. Radosavovic et al. 2019, On Network Design Spaces for Visual Recognition (arXiv
    1905.13214), section 3.3. A bin includes its lower edge, and the last bin its upper edge too.
    Raises :class:`SpecError` for edges that do not increase, and where a bin is empty.

    >>> complexity_weights([1, 2, 3, 9], edges=[0, 5, 10])
    [0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.5]
    """
    if len(edges) < 2 or any(low >= high for low, high in pairwise(edges)):
        raise SpecError(
            Fault("edf", "the edges do not increase", help="write edges=[1e8, 2e8, 4e8]")
        )
    bins = len(edges) - 1
    places = [
        bins - 1 if value == edges[-1] else bisect_right(edges, value) - 1 for value in complexities
    ]
    counts = [places.count(place) for place in range(bins)]
    if 0 in counts:
        place = counts.index(0)
        message = f"no network lies between {edges[place]:g} and {edges[place + 1]:g}"
        raise SpecError(Fault("edf", message, help="use wider bins, or draw more networks"))
    return [1 / bins / counts[place] if 0 <= place < bins else 0.0 for place in places]
