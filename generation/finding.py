"""From a network to its point in a space, and from values to an index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Fault, SpecError, path_text, wrong_type
from ..reading.diff import tree_changes
from ..specs.network import ResNetSpec
from ..specs.paths import Path, get_path, parse_path, set_path
from ..specs.plain import plain
from ..text.inline import in_words
from .choices import Choices, Product, Same
from .points import Architecture, Points
from .rows import Increasing
from .template import Free, Template


def find(points: Points, spec: ResNetSpec) -> Architecture:
    """The network of a space that is ``spec``, whatever its name.

    Raises :class:`SpecError` with every place where it leaves the space.
    """
    index, faults = _nearest(points.template, spec)
    found = points.template.spec_at(index)
    if found.digest != spec.digest:
        # What follows from a value that is not there cannot be compared.
        derived = points.template.places if faults else []
        told = [*(parse_path(fault.path) for fault in faults), *derived]
        faults += [
            Fault(
                "space",
                f"is {in_words(change.after)} there, and {in_words(change.before)} in the space",
                change.path,
                "free that field",
            )
            for change in tree_changes(_tree(found), _tree(spec))
            if not any(_within(parse_path(change.path), place) for place in told)
        ]
    if faults:
        raise SpecError(faults)
    return points.at(index)


def values_at(template: Template, index: int) -> dict[str, Any]:
    """The value at each free place, as a spec file has it."""
    rows = zip(template.free, template.choices.unrank(index), strict=True)
    return {
        path_text(place): value
        for free, row in rows
        for place, value in zip(free.places, row, strict=True)
    }


#: Longest list of values of a place.
_MOST_VALUES = 100_000


def domains_of(template: Template) -> dict[str, list[Any]]:
    """The values that each free place may have, as :func:`values_at` has them.

    Raises :class:`SpecError` for a place with too many.
    """
    return {
        path_text(place): _every(path_text(place), part)
        for free in template.free
        for place, part in zip(free.places, _by_place(free), strict=True)
    }


def _by_place(free: Free) -> list[Choices]:
    choices = free.choices
    if isinstance(choices, Same):
        return [choices.value] * len(free.places)
    if isinstance(choices, Increasing):
        return [choices.numbers] * len(free.places)
    assert isinstance(choices, Product)
    return list(choices.parts)


def _every(place: str, part: Choices) -> list[Any]:
    if part.size > _MOST_VALUES:
        message = f"{place} has {part.size:,} values, of at most {_MOST_VALUES:,} in a list"
        raise SpecError(Fault("limit", message, place, "use space.fields and space.index"))
    return [part.unrank(index) for index in range(part.size)]


def index_of(template: Template, values: Mapping[str, Any]) -> int:
    """The index of the point with the given value at each free place; inverse of
    :func:`values_at`.

    Raises :class:`SpecError` for a place that is not free, is left out, or has no such value.
    """
    if not isinstance(values, Mapping):
        raise wrong_type("space.index_of", "a mapping of places to values", values)
    values = plain(values)
    places = {path_text(place): place for free in template.free for place in free.places}
    for name in {**places, **values}:
        if name not in places or name not in values:
            message = f"{name} is {'not free' if name not in places else 'left out'}"
            raise SpecError(Fault("range", message, name, f"name {', '.join(places)}"))
    tree: Any = template.tree_at(0)
    for name, place in places.items():
        set_path(tree, place, values[name])
    return _index(template, ResNetSpec.unchecked(tree))


def _index(template: Template, spec: ResNetSpec) -> int:
    """The index whose free values are those of a checked spec."""
    index, faults = _nearest(template, spec)
    if faults:
        raise SpecError(faults)
    return index


def _nearest(template: Template, spec: ResNetSpec) -> tuple[int, list[Fault]]:
    """The index whose free values are those of a checked spec, with the first value of each field
    that has none of its own, and a fault for each of these."""
    tree = _listed(spec, template)
    found = [_digit(template, number, free, tree) for number, free in enumerate(template.free)]
    index = template.choices.join([digit for digit, _ in found])
    return index, [fault for _, fault in found if fault is not None]


def _digit(
    template: Template, number: int, free: Free, tree: dict[str, Any]
) -> tuple[int, Fault | None]:
    """The index of a free field's values among its choices, or why they are none of them."""
    zeros = [0] * len(template.free)

    def shown(index: int) -> list[Any]:
        digits = [*zeros[:number], index, *zeros[number + 1 :]]
        spec = template.spec_at(template.choices.join(digits))
        tree = _listed(spec, template)
        return [get_path(tree, place) for place in free.places]

    try:
        row = [get_path(tree, place) for place in free.places]
    except SpecError as error:
        return 0, error.faults[0]
    found = free.choices.rank(row, shown)
    if found is None:
        given = in_words(row[0] if len(row) == 1 else row)
        message = f"{given} is none of the values of {free.path} in the space"
        return 0, Fault(
            "space", message, path_text(free.places[0]), f"allow it in free.{free.path}"
        )
    return found, None


def _within(path: Path, place: Path) -> bool:
    """Whether a path leads to what a fault names: to its place, or to the same field of another
    stage or block."""
    fields, inside = ([part for part in each if isinstance(part, str)] for each in (place, path))
    return inside[: len(fields)] == fields


def _tree(spec: ResNetSpec) -> dict[str, Any]:
    return spec.model_dump(mode="json", exclude={"name"})


def _listed(spec: ResNetSpec, template: Template) -> dict[str, Any]:
    """The tree of a spec, with every block of stages whose blocks are free written in full, so that
    those that a depth or a default stands for are found, too."""
    tree = _tree(spec)
    places = {place for free in template.free for place in free.places}
    for number, stage in enumerate(spec.stages):
        if ("stages", number, "blocks") in places:
            around = tree["stages"][number]
            entries = [entry.model_dump(mode="json") for entry in stage.entries]
            around["blocks"] = [_in_full(entry, around, tree) for entry in entries]
        if ("stages",) in places:
            around = tree["stages"][number]
            around["block"] = around["block"] or tree["block"]
    return tree


def _in_full(entry: dict[str, Any], stage: dict[str, Any], tree: dict[str, Any]) -> dict[str, Any]:
    """A block with what it has of its stage or of the network."""
    around = {name: stage[name] for name in ("width", "dilation")}
    around |= {name: stage[name] or tree[name] for name in ("block", "shortcut")}
    return {name: around.get(name) if value is None else value for name, value in entry.items()}
