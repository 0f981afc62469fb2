"""The sentences that state a comparison, and the rule behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .comparison import Comparison
from .numbers import counted, p_equals, signed
from .rule import LEVEL, MIN_PAIRS, TRUSTED_PAIRS
from .sign_flips import MIN_PAIRS as EXACT_PAIRS

#: Differences in points below this are rounding.
_ROUNDING = 1e-9
_NORMAL = "if differences over seeds are roughly normal"
_FLIPS = "the sign-flip test, which supposes symmetry alone,"


def state_comparison(comparison: Comparison) -> str:
    """Difference of two arms, its evidence, the conclusion, and trials that did not learn."""
    c = comparison
    at = place(c)
    if c.same_network:
        return f"{at}{c.of_label} and {c.to_label} are the same network: nothing to compare."
    if c.mean is None:
        text = f"{c.of_label} and {c.to_label} cannot be compared: no seed was finished by both."
    else:
        text = f"{_difference(c, c.mean)} ({_evidence(c)}): {_conclusion(c)}."
    mixed = ["Their recipes differ, too: neither explains a difference alone."] if c.mixed else []
    return " ".join([f"{at}{text}", *mixed, *_seeds_apart(c)])


def state_rule(comparisons: Sequence[Comparison]) -> str:
    """The rule that the sentences follow, as far as these comparisons need it."""
    parts = [
        "A trial has collapsed where its test error is more than half of that of guessing. Two arms"
        " are called separable where the p of a paired t test over their seeds, after Holm's"
        f" correction for the number of comparisons, is at most {_level(comparisons):g}"
        f"{' at one of the looks' if _level(comparisons) < LEVEL else ''}."
    ]
    pairs = [c.n for c in comparisons if c.n >= MIN_PAIRS]
    if pairs and min(pairs) < EXACT_PAIRS:
        missed = 100 * 0.9 ** min(pairs)
        parts.append(
            f"From {min(pairs)} seeds this supposes that differences over seeds are roughly normal,"
            f" and a collapse that comes once in ten runs cannot be known: {missed:.0f}% of such"
            " sweeps do not see it."
        )
    parts.append(
        "A verdict is about means over seeds like these: two arms of equal means can have unlike"
        " distributions."
    )
    return " ".join(parts)


def place(c: Comparison) -> str:
    """Where a comparison is, as the beginning of a sentence; empty where it is everywhere."""
    rest, _, axes = c.at.rpartition("mean over ") if c.contrast == "main" else (c.at, "", "")
    at = f"At {rest.removesuffix(', ')}, " if rest else ""
    averaged = f"{'averaged' if at else 'Averaged'} over {axes}, " if axes else ""
    return at + averaged


def _level(comparisons: Sequence[Comparison]) -> float:
    return comparisons[0].level if comparisons else LEVEL


def _difference(c: Comparison, mean: float) -> str:
    size = abs(mean)
    # A difference too small for two decimals may still be separable.
    points = f"{size:.2f}" if size >= 0.005 else f"{size:.1g}"
    if c.contrast == "interaction":
        of, _, where = c.of_label.rpartition(" at ")
        other = c.to_label.rpartition(" at ")[2]
        subject = f"{'the' if c.at else 'The'} difference {of} in test error"
        if size < _ROUNDING:
            return f"{subject} is the same at {where} as at {other}"
        side = "higher" if mean > 0 else "lower"
        return f"{subject} is {points} points {side} at {where} than at {other}"
    if size < _ROUNDING:
        return f"{c.of_label} has the same test error as {c.to_label}"
    side = "more" if mean > 0 else "less"
    return f"{c.of_label} has {points} points {side} test error than {c.to_label}"


def _evidence(c: Comparison) -> str:
    parts = [f"n = {counted(c.n, 'pair')}"]
    if c.low is not None and c.high is not None:
        parts.insert(0, f"{c.confidence} interval {signed(c.low)} to {signed(c.high)}")
    if c.p_holm is not None and c.n >= MIN_PAIRS:
        parts.append(p_equals(c.p_holm, c.level) + _over(c))
    if c.exact is not None:
        parts.append(f"by sign flips {p_equals(c.exact, c.level)}")
    return ", ".join(parts)


def _over(c: Comparison) -> str:
    return f" after Holm over {c.family}" if c.family > 1 else ""


def supposition(c: Comparison) -> str:
    """What a comparison that is separable supposes beside symmetry; empty for nothing."""
    if c.settled_at is None or (c.settled_at >= EXACT_PAIRS and _is_exact(c)):
        return ""
    return _NORMAL


def _is_exact(c: Comparison) -> bool:
    return c.exact is not None and c.exact <= c.level


def _conclusion(c: Comparison) -> str:
    exact = _is_exact(c)
    if c.settled_at is not None:
        look = f" at {c.settled_at} seeds" if c.level < LEVEL else ""
        supposed = supposition(c)
        if not supposed:
            return f"separable{look}"
        missed = c.settled_at >= EXACT_PAIRS and c.exact is not None
        return f"separable{look}, {supposed}{f'; {_FLIPS} does not find it' if missed else ''}"
    if c.n < MIN_PAIRS:
        return f"not separable; nothing is claimed from fewer than {MIN_PAIRS} pairs"
    found = f", although {_FLIPS} finds a difference" if exact else ""
    chance = f", since {c.n} differences agree by chance where errors vary so much over seeds"
    return f"not separable{found}{chance if _is_guarded(c) else ''}; {_sees(c)}"


def _is_guarded(c: Comparison) -> bool:
    """Whether the variance of the arms' own errors alone speaks against a difference."""
    apart = c.low is not None and c.high is not None and c.low * c.high > 0
    return c.n < TRUSTED_PAIRS and apart and c.p is not None and c.p > c.level


