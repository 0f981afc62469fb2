"""Verdict on the arms: sentences made from the rows alone."""

from __future__ import annotations

from collections.abc import Sequence

from .learning import guessing
from .numbers import listed
from .rows import ArmRow, Panel, panels

_LISTED = 8


def state_verdict(rows: Sequence[ArmRow], num_classes: int) -> list[str]:
    """One sentence for each panel, panels with a collapsed trial first, then the failed trials.

    The test error of guessing is ``1 - 1 / num_classes``.
    """
    stated = [(_collapsed(panel), _state_panel(panel, num_classes)) for panel in panels(rows)]
    sentences = [text for _, text in sorted(stated, key=lambda pair: not pair[0]) if text]
    return [*sentences, *_failures(rows)]


def _state_panel(panel: Panel, num_classes: int) -> str:
    collapsed = _collapsed(panel)
    learned = {
        name: row
        for name, row in panel.rows.items()
        if row.test_error is not None and name not in collapsed
    }
    at = f"At {panel.heading}, " if panel.heading else ""
    if not collapsed and not learned:
        return ""
    if not collapsed:
        return f"{at}{_all(learned)} learned: test error {_range(learned)}."
    fall = (
        f"{at}{_falls(collapsed)}: test error {_range(collapsed)}, where guessing has"
        f" {_percent(guessing(num_classes))}"
    )
    if not learned:
        open_ = any(row.test_error is None and row.pending for row in panel.rows.values())
        partly = any(row.collapsed < row.done for row in collapsed.values())
        return f"{fall}." if open_ or partly else f"{fall}; no arm learned."
    return f"{fall}, while {_each(learned)}."


def _collapsed(panel: Panel) -> dict[str, ArmRow]:
    """Arms that collapsed on at least one seed."""
    return {name: row for name, row in panel.rows.items() if row.collapsed}


def _falls(rows: dict[str, ArmRow]) -> str:
    """On how many of its seeds each arm collapsed."""
    if len(rows) > _LISTED:
        trials, all_ = (
            sum(getattr(r, kind) for r in rows.values()) for kind in ("collapsed", "done")
        )
        return f"{len(rows)} arms collapsed on {trials} of their {all_} seeds"
    (first, row), *rest = rows.items()
    counts = [f"{name} on {row.collapsed} of {row.done}" for name, row in rest]
    seeds = "seed" if row.done == 1 else "seeds"
    return listed([f"{first} collapsed on {row.collapsed} of {row.done} {seeds}", *counts])


def _failures(rows: Sequence[ArmRow]) -> list[str]:
    """One sentence for each kind of failure, and one for trials still to come."""
    kinds = {
        "diverged": "diverged (the loss stopped being finite)",
        "failed": "failed with an error",
        "crashed": "crashed",
        "timed_out": "ran out of time",
    }
    # Arms of one network share its trials, which are counted once.
    rows = list({row.digest or row.arm: row for row in reversed(rows)}.values())[::-1]
    sentences = []
    for kind, phrase in kinds.items():
        hit = [f"{getattr(row, kind)} of {row.arm}" for row in rows if getattr(row, kind)]
        if hit:
            count = sum(getattr(row, kind) for row in rows)
            noun = "trial" if count == 1 else "trials"
            if len(hit) > _LISTED:
                hit = [*hit[:_LISTED], f"{len(hit) - _LISTED} more arms"]
            sentences.append(f"{count} {noun} {phrase}: {listed(hit)}.")
    pending = sum(row.pending for row in rows)
    if pending:
        sentences.append(f"Not finished: {pending} more to come.")
    return sentences


def _all(rows: dict[str, ArmRow]) -> str:
    return _names(rows) + {1: "", 2: " both"}.get(len(rows), " all")


def _names(rows: dict[str, ArmRow]) -> str:
    return listed(list(rows)) if len(rows) <= _LISTED else f"{len(rows)} arms"


def _each(rows: dict[str, ArmRow]) -> str:
    """Mean of each arm, or the range of the means where there are too many arms to list."""
    if len(rows) > _LISTED:
        return f"{len(rows)} others have {_range(rows)}"
    errors = [(name, _percent(row.test_error.mean)) for name, row in rows.items() if row.test_error]
    (first, error), *rest = errors
    return listed([f"{first} has {error}", *(f"{name} {error}" for name, error in rest)])


def _range(rows: dict[str, ArmRow]) -> str:
    means = [row.test_error.mean for row in rows.values() if row.test_error is not None]
    low, high = _percent(min(means)), _percent(max(means))
    return low if low == high else f"{low} to {high}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}%"
