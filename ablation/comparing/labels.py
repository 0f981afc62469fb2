"""Names of the two sides of a contrast, from the labels of its arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..contrasts import Contrast
from ..results.planned import ArmRecord

_Labels = Sequence[tuple[str, str]]


class Sides(NamedTuple):
    """Texts that name a contrast."""

    of: str
    to: str
    """Names of arms, as in the table, or what is made of them."""
    at: str
    """Where both sides are, such as ``depth 8``; may be empty."""
    of_label: str
    to_label: str
    """Labels in which the sides differ, such as ``A`` and ``plain``."""


def sides_of(contrast: Contrast, arms: dict[str, ArmRecord]) -> Sides:
    """Names of the two sides of a contrast."""
    of, to = [arms[name] for name in contrast.of], [arms[name] for name in contrast.to]
    if contrast.kind == "interaction":
        return _interaction(contrast, of, to)
    averaged = contrast.axes if contrast.kind == "main" else ()
    own, other = ([pair for pair in side[0].labels if pair[0] not in averaged] for side in (of, to))
    shared = [pair for pair in own if pair in other]
    at = [_listed(shared)] if shared else []
    if contrast.kind == "pair":
        names = (of[0].name, to[0].name)
    else:
        at.append(f"mean over {' and '.join(contrast.axes)}")
        names = (_mean_name(own, contrast), _mean_name(other, contrast))
    return Sides(*names, ", ".join(at), _own(own, shared, of[0]), _own(other, shared, to[0]))


def _interaction(contrast: Contrast, of: list[ArmRecord], to: list[ArmRecord]) -> Sides:
    level, effect = contrast.axes
    high, low = ([pair for pair in side[0].labels if pair[0] == level] for side in (of, to))
    label, reference = ([pair for pair in arm.labels if pair[0] == effect] for arm in of)
    rest = [pair for pair in of[0].labels if pair[0] not in contrast.axes]
    words = f"{_own(label, (), of[0])} - {_own(reference, (), of[1])}"
    return Sides(
        of=f"{of[0].name} - {of[1].name}",
        to=f"{to[0].name} - {to[1].name}",
        at=_listed(rest),
        of_label=f"{words} at {_listed(high)}",
        to_label=f"{words} at {_listed(low)}",
    )


def _mean_name(labels: _Labels, contrast: Contrast) -> str:
    name = "/".join(f"{axis}={label}" for axis, label in labels)
    return f"mean of {name} over {', '.join(contrast.axes)}"


def _own(labels: _Labels, shared: _Labels, arm: ArmRecord) -> str:
    own = [pair for pair in labels if pair not in shared]
    if len(own) == 1 and own[0][1][:1].isalpha():  # "A" is clear without its axis, "56" is not
        return own[0][1]
    return _listed(own) or arm.name


def _listed(labels: _Labels) -> str:
    return ", ".join(f"{axis} {label}" for axis, label in labels)
