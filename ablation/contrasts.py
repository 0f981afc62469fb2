"""Contrasts: which arms each comparison of a sweep compares, and with which weights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from .declared import MAX_PAIRS, Declared

#: Labels of an arm, by axis.
Labels = Mapping[str, str]
Cell = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Contrast:
    """Errors of some arms minus those of others, each arm with its weight.

    A ``pair`` is one arm minus another. A ``main`` effect is the mean of some arms minus that of as
    many others. An ``interaction`` is the difference of one pair minus that of another.
    """

    kind: Literal["pair", "main", "interaction"]
    of: tuple[str, ...]
    to: tuple[str, ...]
    """Names of arms. In an interaction ``of`` is one pair, and ``to`` the other."""
    axes: tuple[str, ...] = ()
    """Axes of a main effect's means, or the two axes of an interaction."""

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each arm; the weights add up to 0."""
        if self.kind == "interaction":
            signs = zip((*self.of, *self.to), (1.0, -1.0, -1.0, 1.0), strict=True)
            return dict(signs)
        share = 1.0 / len(self.of)
        return {**dict.fromkeys(self.of, share), **dict.fromkeys(self.to, -share)}

    def cancels(self, networks: Mapping[str, str]) -> bool:
        """Whether the contrast is zero by construction, as arms are the same network.

        ``networks`` maps each arm to what its results depend on.
        """
        total: dict[str, float] = {}
        for arm, weight in self.weights.items():
            total[networks[arm]] = total.get(networks[arm], 0.0) + weight
        return all(abs(weight) < 1e-9 for weight in total.values())

    def mixes(self, arms: Mapping[str, str]) -> bool:
        """Whether arms that are compared differ in their network and in their recipe.

        ``arms`` maps each arm to the digest of its network, followed after ``+`` by one of the
        recipe where that is its own. An interaction mixes nothing: each of its axes is studied.
        """
        if self.kind == "interaction":
            return False
        pairs = [
            (arms[of].partition("+"), arms[to].partition("+"))
            for of, to in zip(self.of, self.to, strict=True)
        ]
        return any(of[0] != to[0] and of[2] != to[2] for of, to in pairs)

    @property
    def identity(self) -> frozenset[frozenset[tuple[str, float]]]:
        """Equal for contrasts that differ in their sign alone."""
        weights = self.weights
        return frozenset(
            frozenset((arm, sign * weight) for arm, weight in weights.items()) for sign in (1, -1)
        )


def contrasts_of(declared: Sequence[Declared] | None, arms: Mapping[str, Labels]) -> list[Contrast]:
    """Contrasts to judge, each once; ``arms`` maps the name of each arm to its labels.

    Where nothing is declared, each label of each axis is compared with the first label of the axis
    among the arms, where all other labels are equal. If these are more than :data:`MAX_PAIRS`,
    nothing is compared.

    >>> arms = {f"depth={d}/shortcut={s}": {"depth": d, "shortcut": s} for d in "89" for s in "AB"}
    >>> for contrast in contrasts_of([Declared(axis="shortcut", to="A")], arms):
    ...     print(*contrast.of, "-", *contrast.to)
    depth=8/shortcut=B - depth=8/shortcut=A
    depth=9/shortcut=B - depth=9/shortcut=A
    >>> contrasts_of([Declared(interaction=["depth", "shortcut"])], arms)[0].weights.values()
    dict_values([1.0, -1.0, -1.0, 1.0])
    """
    if declared is None:
        made = list(dict.fromkeys(_default_pairs(arms)))
        return made if len(made) <= MAX_PAIRS else []
    return list(dict.fromkeys(made for item in declared for made in declared_contrasts(item, arms)))


def declared_contrasts(item: Declared, arms: Mapping[str, Labels]) -> Iterator[Contrast]:
    """Contrasts of one declared comparison; none where it is not one of ``arms``."""
    if item.interaction is not None:
        first, second = item.interaction
        yield from _interactions(first, second, arms)
    elif item.axis is not None and item.over is not None:
        yield from _main_effects(item.axis, item.over, item.to, arms)
    elif item.axis is not None:
        yield from _pairs_with(item.axis, item.to, arms)
    elif item.of in arms and item.to in arms:
        yield Contrast("pair", (str(item.of),), (str(item.to),))


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


def labels_of(axis: str, arms: Mapping[str, Labels]) -> list[str]:
    """Labels of an axis among the arms, in their order."""
    return list(dict.fromkeys(labels[axis] for labels in arms.values() if axis in labels))


def _default_pairs(arms: Mapping[str, Labels]) -> Iterator[Contrast]:
    for axis in dict.fromkeys(axis for labels in arms.values() for axis in labels):
        yield from _pairs_with(axis, labels_of(axis, arms)[0], arms)


def _pairs_with(axis: str, to: str | None, arms: Mapping[str, Labels]) -> Iterator[Contrast]:
    """Pairs of arms that differ in ``axis`` alone, the second with the label ``to``."""
    standard = {
        _cell({**labels, axis: ""}): name for name, labels in arms.items() if labels.get(axis) == to
    }
    for name, labels in arms.items():
        partner = standard.get(_cell({**labels, axis: ""}))
        if axis in labels and labels[axis] != to and partner is not None:
            yield Contrast("pair", (name,), (partner,))


def _main_effects(
    axis: str, over: tuple[str, ...], to: str | None, arms: Mapping[str, Labels]
) -> Iterator[Contrast]:
    labels, levels = labels_of(axis, arms), [labels_of(other, arms) for other in over]
    cells = {_cell(held): name for name, held in arms.items()}
    to = labels[0] if to is None and labels else to
    for rest in _rests((axis, *over), arms):

        def averaged(label: str | None, rest: Cell = rest) -> list[str | None]:
            chosen = (zip(over, choice, strict=True) for choice in product(*levels))
            return [cells.get(rest | {(axis, str(label)), *each}) for each in chosen]

        standard = averaged(to)
        for label in labels:
            means = averaged(label)
            names = [name for name in (*means, *standard) if name is not None]
            if label != to and len(names) == len(means) + len(standard):
                yield Contrast("main", tuple(names[: len(means)]), tuple(names[len(means) :]), over)


def _interactions(first: str, second: str, arms: Mapping[str, Labels]) -> Iterator[Contrast]:
    cells = {_cell(held): name for name, held in arms.items()}
    levels, labels = labels_of(first, arms), labels_of(second, arms)
    for rest in _rests((first, second), arms):
        for level, label in product(levels[1:], labels[1:]):
            corners = product((level, levels[0]), (label, labels[0]))
            found = [cells.get(rest | {(first, one), (second, two)}) for one, two in corners]
            names = tuple(name for name in found if name is not None)
            if len(names) == len(found):
                yield Contrast("interaction", names[:2], names[2:], (first, second))


def _rests(axes: Sequence[str], arms: Mapping[str, Labels]) -> list[Cell]:
    """Combinations of the labels of all other axes, in the order of the arms."""
    rests = [
        _cell({axis: label for axis, label in labels.items() if axis not in axes})
        for labels in arms.values()
        if all(axis in labels for axis in axes)
    ]
    return list(dict.fromkeys(rests))


def _cell(labels: Labels) -> Cell:
    return frozenset(labels.items())
