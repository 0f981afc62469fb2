"""One comparison of two arms: its figures, and the sentences that state them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..planning.pairing import Shared
from .statistics import LEVEL, ROUNDING, smallest_p


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of one declared comparison.

    Differences are ``of`` minus ``to``, in percentage points of test error, over the seeds with
    which both arms finished. A figure that cannot be computed is None: the interval below five
    pairs or where all differences are equal; every figure but the counts where no pair is finished
    or both arms are one network. ``docs/sweeps.md`` defines each figure.
    """

    of: str
    to: str
    """Names of the arms, as in the table."""
    at: str
    """Labels that both arms have, such as ``depth 8``; may be empty."""
    of_label: str
    to_label: str
    """Labels in which the arms differ, such as ``A`` and ``plain``."""
    same_network: bool
    """Whether both arms are the same network, trained once."""
    seeds: int
    """Number of seeds of the sweep."""
    pending: int
    """Number of seeds with which at least one of the arms has not ended yet."""
    n: int
    """Number of pairs: seeds with which both arms finished."""
    mean: float | None
    deviation: float | None
    """Sample standard deviation (n - 1) of the differences."""
    low: float | None
    high: float | None
    """The 95% interval of the mean."""
    p: float | None
    """p of the two-sided sign-flip test."""
    p_holm: float | None
    """``p`` corrected for the number of comparisons."""
    family: int
    """Number of comparisons of the sweep, without those of a network with itself."""
    detectable: float | None
    """Smallest true difference that ``n`` pairs detect with a power of 80%."""
    diverged: tuple[int, int]
    """Number of trials of ``of`` and of ``to`` whose loss stopped being finite."""
    failed: tuple[int, int]
    """Number of trials of ``of`` and of ``to`` that failed, crashed or ran out of time."""
    shared: Shared | None
    """Initial tensors that ``of`` shares with ``to``; None where one of the stored specs is no
    longer legal."""
    p_diverged: float | None
    """p of the exact McNemar test on divergence, two-sided and not corrected."""

    @property
    def separable(self) -> bool:
        """Whether the corrected p is at most 0.05."""
        return self.p_holm is not None and self.p_holm <= LEVEL

    @property
    def verdict(self) -> str:
        """Difference, evidence and conclusion in words."""
        return state_comparison(self)

    def as_dict(self) -> dict[str, Any]:
        """Fields for JSON, with ``separable`` and ``verdict``."""
        shared = self.shared and self.shared._asdict()
        derived = {"separable": self.separable, "verdict": self.verdict}
        return {**asdict(self), "shared": shared, **derived}


def state_comparison(comparison: Comparison) -> str:
    """Difference of two arms, its evidence, the conclusion, and trials that gave no test error."""
    c = comparison
    at = f"At {c.at}, " if c.at else ""
    if c.same_network:
        return f"{at}{c.of_label} and {c.to_label} are the same network: nothing to compare."
    if c.mean is None:
        text = f"{c.of_label} and {c.to_label} cannot be compared: no seed was finished by both."
    else:
        text = f"{_difference(c, c.mean)} ({_evidence(c)}): {_conclusion(c)}."
    return " ".join([f"{at}{text}", *_lost_trials(c)])


def _difference(c: Comparison, mean: float) -> str:
    size = abs(mean)
    if size < ROUNDING:
        return f"{c.of_label} has the same test error as {c.to_label}"
    # A difference too small for two decimals may still be separable.
    points = f"{size:.2f}" if size >= 0.005 else f"{size:.1g}"
    direction = "more" if mean > 0 else "less"
    return f"{c.of_label} has {points} points {direction} test error than {c.to_label}"


def _evidence(c: Comparison) -> str:
    parts = [f"n = {c.n} {'pair' if c.n == 1 else 'pairs'}"]
    if c.low is not None and c.high is not None:
        parts.insert(0, f"95% interval {signed(c.low)} to {signed(c.high)}")
    if c.p_holm is not None:
        over = f" after Holm over {c.family}" if c.family > 1 else ""
        parts.append(f"{_p(c.p_holm)}{over}")
    return ", ".join(parts)


def _conclusion(c: Comparison) -> str:
    if c.separable:
        return "separable"
    if c.detectable is not None:
        return f"not separable; this sweep could detect {c.detectable:.2f} points"
    least = smallest_p(c.n)
    pairs = f"{c.n} {'pair' if c.n == 1 else 'pairs'}"
    if least > LEVEL:
        return f"not separable; with {pairs} no p below {least:.3g} is possible"
    if least * c.family > LEVEL:
        least = min(1.0, least * c.family)
        return (
            f"not separable; with {pairs} the first of {c.family} p cannot fall below {least:.3g}"
        )
    return "not separable; the differences are all equal"


def _lost_trials(c: Comparison) -> list[str]:
    """Sentences about trials that the difference leaves out."""
    sentences = []
    if any(c.diverged):
        p = f" ({_p(c.p_diverged)}, not corrected)" if c.p_diverged is not None else ""
        sentences.append(f"{_counts('diverged', c.diverged, c)}{p}.")
    if any(c.failed):
        sentences.append(f"{_counts('did not finish', c.failed, c)}.")
    if sentences and c.n:
        sentences.append("The difference is over the seeds that both finished.")
    if c.pending:
        verb = "is" if c.pending == 1 else "are"
        sentences.append(f"{c.pending} of {c.seeds} seeds {verb} still to come.")
    return sentences


def _counts(verb: str, counts: tuple[int, int], c: Comparison) -> str:
    of, to = counts
    return f"{c.of_label} {verb} with {of} of {c.seeds} seeds, {c.to_label} with {to}"


def signed(points: float) -> str:
    """A difference with its sign and two decimals; zero has no sign.

    >>> signed(0.213), signed(-0.001)
    ('+0.21', '0.00')
    """
    text = f"{points:+.2f}"
    return text[1:] if text[1:] == "0.00" else text


def p_figure(p: float) -> str:
    """``p`` with two digits, or with more where two would round it down to 0.05.

    >>> p_figure(0.0784), p_figure(1.0), p_figure(0.0002), p_figure(410 / 8192)
    ('0.078', '1', '<0.001', '0.05005')
    """
    if p < 0.001:
        return "<0.001"
    texts = (f"{p:.{digits}g}" for digits in range(2, 17))
    return next((text for text in texts if (float(text) <= LEVEL) == (p <= LEVEL)), f"{p!r}")


def _p(p: float) -> str:
    figure = p_figure(p)
    return f"p < {figure[1:]}" if figure.startswith("<") else f"p = {figure}"
