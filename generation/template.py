"""The base's tree with free and derived places, filled in for an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from ..errors import Fault, SpecError, path_text
from ..specs.network import ResNetSpec
from ..specs.outline import Outline
from ..specs.paths import Path, expand_stars, get_path, parse_path, whole_path
from .assembly import Assembly
from .choices import Choices, OneOf, Point, Product
from .declared import read_free
from .derived import Derived, in_order, rules_of
from .parts import parts_of
from .repeated import Repeat

_MAX_PROBES = 1000
#: The other one of the two fields that say how many blocks a stage has.
_OTHER_SIZE: dict[Any, str] = {"depth": "blocks", "blocks": "depth"}
_MAX_BITS = 3000
_MAX_TICKETS = 4 * _MAX_BITS


class Free(NamedTuple):
    """One free path of the space."""

    path: str
    """The path as written: ``stages[*].depth``."""
    places: tuple[Path, ...]
    choices: Choices
    """Each value is a list with an item for each place."""


class Template:
    """The trees of a space's networks, by index.

    Raises :class:`SpecError` with the path of every fault in ``free`` and ``derive``.
    """

    def __init__(
        self, base: ResNetSpec, free: Mapping[str, Any], derive: Mapping[str, Derived]
    ) -> None:
        self.base = base
        # The name is left out: it is that of the base alone.
        self._base = base.model_dump(mode="json", exclude={"name"})
        faults: list[Fault] = []
        self.free: list[Free] = []
        for path, value in free.items():
            try:
                self.free.append(self._read(path, value))
            except SpecError as error:
                faults += error.faults
        faults += _overlaps([(f"free.{free.path}", free.places) for free in self.free])
        faults += _sizes_twice(self.free)
        if faults:
            raise SpecError(faults)
        self.choices = Point(
            [free.choices for free in self.free], [len(free.places) for free in self.free]
        )
        if self.choices.size.bit_length() > _MAX_BITS:
            message = f"the space is larger than 2^{_MAX_BITS}"
            raise SpecError(Fault("limit", message, "free", "leave fields out"))
        if self.choices.weight.bit_length() > _MAX_TICKETS:
            message = f"probabilities of the space need more than 2^{_MAX_TICKETS} lottery tickets"
            help_ = "use int for some of log_int and log_normal, or leave fields out"
            raise SpecError(Fault("limit", message, "free", help_))
        self._derive = rules_of(derive)
        places = [place for free in self.free for place in free.places]
        derived = [*self._derived_places()]
        self._copied = _containers([*places, *derived])
        self._derive = in_order(self._derive, fresh(self._filled(self.choices.unrank(0))))
        parts = parts_of([*self._written()], derived, self._derive)
        self._assembly = Assembly(self._base, parts)
        faults = list(self._wrong_derivations()) or list(self._wrong_values(free))
        if faults:
            raise SpecError(faults)

    @property
    def places(self) -> list[Path]:
        """All free and derived places."""
        places = [place for free in self.free for place in free.places]
        derived = [place for place in self._derived_places() if place[:1] not in places]
        other = [(*place[:-1], _OTHER_SIZE[place[-1]]) for place in filter(_is_size, places)]
        # A stage that has one of depth and blocks has no other.
        other = [place for place in other if get_path(self._base, place) is not None]
        return [*places, *derived, *other]

    def tree_at(self, index: int) -> dict[str, Any]:
        """The arguments of :class:`~resforge.ResNetSpec` at ``index``."""
        tree = self._filled(self.choices.unrank(index))
        for rule in self._derive:
            rule.put(tree)
        return tree

    def outline_at(self, index: int) -> Outline:
        """The network at ``index``, each value validated and the rules between them not looked at.

        Raises :class:`SpecError`.
        """
        marks = self.choices.marks(index)
        return self._assembly.known(marks) or self._assembly.learned(marks, self.tree_at(index))

    def spec_at(self, index: int) -> ResNetSpec:
        """As :meth:`outline_at`, its spec."""
        return self.outline_at(index).spec()

    def _written(self) -> Iterator[tuple[Path, int]]:
        """Each place that a free value is written to, with the number of its mark."""
        places = (place for free in self.free for place in free.places)
        for mark, place in enumerate(places):
            yield place, mark
            if _is_size(place):
                yield (*place[:-1], _OTHER_SIZE[place[-1]]), mark

    def corners(self) -> Iterator[int]:
        """Indexes that between them include each option and both ends of each range, of one field
        at a time, up to a limit."""
        return (corner for _, _, corner in self._free_corners())

    def _free_corners(self) -> Iterator[tuple[Free, int, int]]:
        """A free field, an index among its choices, and the index of the point that has it, and the
        first value of all others."""
        zeros = [0] * len(self.free)
        for number, free in enumerate(self.free):
            for index in islice(_corners(free.choices), _MAX_PROBES // len(self.free)):
                digits = [*zeros[:number], index, *zeros[number + 1 :]]
                yield free, index, self.choices.join(digits)

    def _filled(self, values: list[list[Any]]) -> dict[str, Any]:
        tree = dict(self._base)
        for path in self._copied:
            holder = _holder(tree, path)
            holder[path[-1]] = holder[path[-1]].copy()
        for free, row in zip(self.free, values, strict=True):
            for place, value in zip(free.places, row, strict=True):
                # A derived place may lie inside the value.
                value = fresh(value) if self._derive else value
                holder = _holder(tree, place)
                holder[place[-1]] = value
                if value is not None and _is_size(place):
                    holder[_OTHER_SIZE[place[-1]]] = None
        return tree

    def _derived_places(self) -> Iterator[Path]:
        """The derived places that exist in the base."""
        for rule in self._derive:
            with suppress(SpecError):
                for place in expand_stars(self._base, rule.path):
                    get_path(self._base, place)
                    yield whole_path(self._base, place)

    def _read(self, text: str, value: Any) -> Free:
        try:
            path = parse_path(text)
            places = tuple(whole_path(self._base, p) for p in expand_stars(self._base, path))
            for place in places:
                get_path(self._base, place)
        except SpecError as error:
            fault = error.faults[0]
            raise SpecError(Fault("path", fault.message, f"free.{text}", fault.help)) from None
        if path[-1] in ("kind", "name", "resforge"):
            parent = path_text(path[:-1])
            message, help_ = f"{path[-1]} does not change the network", "leave it out"
            if path[-1] == "kind":
                message = "a kind cannot vary without its other fields"
                help_ = f"write {parent}: [ ... ], with a kind or a mapping for each"
            raise SpecError(Fault("path", message, f"free.{text}", help_))
        return Free(text, places, read_free(value, (text,), len(places)))

    def _wrong_derivations(self) -> Iterator[Fault]:
        tree: Any = fresh(self._filled(self.choices.unrank(0)))
        known = [(f"free.{free.path}", free.places) for free in self.free]
        for rule in self._derive:
            place = f"derive.{rule.text}"
            try:
                places = tuple(whole_path(tree, found) for found, _ in rule.places(tree))
                if clash := _overlaps([*known, (place, places)]):
                    yield from clash
                    continue
                known.append((place, places))
                rule.put(tree)
            except SpecError as error:
                fault = error.faults[0]
                yield Fault(fault.code, fault.message, place, fault.help)

    def _wrong_values(self, written: Mapping[str, Any]) -> Iterator[Fault]:
        """The faults of values that are illegal in any network, whatever else is chosen."""
        reported = set()
        for free, index, corner in self._free_corners():
            for fault in _always_wrong(self.tree_at(corner)):
                option = _option(free.choices, index, written[free.path])
                key = (free.path, option, fault.message)
                # A fault at another free place is reported for that place.
                if key in reported or not _concerns(fault, free, bool(self._derive)):
                    continue
                reported.add(key)
                inside = _inside(written[free.path], option, fault, free)
                place = path_text(("free", free.path, *option, *inside))
                help_ = fault.help
                if option[-1:] == ("of",) and free.path.endswith(".depth"):
                    help_ = f"write it at {free.path.removesuffix('depth')}blocks"
                elif fault.message.endswith("not a list") and _is_inside(fault, free):
                    help_ = "write {choice: [ ... ]} for choices within an option"
                yield Fault(fault.code, fault.message, place, help_)


def _always_wrong(tree: dict[str, Any]) -> tuple[Fault, ...]:
    # Rules between fields are not checked: other choices may satisfy them.
    try:
        ResNetSpec.unchecked(tree)
    except SpecError as error:
        return error.faults
    return ()


def _concerns(fault: Fault, free: Free, derived: bool) -> bool:
    inside = parse_path(fault.path) if fault.path else ()
    return derived or any(inside[: len(place)] == place for place in free.places)


def _is_inside(fault: Fault, free: Free) -> bool:
    """Whether a fault is one of a field within the value of a free place."""
    path = parse_path(fault.path) if fault.path else ()
    return any(path[: len(place)] == place and path != place for place in free.places)


def _inside(
    written: Any, option: Sequence[str | int], fault: Fault, free: Free
) -> tuple[str | int, ...]:
    """Path of the field of an option that a fault is about, as far as the file names its fields."""
    path = parse_path(fault.path) if fault.path else ()
    around = next((place for place in free.places if path[: len(place)] == place), None)
    if around is None:
        return ()
    rest = list(path[len(around) :])
    for part in option:
        written = written[part]
    if option[-1:] == ("of",):  # what stands at any place of a list
        rest = rest[1:]
    found: list[str | int] = []
    for part in rest:
        known = isinstance(written, dict) and part in written
        if not known and not (isinstance(written, list) and part in range(len(written))):
            break
        found.append(part)
        written = written[part]
    return tuple(found)


def _corners(choices: Choices) -> Iterator[int]:
    """Indexes that between them include each option and both ends of each range."""
    if isinstance(choices, OneOf):
        start = 0
        for option in choices.options:
            yield from (start + corner for corner in _corners(option))
            start += option.size
    elif isinstance(choices, Product):
        zeros = [0] * len(choices.parts)
        for number, part in enumerate(choices.parts):
            for corner in _corners(part):
                yield choices.join([*zeros[:number], corner, *zeros[number + 1 :]])
    else:
        yield from dict.fromkeys((0, choices.size - 1))


def _option(choices: Choices, index: int, written: Any) -> tuple[str | int, ...]:
    """Path, within a declaration, of the option that an index belongs to."""
    part: Any = choices
    while isinstance(part, Product):
        digits = part.split(index)
        # A corner moves one part; the others are at index 0.
        number = next((n for n, digit in enumerate(digits) if digit), 0)
        part, index = part.parts[number], digits[number]
    part = getattr(part, "value", part)
    if isinstance(part, Repeat):
        return ("of",)
    if not isinstance(part, OneOf):
        return ()
    number, _ = part.locate(index)
    return (number,) if isinstance(written, list) else ("choice", number)


def _overlaps(paths: list[tuple[str, tuple[Path, ...]]]) -> list[Fault]:
    """Faults for paths to the same place, or to a place inside that of another path."""
    faults = []
    owners: dict[Path, str] = {}
    for text, places in sorted(paths, key=lambda entry: min(map(len, entry[1]), default=0)):
        for place in places:
            prefixes = (place[:end] for end in range(1, len(place) + 1))
            owner = next((owners[prefix] for prefix in prefixes if prefix in owners), None)
            if owner is None:
                owners[place] = text
                continue
            inside = place not in owners
            outer = owner.removeprefix("free.")
            message = f"{path_text(place)} is already set by {outer}"
            help_ = "leave one of the two out"
            if inside and not outer.startswith("derive."):
                help_ = f"write {place[-1]} into the options of {outer}: {{choice: [ ... ]}}"
            faults.append(Fault("path", message, text, help_))
            break
    return faults


def _is_size(place: Path) -> bool:
    """Whether a place is the depth or the blocks of a stage."""
    return len(place) == 3 and place[0] == "stages" and place[-1] in _OTHER_SIZE


def _sizes_twice(free: Sequence[Free]) -> Iterator[Fault]:
    """Faults for stages whose depth and blocks are both free."""
    sizes = {place: each.path for each in free for place in each.places if _is_size(place)}
    for place, path in sizes.items():
        other = sizes.get((*place[:-1], "depth"))
        if place[-1] == "blocks" and other is not None:
            message = f"the blocks of {path_text(place[:-1])} are free, and so is their number"
            help_ = f"leave out {other}, and write {{repeat: {{int: [1, 4]}}, of: ...}}"
            yield Fault("path", message, f"free.{path}", help_)


def _containers(places: Sequence[Path]) -> list[Path]:
    """The path of every mapping and list that holds one of the places, outer ones first."""
    found = {place[:end] for place in places for end in range(1, len(place))}
    return sorted(found, key=len)


def _holder(tree: Any, path: Path) -> Any:
    for part in path[:-1]:
        tree = tree[part]
    return tree


def fresh(value: Any) -> Any:
    """A copy of a tree, whose parts are each its own."""
    if isinstance(value, dict):
        return {key: fresh(item) for key, item in value.items()}
    if isinstance(value, list):
        return [fresh(item) for item in value]
    return value
