"""Faults of declared comparisons, each with its place and its fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import SHOWN_FAULTS, Fault
from ..specs.paths import nearest
from .contrasts import Contrast, Labels, declared_contrasts, labels_of
from .declared import MAX_PAIRS, Declared

_COMPARED = 1000  # names that are compared to suggest a similar one
_FORMS = (
    "write {of: ARM, to: ARM}, {axis: AXIS, to: LABEL}, {axis: AXIS, over: AXIS},"
    " or {interaction: [AXIS, AXIS]}"
)


def comparison_faults(
    declared: Sequence[Declared] | None, arms: Mapping[str, Labels], written: Any
) -> list[Fault]:
    """Faults of the declared comparisons; ``written`` is their part of the file."""
    faults: list[Fault] = []
    known: set[Any] = set()
    for index, item in enumerate(declared or ()):
        # The fields of a single mapping are directly under the key.
        place = "comparisons" if isinstance(written, dict) else f"comparisons[{index}]"
        # A name takes up to 0.5 ms: many unknown names must not take seconds to reject.
        suggest = len(faults) < max(1, _COMPARED // len(arms))
        found = list(_faults(item, arms, place, suggest))
        faults += found or _repeated(item, arms, place, known)
        if len(faults) >= SHOWN_FAULTS:
            break
    if not faults and len(known) > MAX_PAIRS:
        message = f"{len(known):,} comparisons, over the limit of {MAX_PAIRS}"
        faults.append(Fault("range", message, "comparisons", "declare fewer comparisons"))
    return faults


def _faults(
    item: Declared, arms: Mapping[str, Labels], place: str, suggest: bool
) -> Iterator[Fault]:
    heads = (item.of, item.axis, item.interaction)
    if sum(head is not None for head in heads) != 1:
        message = "a comparison has either of or axis, or interaction"
        yield Fault("sweep", message, place, _FORMS)
    elif item.over is not None and item.axis is None:
        yield Fault("sweep", "over needs an axis", f"{place}.over", _FORMS)
    elif item.interaction is not None and item.to is not None:
        message = "an interaction compares with the first label of each axis, and has no to"
        yield Fault("sweep", message, f"{place}.to", "leave it out")
    elif item.to is None and item.interaction is None and item.over is None:
        yield Fault("missing", "'to' is missing", f"{place}.to", _FORMS)
    elif item.of is not None:
        yield from _arm_faults(item, arms, place, suggest)
    else:
        yield from _axis_faults(item, arms, place, suggest)


def _arm_faults(
    item: Declared, arms: Mapping[str, Labels], place: str, suggest: bool
) -> Iterator[Fault]:
    named = (("of", str(item.of)), ("to", str(item.to)))
    unknown = [
        _unknown("arm", arm, list(arms), f"{place}.{key}", suggest)
        for key, arm in named
        if arm not in arms
    ]
    yield from unknown
    if not unknown and item.of == item.to:
        message = f"arm {item.of!r} is compared with itself"
        yield Fault("sweep", message, f"{place}.to", "name another arm")


def _axis_faults(
    item: Declared, arms: Mapping[str, Labels], place: str, suggest: bool
) -> Iterator[Fault]:
    axes = list(dict.fromkeys(axis for labels in arms.values() for axis in labels))
    named = [("axis", item.axis)] if item.axis is not None else []
    named += [("over", axis) for axis in item.over or ()]
    named += [("interaction", axis) for axis in item.interaction or ()]
    used: set[str | None] = set()
    for key, axis in named:
        if axis not in axes:
            yield _unknown("axis", str(axis), axes, f"{place}.{key}", suggest)
            return
        if axis in used:
            message = f"axis {axis!r} is named twice"
            yield Fault("sweep", message, f"{place}.{key}", "name each axis once")
            return
        used.add(axis)
    if item.axis is not None and item.to is not None:
        known = labels_of(item.axis, arms)
        if item.to not in known:
            yield _unknown(f"label of axis {item.axis}", item.to, known, f"{place}.to", suggest)
            return
    if not any(declared_contrasts(item, arms)):
        yield _no_contrast(item, arms, place)


def _no_contrast(item: Declared, arms: Mapping[str, Labels], place: str) -> Fault:
    if item.interaction is None and item.over is None:
        message = f"no arm differs from one with {item.axis}={item.to} in {item.axis} alone"
        return Fault("sweep", message, place, "add a label to the axis, or name arms: of, to")
    axes = item.interaction or (str(item.axis), *(item.over or ()))
    single = [axis for axis in axes if len(labels_of(axis, arms)) < 2]
    if single and (item.interaction is not None or single[0] == item.axis):
        message = f"axis {single[0]!r} has a single label"
        return Fault("sweep", message, place, "add a label to the axis")
    message = f"{' and '.join(axes)} are not crossed: some of their combinations are no arms"
    help_ = "use design: grid, or compare arms by name: {of: ARM, to: ARM}"
    return Fault("sweep", message, place, help_)


def _repeated(
    item: Declared, arms: Mapping[str, Labels], place: str, known: set[Any]
) -> list[Fault]:
    """A fault for a contrast that is declared twice, in either order; ``known`` gets new ones."""
    made = list(declared_contrasts(item, arms))
    twice = [contrast for contrast in made if contrast.identity in known]
    known.update(contrast.identity for contrast in made)
    if not twice:
        return []
    message = f"{_named(twice[0])} are compared already"
    return [Fault("sweep", message, place, "declare each comparison once")]


def _named(contrast: Contrast) -> str:
    if contrast.kind == "pair":
        return f"{contrast.of[0]!r} and {contrast.to[0]!r}"
    return " and ".join(map(repr, dict.fromkeys((*contrast.of, *contrast.to))))


def _unknown(noun: str, given: str, known: list[str], path: str, suggest: bool) -> Fault:
    close = nearest(given, known) if suggest else None
    help_ = f"did you mean {close!r}?" if close else f"the first one is {known[0]!r}"
    return Fault("sweep", f"there is no {noun} {given!r}", path, help_)
