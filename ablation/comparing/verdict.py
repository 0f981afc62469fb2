"""What the numbers say, in sentences made from nothing but the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..reporting.panels import Panel, panels
from .comparison import ArmRow
from .statistics import LEVEL, NOTHING, smallest_p

if TYPE_CHECKING:
    from .paired import Comparison

#: An arm has collapsed where it misses more than this share of what guessing misses.
COLLAPSE = 0.5
_LISTED = 8

RULE = (
    "An arm is said to have collapsed where its mean test error is more than half of what"
    " guessing gives. Two arms are called separable where the p of the sign-flip test over their"
    " paired seeds, after Holm's correction for the number of comparisons, is at most 0.05."
)


def state_verdict(rows: Sequence[ArmRow], num_classes: int) -> list[str]:
    """One sentence for each panel, the panels with a collapse first; then what went wrong.

    ``num_classes`` says what guessing would miss: ``1 - 1 / num_classes``.
    """
    guessing = 1.0 - 1.0 / num_classes
    told = [(bool(_collapsed(panel, guessing)), _panel(panel, guessing)) for panel in panels(rows)]
    sentences = [text for _, text in sorted(told, key=lambda pair: not pair[0]) if text]
    return [*sentences, *_trouble(rows)]


def _panel(panel: Panel, guessing: float) -> str:
    collapsed = _collapsed(panel, guessing)
    learned = {
        name: row
        for name, row in panel.rows.items()
        if row.test_error is not None and name not in collapsed
    }
    at = f"At {panel.heading}, " if panel.heading else ""
    if not collapsed and not learned:
        return ""
    if not collapsed:
        return f"{at}{_all(learned)} learned: {_range(learned)} of test images missed."
    fall = (
        f"{at}{_names(collapsed)} collapsed: {_range(collapsed)} of test images missed, where"
        f" guessing misses {_percent(guessing)}"
    )
    if not learned:
        waiting = any(row.test_error is None and row.pending for row in panel.rows.values())
        return f"{fall}." if waiting else f"{fall}; no arm learned."
    return f"{fall}, while {_each(learned)}."


def _collapsed(panel: Panel, guessing: float) -> dict[str, ArmRow]:
    return {
        name: row
        for name, row in panel.rows.items()
        if row.test_error is not None and row.test_error.mean > COLLAPSE * guessing
    }


def _trouble(rows: Sequence[ArmRow]) -> list[str]:
    """Trials without a test error, for each arm that has any."""
    kinds = {
        "diverged": "diverged (the loss stopped being finite)",
        "failed": "failed with an error",
        "crashed": "crashed",
        "timed_out": "ran out of time",
    }
    # Arms of one network share its trials: none is counted twice.
    rows = list({row.digest or row.arm: row for row in reversed(rows)}.values())[::-1]
    sentences = []
    for kind, told in kinds.items():
        hit = [f"{getattr(row, kind)} of {row.arm}" for row in rows if getattr(row, kind)]
        if hit:
            count = sum(getattr(row, kind) for row in rows)
            noun = "trial" if count == 1 else "trials"
            if len(hit) > _LISTED:
                hit = [*hit[:_LISTED], f"{len(hit) - _LISTED} more arms"]
            sentences.append(f"{count} {noun} {told}: {_listed(hit)}.")
    pending = sum(row.pending for row in rows)
    if pending:
        sentences.append(f"Not finished: {pending} more to come.")
    return sentences


def state_comparison(comparison: Comparison) -> str:
    """What a comparison came to: the difference, how sure it is, and what would have been seen."""
    c = comparison
    at = f"At {c.at}, " if c.at else ""
    if c.same_network:
        return f"{at}{c.of_label} and {c.to_label} are the same network: there is nothing to tell."
    if c.mean is None:
        told = f"{c.of_label} and {c.to_label} cannot be compared: no seed was finished by both."
    else:
        told = f"{_difference(c, c.mean)} ({_evidence(c)}): {_finding(c)}."
    return " ".join([f"{at}{told}", *_lost(c)])


def _difference(c: Comparison, mean: float) -> str:
    size = abs(mean)
    if size < NOTHING:
        return f"{c.of_label} misses as much as {c.to_label}"
    # However small: it may be separable all the same.
    told = f"{size:.2f}" if size >= 0.005 else f"{size:.1g}"
    direction = "more" if mean > 0 else "fewer"
    return f"{c.of_label} misses {told} points {direction} than {c.to_label}"


def _evidence(c: Comparison) -> str:
    parts = [f"n = {c.n} {'pair' if c.n == 1 else 'pairs'}"]
    if c.low is not None and c.high is not None:
        parts.insert(0, f"95% interval {signed(c.low)} to {signed(c.high)}")
    if c.p_holm is not None:
        over = f" after Holm over {c.family}" if c.family > 1 else ""
        parts.append(f"{_p(c.p_holm)}{over}")
    return ", ".join(parts)


def _finding(c: Comparison) -> str:
    if c.separable:
        return "separable"
    if c.detectable is not None:
        return f"not separable; this sweep would have seen {c.detectable:.2f} points"
    least = smallest_p(c.n)
    pairs = f"{c.n} {'pair' if c.n == 1 else 'pairs'}"
    if least > LEVEL:
        return f"not separable; with {pairs} no p below {least:.3g} is possible"
    if least * c.family > LEVEL:
        least = min(1.0, least * c.family)
        return (
            f"not separable; with {pairs} the first of {c.family} p cannot fall below {least:.3g}"
        )
    return "not separable; the differences are all the same"


def _lost(c: Comparison) -> list[str]:
    """What the difference leaves out."""
    sentences = []
    if any(c.diverged):
        p = f" ({_p(c.p_diverged)}, not corrected)" if c.p_diverged is not None else ""
        sentences.append(f"{_who('diverged', c.diverged, c)}{p}.")
    if any(c.failed):
        sentences.append(f"{_who('did not finish', c.failed, c)}.")
    if sentences and c.n:
        sentences.append("The difference is over the seeds that both finished.")
    if c.pending:
        verb = "is" if c.pending == 1 else "are"
        sentences.append(f"{c.pending} of {c.seeds} seeds {verb} still to come.")
    return sentences


def _who(what: str, counts: tuple[int, int], c: Comparison) -> str:
    of, to = counts
    return f"{c.of_label} {what} with {of} of {c.seeds} seeds, {c.to_label} with {to}"


def signed(points: float) -> str:
    """
    >>> signed(0.213), signed(-0.001)
    ('+0.21', '0.00')
    """
    text = f"{points:+.2f}"
    return text[1:] if text[1:] == "0.00" else text


def p_figure(p: float) -> str:
    """Two digits, or as many as it takes not to seem at most 0.05 where it is above.

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


def _all(rows: dict[str, ArmRow]) -> str:
    return _names(rows) + {1: "", 2: " both"}.get(len(rows), " all")


def _names(rows: dict[str, ArmRow]) -> str:
    return _listed(list(rows)) if len(rows) <= _LISTED else f"{len(rows)} arms"


def _each(rows: dict[str, ArmRow]) -> str:
    """Each arm's mean, or only their range where there are too many to read."""
    if len(rows) > _LISTED:
        return f"{len(rows)} others miss {_range(rows)}"
    shares = [(name, _percent(row.test_error.mean)) for name, row in rows.items() if row.test_error]
    (first, share), *rest = shares
    return _listed([f"{first} misses {share}", *(f"{name} {share}" for name, share in rest)])


def _range(rows: dict[str, ArmRow]) -> str:
    means = [row.test_error.mean for row in rows.values() if row.test_error is not None]
    low, high = _percent(min(means)), _percent(max(means))
    return low if low == high else f"{low} to {high}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _listed(names: Sequence[str]) -> str:
    """
    >>> _listed(["A", "B", "C"])
    'A, B and C'
    """
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}"
