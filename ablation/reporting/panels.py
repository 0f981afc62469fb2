"""How arms are laid side by side: one panel for each level of the first axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..comparing.comparison import ArmRow


@dataclass(frozen=True, slots=True)
class Panel:
    """Arms that differ in all but the first axis. ``rows`` is keyed by the series' name, which
    means the same in every panel."""

    heading: str
    rows: dict[str, ArmRow]


def panels(rows: Sequence[ArmRow]) -> tuple[Panel, ...]:
    """The panels of a comparison; with fewer than two axes there is one, without a heading."""
    found: dict[str, dict[str, ArmRow]] = {}
    for row in rows:
        (axis, label), *rest = row.labels
        if not rest:
            found.setdefault("", {})[label] = row
        else:
            found.setdefault(f"{axis} {label}", {})[_series(rest)] = row
    return tuple(Panel(heading, held) for heading, held in found.items())


def _series(labels: Sequence[tuple[str, str]]) -> str:
    if len(labels) == 1:
        return labels[0][1]
    return ", ".join(f"{axis} {label}" for axis, label in labels)
