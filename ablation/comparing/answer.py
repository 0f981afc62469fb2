"""The question of a sweep and its answer: what a report says first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .comparison import Comparison
from .numbers import counted, listed
from .rows import ArmRow
from .sentences import place, supposition

#: Most groups of comparisons that the answer names.
_NAMED = 2
_LISTED = 4


def state_question(comparisons: Sequence[Comparison], rows: Sequence[ArmRow]) -> str:
    """What the sweep asks, by its comparisons; without any, by its arms."""
    if not comparisons:
        return f"Which of the {len(rows)} arms has the lowest test error?"
    sides = {c.to_label for c in comparisons}
    if len(sides) > 1 or any(c.contrast == "interaction" for c in comparisons):
        return f"In which of {_comparisons(comparisons)} does the test error differ?"
    of = list(dict.fromkeys(c.of_label for c in comparisons))
    verb = "Does" if len(of) == 1 else "Do"
    places = [place for place in dict.fromkeys(c.at for c in comparisons) if place]
    at = f", {listed([f'at {place}' for place in places])}" if len(places) in range(1, 5) else ""
    return f"{verb} {_some(of)} differ from {sides.pop()} in test error{at}?"


def state_answer(comparisons: Sequence[Comparison], rows: Sequence[ArmRow]) -> list[str]:
    """The answer in one or two sentences; what it says is in the comparisons.

    ``rows`` answer where nothing is compared.
    """
    if not comparisons:
        return _lowest(rows)
    asked = [c for c in comparisons if not c.same_network]
    if not asked:
        return [_same(comparisons)]
    if not any(c.mean is not None for c in asked):
        later = " yet" if any(c.pending for c in asked) else ": no seed has a result of both sides"
        return [f"No comparison has a pair of seeds{later}."]
    found = [c for c in asked if c.separable]
    rest = [c for c in asked if not c.separable]
    so_far = "So far: " if any(c.pending for c in asked) else ""
    if not found:
        return [f"{so_far}{_none(rest)}"]
    sentences = [f"{so_far}{_found(found)}"]
    if rest:
        sentences.append(_rest(rest))
    return sentences


def _found(found: Sequence[Comparison]) -> str:
    groups: dict[tuple[str, ...], list[Comparison]] = {}
    for c in found:
        side = "less" if (c.mean or 0) < 0 else "more"
        own = c.of_label if c.contrast == "interaction" else ""
        groups.setdefault((place(c), c.to_label, side, own), []).append(c)
    largest = sorted(groups.items(), key=lambda item: -max(abs(c.mean or 0) for c in item[1]))
    texts = [
        _group(key, group, begins=number == 0)
        for number, (key, group) in enumerate(largest[:_NAMED])
    ]
    if more := sum(len(group) for _, group in largest[_NAMED:]):
        texts.append(f"{counted(more, 'more comparison')} differ{'s' if more == 1 else ''}")
    return f"{'; '.join(texts)} (separable{_supposed(found)})."


def _supposed(found: Sequence[Comparison]) -> str:
    """What the separable comparisons suppose, and how many of them if not all do."""
    texts = [text for c in found if (text := supposition(c))]
    if not texts:
        return ""
    some = "" if len(texts) == len(found) else f"{len(texts)} of {len(found)} "
    return f", {some}{' and '.join(sorted(set(texts)))}"


def _same(comparisons: Sequence[Comparison]) -> str:
    if len(comparisons) > 1:
        return f"Each of the {len(comparisons)} comparisons is of a network with itself."
    (c,) = comparisons
    return c.verdict


def _group(key: tuple[str, ...], group: Sequence[Comparison], begins: bool) -> str:
    """Differences of one side at one place; ``begins``: whether a sentence begins with them."""
    at, to, side, own = key
    points = _range(abs(c.mean) for c in group if c.mean is not None)
    # Names of arms keep their case: "a" and "A" may be two of them.
    start = at if begins else at[:1].lower() + at[1:]
    if own:
        subject = "The" if begins and not at else "the"
        return f"{start}{subject} difference {own} is {points} points {side} than {to}"
    of = _some([c.of_label for c in group])
    verb = "has" if len(group) == 1 else "have"
    return f"{start}{of} {verb} {points} points {side} test error than {to}"


def _none(rest: Sequence[Comparison]) -> str:
    seen = _range(c.detectable for c in rest if c.detectable is not None)
    would = f", where about {seen} points would have been found four times in five" if seen else ""
    if len(rest) == 1:
        return f"The difference of {_differences(rest)} is not separable{would}."
    return f"None of {_comparisons(rest)} is separable: {_differ(rest)}{would}."


def _rest(rest: Sequence[Comparison]) -> str:
    if len(rest) == 1:
        c = rest[0]
        apart = f" ({_differences(rest)})" if c.mean is not None else ""
        return f"{place(c)}{c.of_label} is not separable from {c.to_label}{apart}."
    return f"None of the other {len(rest)} comparisons is separable: {_differ(rest)}."


def _differ(comparisons: Sequence[Comparison]) -> str:
    return f"the differences are {_differences(comparisons)}"


def _differences(comparisons: Iterable[Comparison]) -> str:
    return f"{_range(abs(c.mean) for c in comparisons if c.mean is not None)} points"


def _lowest(rows: Sequence[ArmRow]) -> list[str]:
    """The arm with the lowest mean, which no test supports."""
    tested = [(100 * row.test_error.mean, row.arm) for row in rows if row.test_error]
    if not tested:
        return ["Nothing is recorded yet."]
    error, arm = min(tested)
    others = [error for error, other in tested if other != arm]
    beside = f"; the others have {_range(others)}%" if others else ""
    return [f"{arm}, with {error:.1f}%{beside}. No comparison is declared, so none is tested."]


def _comparisons(comparisons: Sequence[Comparison]) -> str:
    return f"the {len(comparisons)} comparisons" if len(comparisons) > 1 else "the comparison"


def _some(names: Sequence[str]) -> str:
    return listed(names) if len(names) <= _LISTED else f"{len(names)} arms"


def _range(values: Iterable[float]) -> str:
    """The smallest and the largest of some points, with one decimal; empty without any."""
    sizes = sorted(values)
    if not sizes:
        return ""
    digits = 1 if sizes[-1] >= 1 else 2
    low, high = (f"{size:.{digits}f}" for size in (sizes[0], sizes[-1]))
    return low if low == high else f"{low} to {high}"
