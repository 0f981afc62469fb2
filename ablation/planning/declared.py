"""Which arms a sweep compares: what its file declares, and what goes without saying."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from ...errors import SHOWN_FAULTS, Fault
from ...specs.base import Spec
from ...specs.paths import nearest

#: Pairs of one sweep: beyond, no p could be small enough once corrected for their number.
MAX_PAIRS = 400
_COMPARED = 1000  # names that are compared for help lines

#: The labels of an arm by their axes.
Labels = Mapping[str, str]


class Declared(Spec):
    """One pair of arms, or every label of an axis against one of them.

    >>> arms = {f"depth={d}/shortcut={s}": {"depth": d, "shortcut": s} for d in "89" for s in "AB"}
    >>> for pair in pairs_of([Declared(axis="shortcut", to="A")], arms):
    ...     print(pair.of, "-", pair.to)
    depth=8/shortcut=B - depth=8/shortcut=A
    depth=9/shortcut=B - depth=9/shortcut=A
    """

    of: str | None = None
    """An arm, as table and CSV name it."""
    axis: str | None = None
    """Instead of ``of``: an axis, each label of which is compared where all others are the same."""
    to: str
    """What it is compared with: an arm, or for an axis one of its labels."""


def _listed(value: Any) -> Any:
    """A mapping alone is short for a list of it."""
    return [value] if isinstance(value, dict) else value


Comparisons = Annotated[
    tuple[Declared, ...],
    Field(strict=False, max_length=MAX_PAIRS),
    BeforeValidator(_listed, json_schema_input_type=Declared | tuple[Declared, ...]),
]


class Pair(NamedTuple):
    """Two arms by their names; a difference is ``of`` minus ``to``."""

    of: str
    to: str


def pairs_of(declared: Sequence[Declared] | None, arms: Mapping[str, Labels]) -> list[Pair]:
    """The pairs to compare, each once; ``arms`` has the labels of each by its name.

    Where nothing is declared, each label of each axis is compared with the axis's first label
    among the arms, where all other labels are the same; but nothing is where that makes more than
    :data:`MAX_PAIRS`.
    """
    if declared is None:
        found = list(dict.fromkeys(_unsaid(arms)))
        return found if len(found) <= MAX_PAIRS else []
    return list(dict.fromkeys(pair for item in declared for pair in _said(item, arms)))


def untold(declared: Sequence[Declared] | None, arms: Mapping[str, Labels]) -> str:
    """Why nothing is compared though nothing was declared, and the mend; else empty."""
    count = len(set(_unsaid(arms))) if declared is None else 0
    if count <= MAX_PAIRS:
        return ""
    first, second, *_ = arms
    few = [
        Declared(axis=axis, to=label)
        for axis, label in arms[first].items()
        if 0 < len([*_against(axis, label, arms)]) <= MAX_PAIRS
    ]
    mend = (few or [Declared(of=second, to=first)])[0].model_dump(exclude_none=True)
    # Quoted, as YAML might take a label for a number.
    told = ", ".join(f"{key}: {json.dumps(value)}" for key, value in mend.items())
    return (
        f"nothing is compared: each label with its axis's first would be {count:,} comparisons,"
        f" over the limit of {MAX_PAIRS}; say what you mean to claim, such as"
        f" comparisons: {{{told}}}"
    )


def pair_faults(
    declared: Sequence[Declared] | None, arms: Mapping[str, Labels], written: Any
) -> list[Fault]:
    """What is wrong with the declared comparisons; ``written`` is what the file has there."""
    faults: list[Fault] = []
    known: set[frozenset[str]] = set()
    for index, item in enumerate(declared or ()):
        # A mapping alone is no list: its parts stand right under the key.
        place = "comparisons" if isinstance(written, dict) else f"comparisons[{index}]"
        # Half a millisecond a name at worst: a file of strangers must not take seconds to refuse.
        seek = len(faults) < max(1, _COMPARED // len(arms))
        faults += _faults(item, arms, place, seek) or _repeated(item, arms, place, known)
        if len(faults) >= SHOWN_FAULTS:
            break
    if not faults and len(known) > MAX_PAIRS:
        message = f"{len(known):,} comparisons, over the limit of {MAX_PAIRS}"
        faults.append(Fault("range", message, "comparisons", "declare only what you mean to claim"))
    return faults


def _unsaid(arms: Mapping[str, Labels]) -> Iterator[Pair]:
    first: dict[str, str] = {}
    for labels in arms.values():
        for axis, label in labels.items():
            first.setdefault(axis, label)
    for axis, label in first.items():
        yield from _against(axis, label, arms)


def _said(item: Declared, arms: Mapping[str, Labels]) -> Iterator[Pair]:
    if item.axis is not None:
        yield from _against(item.axis, item.to, arms)
    elif item.of in arms and item.to in arms:
        yield Pair(str(item.of), item.to)


def _against(axis: str, to: str, arms: Mapping[str, Labels]) -> Iterator[Pair]:
    """Every arm that differs in ``axis`` alone from one with the label ``to``, with that one."""
    standard = {
        _key({**labels, axis: ""}): name for name, labels in arms.items() if labels.get(axis) == to
    }
    for name, labels in arms.items():
        partner = standard.get(_key({**labels, axis: ""}))
        if axis in labels and labels[axis] != to and partner is not None:
            yield Pair(name, partner)


def _key(labels: Labels) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def _faults(item: Declared, arms: Mapping[str, Labels], place: str, seek: bool) -> list[Fault]:
    if (item.of is None) == (item.axis is None):
        mend = "write {of: ARM, to: ARM}, or {axis: AXIS, to: LABEL}"
        return [Fault("sweep", "a comparison has either of or axis", place, mend)]
    if item.of is None:
        return _axis_faults(item, arms, place, seek)
    faults = [
        _unknown("arm", arm, list(arms), f"{place}.{key}", seek)
        for key, arm in (("of", item.of), ("to", item.to))
        if arm not in arms
    ]
    if not faults and item.of == item.to:
        message = f"arm {item.of!r} is compared with itself"
        faults.append(Fault("sweep", message, f"{place}.to", "name another arm"))
    return faults


def _axis_faults(item: Declared, arms: Mapping[str, Labels], place: str, seek: bool) -> list[Fault]:
    labels: dict[str, list[str]] = {}
    for held in arms.values():
        for axis, label in held.items():
            labels.setdefault(axis, []).append(label)
    axis = str(item.axis)
    if axis not in labels:
        return [_unknown("axis", axis, list(labels), f"{place}.axis", seek)]
    known = list(dict.fromkeys(labels[axis]))
    if item.to not in known:
        return [_unknown(f"label of axis {axis}", item.to, known, f"{place}.to", seek)]
    if not any(_said(item, arms)):
        message = f"no arm differs from one with {axis}={item.to} in {axis} alone"
        return [Fault("sweep", message, place, "add a label to the axis, or name arms: of, to")]
    return []


def _repeated(
    item: Declared, arms: Mapping[str, Labels], place: str, known: set[frozenset[str]]
) -> list[Fault]:
    """A fault for a pair that stands twice, either way round; else the pairs are made known."""
    pairs = list(_said(item, arms))
    twice = [pair for pair in pairs if frozenset(pair) in known]
    known.update(map(frozenset, pairs))
    if not twice:
        return []
    message = f"{twice[0].of!r} and {twice[0].to!r} are compared already"
    return [Fault("sweep", message, place, "declare each comparison once")]


def _unknown(what: str, given: str, known: list[str], path: str, seek: bool) -> Fault:
    close = nearest(given, known) if seek else None
    mend = f"did you mean {close!r}?" if close else f"the first one is {known[0]!r}"
    return Fault("sweep", f"there is no {what} {given!r}", path, mend)
