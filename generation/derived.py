"""Derived fields: values computed from other fields, such as twice a width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ..errors import Fault, SpecError
from ..specs.base import Spec
from ..specs.explain import shown
from ..specs.paths import Path, expand_stars, get_path, parse_path, set_path, whole_path

_Factor = Annotated[float, Field(ge=-1e6, le=1e6)]


def _short(value: Any) -> Any:
    if not isinstance(value, str | dict | Derived):
        raise PydanticCustomError(
            "type",
            "expected a path or a mapping, not {given}",
            {
                "given": shown(value),
                "help": "write stages[0].width, or {of: stages[0].width, times: 2}",
            },
        )
    return {"of": value} if isinstance(value, str) else value


class Derived(Spec):
    """``times * of + plus``, to the nearest multiple of ``step``.

    >>> Derived(of="stages[0].width", times=1.5, step=8).value(24)
    40
    """

    of: str
    """Path of the source; a ``[*]`` in it takes the index of the ``[*]`` in the derived path."""
    times: _Factor = 1
    """Factor of the source value."""
    plus: _Factor = 0
    """What is added to the product."""
    step: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """The result is rounded to a positive multiple of ``step``; by default to a whole number where
    the source is one."""

    def value(self, source: Any) -> Any:
        """The value computed from ``source``. Raises :class:`SpecError` where that is no number."""
        if (self.times, self.plus, self.step) == (1, 0, None):
            return source
        if isinstance(source, bool) or not isinstance(source, int | float):
            message = f"{self.of} is no number, and nothing can be computed from it"
            raise SpecError(Fault("derive", message, help="leave out times, plus and step"))
        number = self.times * source + self.plus
        if self.step is None and not isinstance(source, int):
            return number
        step = self.step or 1
        return max(1, int(number / step + 0.5)) * step


Derivation = Annotated[Derived, BeforeValidator(_short, json_schema_input_type=str | Derived)]
"""A bare path is short for ``{of: path}``."""


class Rule(NamedTuple):
    """A derived path of a space, parsed."""

    text: str
    """The path as written."""
    path: Path
    source: Path
    how: Derived

    def places(self, tree: Any) -> Iterator[tuple[Path, Path]]:
        """Each derived place in ``tree``, with the place of its source."""
        for place in expand_stars(tree, self.path):
            stars = iter(place[index] for index, part in enumerate(self.path) if part == "*")
            found = tuple(next(stars, part) if part == "*" else part for part in self.source)
            yield place, found

    def put(self, tree: Any) -> None:
        """Write the computed value at each derived place of ``tree``."""
        for place, source in self.places(tree):
            set_path(tree, place, self.how.value(get_path(tree, source)))


def rules_of(derive: Mapping[str, Derived]) -> list[Rule]:
    """The derived paths of a space, parsed. Raises :class:`SpecError` for a wrong one."""
    rules = []
    for text, how in derive.items():
        try:
            rules.append(Rule(text, parse_path(text), parse_path(how.of), how))
        except SpecError as error:
            fault = error.faults[0]
            raise SpecError(Fault("path", fault.message, f"derive.{text}", fault.help)) from None
    return rules


def in_order(rules: Sequence[Rule], tree: Any) -> list[Rule]:
    """The rules, each after those whose values it is computed from, whatever order they are in.

    ``tree`` is one of the space's. Raises :class:`SpecError` for a value that follows from itself.
    """
    pairs = [[*_known_places(rule, tree)] for rule in rules]
    order: TopologicalSorter[int] = TopologicalSorter()
    for number, found in enumerate(pairs):
        sources = [source for _, source in found]
        befores = (
            other
            for other, written in enumerate(pairs)
            if any(_meet(source, place) for source in sources for place, _ in written)
        )
        order.add(number, *befores)
    try:
        return [rules[number] for number in order.static_order()]
    except CycleError as error:
        circle = [rules[number] for number in error.args[1]]
        raise SpecError(_circle(circle)) from None


def _known_places(rule: Rule, tree: Any) -> Iterator[tuple[Path, Path]]:
    """The places of a rule, without those that the tree does not have: they are told elsewhere."""
    with suppress(SpecError):
        for place, source in rule.places(tree):
            yield whole_path(tree, place), whole_path(tree, source)


def _meet(one: Path, other: Path) -> bool:
    """Whether one of two places lies in the other."""
    return all(a == b for a, b in zip(one, other, strict=False))


def _circle(rules: Sequence[Rule]) -> Fault:
    rule, *_ = rules
    if len({each.text for each in rules}) == 1:
        message = f"{rule.how.of} is computed from itself"
        help_ = "name another path, or write the derived places one by one"
        return Fault("derive", message, f"derive.{rule.text}", help_)
    # graphlib gives each rule before those that are computed from it.
    way = " from ".join(each.text for each in reversed(rules))
    help_ = "leave one of them out: it keeps the value of the base"
    return Fault("derive", f"{way}: a circle", f"derive.{rule.text}", help_)