def _sees(c: Comparison) -> str:
    size, low, high = (
        _points(points) for points in (c.detectable, c.detectable_low, c.detectable_high)
    )
    return f"about {size} points ({low} to {high}) would have been found four times in five"


def _points(points: float | None) -> str:
    """Points with two digits, and at most two decimals."""
    if points is None:
        return "?"
    return f"{points:.0f}" if points >= 10 else f"{points:.1f}" if points >= 1 else f"{points:.2g}"


def _seeds_apart(c: Comparison) -> Iterator[str]:
    """Sentences about seeds that did not learn, did not finish or are still to come."""
    if any(c.diverged):
        tested = ""
        if c.p_diverged_holm is not None:
            found = "separable" if c.separable_in_divergence else "not separable"
            p = p_equals(c.p_diverged_holm, c.level)
            tested = f" ({p}{_over(c)}): {found} in divergence"
        yield f"{_counts('diverged', c.diverged, c)}{tested}."
        if c.guess is not None:
            yield f"A seed that diverged counts as guessing, {c.guess:.1f}%."
    if any(c.collapsed):
        yield f"{_counts('collapsed', c.collapsed, c)}."
    if any(c.failed):
        yield f"{_counts('did not finish', c.failed, c)}."
    left_out = any(c.failed) or (any(c.diverged) and c.guess is None)
    if left_out and c.n:
        yield "The difference is over the seeds that both finished."
    if c.pending:
        verb = "is" if c.pending == 1 else "are"
        yield f"{c.pending} of {c.seeds} seeds {verb} still to come."


def _counts(verb: str, counts: tuple[int, int], c: Comparison) -> str:
    of, to = counts
    if c.contrast == "pair":
        how = "on" if verb == "collapsed" else "with"
        return f"{c.of_label} {verb} {how} {of} of {c.seeds} seeds, {c.to_label} {how} {to}"
    return f"{counted(of, 'trial')} of {c.of_label} {verb}, and {to} of {c.to_label}"
