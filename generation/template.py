"""A spec's tree with holes: which places are free, what goes there, and the tree at an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from ..errors import Fault, SpecError, path_text
from ..specs.network import ResNetSpec
from ..specs.paths import Path, expand_stars, get_path, parse_path
from .choices import Choices, Every, OneOf
from .declared import read_free
from .derived import Derived

_MAX_PROBES = 1000
_MAX_BITS = 3000


class Free(NamedTuple):
    """One path of the space."""

    path: str
    """As it was written: ``stages[*].depth``."""
    places: tuple[Path, ...]
    choices: Choices
    """Each value is a list, one for each place."""


class Template:
    """The trees of a space. Raises :class:`SpecError` with the path of every fault."""

    def __init__(
        self, base: ResNetSpec, free: Mapping[str, Any], derive: Mapping[str, Derived]
    ) -> None:
        self.base = base
        # What is drawn is another network than the base.
        self._base = base.model_dump(mode="json", exclude={"name"})
        faults: list[Fault] = []
        self.free: list[Free] = []
        for path, value in free.items():
            try:
                self.free.append(self._read(path, value))
            except SpecError as error:
                faults += error.faults
        faults += _overlaps([(f"free.{free.path}", free.places) for free in self.free])
        if faults:
            raise SpecError(faults)
        self.choices = Every([free.choices for free in self.free])
        if self.choices.tickets.bit_length() > _MAX_BITS:
            message = f"the space has more than 2^{_MAX_BITS} networks"
            raise SpecError(Fault("limit", message, "free", "leave fields out"))
        self._derive = list(_parsed(derive))
        places = [place for free in self.free for place in free.places]
        self._copied = _containers([*places, *self._derived_places()])
        faults = list(self._wrong_derivations(derive)) or list(self._wrong_values(free))
        if faults:
            raise SpecError(faults)

    @property
    def places(self) -> list[Path]:
        """Every place that is free or derived."""
        places = [place for free in self.free for place in free.places]
        derived = [place for place in self._derived_places() if place[:1] not in places]
        return [*places, *derived]

    def tree_at(self, index: int) -> dict[str, Any]:
        """The arguments of :class:`~resforge.ResNetSpec` at ``index``."""
        return self._tree([free.at(i) for free, i in self._parts(index)])

    def _parts(self, index: int) -> Iterator[tuple[Choices, int]]:
        return zip(self.choices.parts, self.choices.split(index), strict=True)

    def _tree(self, values: list[list[Any]]) -> dict[str, Any]:
        tree = self._filled(values)
        for path, source, derived in self._derive:
            derived.put(tree, path, source)
        return tree

    def _filled(self, values: list[list[Any]]) -> dict[str, Any]:
        tree = dict(self._base)
        for path in self._copied:
            holder = _holder(tree, path)
            holder[path[-1]] = holder[path[-1]].copy()
        for free, found in zip(self.free, values, strict=True):
            for place, value in zip(free.places, found, strict=True):
                # What is derived may stand inside of it.
                value = _fresh(value) if self._derive else value
                _holder(tree, place)[place[-1]] = value
        return tree

    def _derived_places(self) -> Iterator[Path]:
        """The places that are derived, as far as the base has them."""
        for path, _, _ in self._derive:
            with suppress(SpecError):
                for place in expand_stars(self._base, path):
                    get_path(self._base, place)
                    yield _plain(self._base, place)

    def _read(self, text: str, value: Any) -> Free:
        try:
            path = parse_path(text)
            places = tuple(_plain(self._base, p) for p in expand_stars(self._base, path))
            for place in places:
                get_path(self._base, place)
        except SpecError as error:
            fault = error.faults[0]
            raise SpecError(Fault("path", fault.message, f"free.{text}", fault.help)) from None
        if path[-1] in ("kind", "name", "resforge"):
            parent = path_text(path[:-1])
            message, help_ = f"{path[-1]} is no part of the network", "leave it out"
            if path[-1] == "kind":
                message = "a kind decides what other fields there are"
                help_ = f"write {parent}: [ ... ], with a kind or a mapping for each"
            raise SpecError(Fault("path", message, f"free.{text}", help_))
        return Free(text, places, read_free(value, (text,), len(places)))

    def _wrong_derivations(self, derive: Mapping[str, Derived]) -> Iterator[Fault]:
        tree: Any = _fresh(self._filled([free.choices.at(0) for free in self.free]))
        for (path, source, derived), text in zip(self._derive, derive, strict=True):
            try:
                places = tuple(_plain(tree, place) for place in expand_stars(tree, path))
                clash = _overlaps(
                    [*((f.path, f.places) for f in self.free), (f"derive.{text}", places)]
                )
                if clash:
                    raise SpecError(clash)
                derived.put(tree, path, source)
            except SpecError as error:
                fault = error.faults[0]
                yield Fault(fault.code, fault.message, f"derive.{text}", fault.help)

    def _wrong_values(self, written: Mapping[str, Any]) -> Iterator[Fault]:
        """Values that no network can have, whatever else is chosen."""
        first = [free.choices.at(0) for free in self.free]
        told = set()
        for number, free in enumerate(self.free):
            for index in islice(_corners(free.choices), _MAX_PROBES // len(self.free)):
                values = [*first[:number], free.choices.at(index), *first[number + 1 :]]
                for fault in _always_wrong(self._tree(values)):
                    option = _option(free.choices, index, written[free.path])
                    key = (free.path, option, fault.message)
                    # What is wrong at another place is that place's to tell.
                    if key in told or not _concerns(fault, free, bool(self._derive)):
                        continue
                    told.add(key)
                    yield Fault(
                        fault.code,
                        fault.message,
                        path_text(("free", free.path, *option)),
                        fault.help,
                    )


def _always_wrong(tree: dict[str, Any]) -> tuple[Fault, ...]:
    # What breaks a rule between fields may be legal beside other choices.
    try:
        ResNetSpec.unchecked(tree)
    except SpecError as error:
        return error.faults
    return ()


def _parsed(derive: Mapping[str, Derived]) -> Iterator[tuple[Path, Path, Derived]]:
    for text, derived in derive.items():
        try:
            yield parse_path(text), parse_path(derived.of), derived
        except SpecError as error:
            fault = error.faults[0]
            raise SpecError(Fault("path", fault.message, f"derive.{text}", fault.help)) from None


def _concerns(fault: Fault, free: Free, derived: bool) -> bool:
    inside = parse_path(fault.path) if fault.path else ()
    return derived or any(inside[: len(place)] == place for place in free.places)


def _corners(choices: Choices) -> Iterator[int]:
    """Indexes that between them show each option and each end of a range."""
    if isinstance(choices, OneOf):
        start = 0
        for option in choices.options:
            yield from (start + corner for corner in _corners(option))
            start += option.size
    elif isinstance(choices, Every):
        zeros = [0] * len(choices.parts)
        for number, part in enumerate(choices.parts):
            for corner in _corners(part):
                yield choices.join([*zeros[:number], corner, *zeros[number + 1 :]])
    else:
        yield from dict.fromkeys((0, choices.size - 1))


def _option(choices: Choices, index: int, written: Any) -> tuple[str | int, ...]:
    """Where in a declaration the option stands that an index belongs to."""
    part: Any = choices
    while isinstance(part, Every):
        digits = part.split(index)
        # The corner moved one part; the others stand at 0.
        number = next((n for n, digit in enumerate(digits) if digit), 0)
        part, index = part.parts[number], digits[number]
    part = getattr(part, "value", part)
    if not isinstance(part, OneOf):
        return ()
    number, _ = part.locate(index)
    return (number,) if isinstance(written, list) else ("choice", number)


def _overlaps(paths: list[tuple[str, tuple[Path, ...]]]) -> list[Fault]:
    """Paths that stand for one place, or for a place inside another's."""
    faults = []
    owners: dict[Path, str] = {}
    for text, places in sorted(paths, key=lambda entry: min(map(len, entry[1]), default=0)):
        for place in places:
            held = (place[:end] for end in range(1, len(place) + 1))
            owner = next((owners[outer] for outer in held if outer in owners), None)
            if owner is None:
                owners[place] = text
                continue
            inside = place not in owners
            outer = owner.removeprefix("free.")
            message = f"{path_text(place)} is set by {outer} already"
            help_ = "leave one of the two out"
            if inside:
                help_ = f"write {place[-1]} into the options of {outer}: {{choice: [ ... ]}}"
            faults.append(Fault("path", message, text, help_))
            break
    return faults


def _plain(tree: Any, path: Path) -> Path:
    """``path`` with its indexes counted from the front."""
    plain: list[str | int] = []
    for part in path:
        if isinstance(part, int) and part < 0:
            part += len(get_path(tree, tuple(plain)))
        plain.append(part)
    return tuple(plain)


def _containers(places: Sequence[Path]) -> list[Path]:
    """Every mapping and list that holds one of the places, outer ones first."""
    found = {place[:end] for place in places for end in range(1, len(place))}
    return sorted(found, key=len)


def _holder(tree: Any, path: Path) -> Any:
    for part in path[:-1]:
        tree = tree[part]
    return tree


def _fresh(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _fresh(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_fresh(item) for item in value]
    return value
