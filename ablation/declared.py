"""Comparisons of a sweep: those that its file declares, and those made by default."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from ..errors import SHOWN_FAULTS, Fault
from ..specs.base import Spec
from ..specs.paths import nearest

#: Most pairs of one sweep: with more, no p could be small enough after the correction.
MAX_PAIRS = 400
_COMPARED = 1000  # names that are compared to suggest a similar one

#: Labels of an arm, by axis.
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
    """Name of an arm, as in table and CSV."""
    axis: str | None = None
    """Instead of ``of``: an axis, whose labels are compared where all other labels are equal."""
    to: str
    """The arm to compare with, or for an axis one of its labels."""


def _listed(value: Any) -> Any:
    """Wrap a single mapping in a list."""
    return [value] if isinstance(value, dict) else value


Comparisons = Annotated[
    tuple[Declared, ...],
    Field(strict=False, max_length=MAX_PAIRS),
    BeforeValidator(_listed, json_schema_input_type=Declared | tuple[Declared, ...]),
]


class Pair(NamedTuple):
    """Names of two arms; a difference is ``of`` minus ``to``."""

    of: str
    to: str


def pairs_of(declared: Sequence[Declared] | None, arms: Mapping[str, Labels]) -> list[Pair]:
    """Pairs to compare, each once; ``arms`` maps the name of each arm to its labels.

    Where nothing is declared, each label of each axis is compared with the first label of the axis
    among the arms, where all other labels are equal. If these are more than :data:`MAX_PAIRS`,
    nothing is compared.
    """
    if declared is None:
        pairs = list(dict.fromkeys(_default_pairs(arms)))
        return pairs if len(pairs) <= MAX_PAIRS else []
    return list(dict.fromkeys(pair for item in declared for pair in _declared_pairs(item, arms)))


def undeclared_warning(declared: Sequence[Declared] | None, arms: Mapping[str, Labels]) -> str:
    """Warning that the default comparisons are too many to be made; empty where they are not."""
    count = len(set(_default_pairs(arms))) if declared is None else 0
    if count <= MAX_PAIRS:
        return ""
    first, second, *_ = arms
    few = [
        Declared(axis=axis, to=label)
        for axis, label in arms[first].items()
        if 0 < len([*_pairs_with(axis, label, arms)]) <= MAX_PAIRS
    ]
    example = (few or [Declared(of=second, to=first)])[0].model_dump(exclude_none=True)
    # Quoted, since YAML could read a label as a number.
    fields = ", ".join(f"{key}: {json.dumps(value)}" for key, value in example.items())
    return (
        f"nothing is compared: each label with its axis's first would be {count:,} comparisons,"
        f" over the limit of {MAX_PAIRS}; declare those that you need, such as"
        f" comparisons: {{{fields}}}"
    )


def pair_faults(
    declared: Sequence[Declared] | None, arms: Mapping[str, Labels], written: Any
) -> list[Fault]:
    """Faults of the declared comparisons; ``written`` is their part of the file."""
    faults: list[Fault] = []
    known: set[frozenset[str]] = set()
    for index, item in enumerate(declared or ()):
        # The fields of a single mapping are directly under the key.
        place = "comparisons" if isinstance(written, dict) else f"comparisons[{index}]"
        # A name takes up to 0.5 ms: many unknown names must not take seconds to reject.
        suggest = len(faults) < max(1, _COMPARED // len(arms))
        faults += _faults(item, arms, place, suggest) or _repeated(item, arms, place, known)
        if len(faults) >= SHOWN_FAULTS:
            break
    if not faults and len(known) > MAX_PAIRS:
        message = f"{len(known):,} comparisons, over the limit of {MAX_PAIRS}"
        faults.append(Fault("range", message, "comparisons", "declare fewer comparisons"))
    return faults


def _default_pairs(arms: Mapping[str, Labels]) -> Iterator[Pair]:
    first: dict[str, str] = {}
    for labels in arms.values():
        for axis, label in labels.items():
            first.setdefault(axis, label)
    for axis, label in first.items():
        yield from _pairs_with(axis, label, arms)


def _declared_pairs(item: Declared, arms: Mapping[str, Labels]) -> Iterator[Pair]:
    if item.axis is not None:
        yield from _pairs_with(item.axis, item.to, arms)
    elif item.of in arms and item.to in arms:
        yield Pair(str(item.of), item.to)


def _pairs_with(axis: str, to: str, arms: Mapping[str, Labels]) -> Iterator[Pair]:
    """Pairs of arms that differ in ``axis`` alone, the second with the label ``to``."""
    standard = {
        _key({**labels, axis: ""}): name for name, labels in arms.items() if labels.get(axis) == to
    }
    for name, labels in arms.items():
        partner = standard.get(_key({**labels, axis: ""}))
        if axis in labels and labels[axis] != to and partner is not None:
            yield Pair(name, partner)


def _key(labels: Labels) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def _faults(item: Declared, arms: Mapping[str, Labels], place: str, suggest: bool) -> list[Fault]:
    if (item.of is None) == (item.axis is None):
        help_ = "write {of: ARM, to: ARM}, or {axis: AXIS, to: LABEL}"
        return [Fault("sweep", "a comparison has either of or axis", place, help_)]
    if item.of is None:
        return _axis_faults(item, arms, place, suggest)
    faults = [
        _unknown("arm", arm, list(arms), f"{place}.{key}", suggest)
        for key, arm in (("of", item.of), ("to", item.to))
        if arm not in arms
    ]
    if not faults and item.of == item.to:
        message = f"arm {item.of!r} is compared with itself"
        faults.append(Fault("sweep", message, f"{place}.to", "name another arm"))
    return faults


def _axis_faults(
    item: Declared, arms: Mapping[str, Labels], place: str, suggest: bool
) -> list[Fault]:
    labels: dict[str, list[str]] = {}
    for arm in arms.values():
        for axis, label in arm.items():
            labels.setdefault(axis, []).append(label)
    axis = str(item.axis)
    if axis not in labels:
        return [_unknown("axis", axis, list(labels), f"{place}.axis", suggest)]
    known = list(dict.fromkeys(labels[axis]))
    if item.to not in known:
        return [_unknown(f"label of axis {axis}", item.to, known, f"{place}.to", suggest)]
    if not any(_declared_pairs(item, arms)):
        message = f"no arm differs from one with {axis}={item.to} in {axis} alone"
        return [Fault("sweep", message, place, "add a label to the axis, or name arms: of, to")]
    return []


def _repeated(
    item: Declared, arms: Mapping[str, Labels], place: str, known: set[frozenset[str]]
) -> list[Fault]:
    """A fault for a pair that is declared twice, in either order; adds new pairs to ``known``."""
    pairs = list(_declared_pairs(item, arms))
    twice = [pair for pair in pairs if frozenset(pair) in known]
    known.update(map(frozenset, pairs))
    if not twice:
        return []
    message = f"{twice[0].of!r} and {twice[0].to!r} are compared already"
    return [Fault("sweep", message, place, "declare each comparison once")]


def _unknown(noun: str, given: str, known: list[str], path: str, suggest: bool) -> Fault:
    close = nearest(given, known) if suggest else None
    help_ = f"did you mean {close!r}?" if close else f"the first one is {known[0]!r}"
    return Fault("sweep", f"there is no {noun} {given!r}", path, help_)
