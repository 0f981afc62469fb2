"""What the numbers say, in sentences made from nothing but the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from .comparison import ArmRow
from .panels import Panel, panels

#: An arm has collapsed where it misses more than this share of what guessing misses.
COLLAPSE = 0.5
_LISTED = 8

RULE = (
    "An arm is said to have collapsed where its mean test error is more than half of what"
    " guessing gives. Differences between arms that learned are shown with their spread over"
    " seeds; none of them is claimed to be more than chance."
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
        return f"{fall}; no arm learned."
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
