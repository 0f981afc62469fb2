"""Specs of many trees that differ in a few parts, each part validated once."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Sequence
from operator import is_, itemgetter
from typing import Any, Final, cast

from ..errors import SpecError
from ..specs.base import MAX_STAGES
from ..specs.network import ResNetSpec
from ..specs.paths import Path
from ..specs.stage import SIZES, StageSpec
from .parts import Marks, Part

#: Validated values that are kept.
_MOST: Final = 65_536
#: And those of one part.
MOST_OF_ONE: Final = 4096
#: And of all stages where they are one part, which are rarely met twice.
_MOST_WHOLE: Final = 64
#: What a network needs besides the field that is looked at.
_FRAME: Final = {"resforge": 1, "stages": [{"depth": 1, "width": 8}]}

_NEVER: Final = (None, list[str](), list[Any](), None)


class Assembly:
    """The specs of many trees, each equal to ``ResNetSpec.unchecked(tree)``.

    The trees are ``base`` with other values at some ``parts``. A value is validated where it is met
    first, by itself: neither a network nor a stage has a rule between its fields but those of
    :mod:`resforge.specs.rules`, which are looked at later. From then on it is known by its marks,
    and no tree is made for it.
    """

    def __init__(self, base: dict[str, Any], parts: Sequence[Part]) -> None:
        self._base, self._parts = base, parts
        self._most = min(MOST_OF_ONE, _MOST // max(1, len(parts)))
        self._known: dict[Any, Any] = {}
        self._validator: object = None
        #: The stage that was changed last, the names and values of its changes, and what it became.
        self._latest: tuple[Any, list[str], list[Any], Any] = _NEVER

    def known(self, marks: Marks) -> ResNetSpec | None:
        """The spec of the network with some marks; None where a value of it was not met yet."""
        if self._validator is not ResNetSpec.__pydantic_validator__:
            self._start_again()
        try:
            network: ResNetSpec = self._variants.of(marks)
            if self._whole is not None:
                return network.with_stages(self._whole.known[self._whole.key(marks)])
            if self._in_stages:
                return network.with_stages(tuple([each.of(marks) for each in self._in_stages]))
            return network
        except KeyError:
            return None

    def spec(self, marks: Marks, tree: dict[str, Any]) -> ResNetSpec:
        """The spec of ``tree``, which has these marks. Raises :class:`SpecError` with every fault
        of its values."""
        if self._validator is not ResNetSpec.__pydantic_validator__:
            self._start_again()
        try:
            for part in self._parts:
                if (key := part.key(marks)) not in part.known:
                    value = self._value(part.place, tree)
                    if len(part.known) >= (_MOST_WHOLE if part is self._whole else self._most):
                        part.known.clear()
                    part.known[key] = value
        except (ValueError, SpecError, _UnknownError):
            # What is not plain; or what is wrong: the faults of the whole tree, with their paths.
            return ResNetSpec.unchecked(tree)
        # Each part learned one value, but another thread may have it forgotten again.
        return self.known(marks) or ResNetSpec.unchecked(tree)

    # Validators cannot be pickled or copied deeply.
    def __getstate__(self) -> dict[str, Any]:
        kept = {name: self.__dict__[name] for name in ("_base", "_parts", "_most")}
        return {**kept, "_known": {}, "_validator": None, "_latest": _NEVER}

    def _start_again(self) -> None:
        """Forget what was validated before a kind was registered."""
        self._network = ResNetSpec.unchecked(self._base)
        self._stages = [*zip(self._base["stages"], self._network.stages, strict=True)]
        self._new_stage = StageSpec()
        self._known.clear()
        self._latest = _NEVER
        for part in self._parts:
            part.known.clear()
        fields = [part for part in self._parts if len(part.place) == 1]
        #: All stages, where they are one part.
        self._whole = next((part for part in fields if part.name == "stages"), None)
        fields = [part for part in fields if part is not self._whole]
        self._variants = _Variants(self._network, fields, self._most)
        inner = [part for part in self._parts if len(part.place) > 1]
        # Made before it is assigned: another thread may look for it, or make the same.
        self._in_stages = [
            _Variants(stage, [part for part in inner if part.place[1] == index], self._most)
            for index, stage in enumerate(self._network.stages if inner else ())
        ]
        self._validator = ResNetSpec.__pydantic_validator__

    def _value(self, place: Path, tree: dict[str, Any]) -> Any:
        """The validated value of a part."""
        name, *inside = place
        if not inside:
            return self._part(str(name), tree[str(name)])
        index, *field = inside
        stage = tree["stages"][index]
        if not field:
            return self._stage(int(index), stage)
        return self._validated(StageSpec, str(field[0]), stage[field[0]])

    def _part(self, name: str, value: Any) -> Any:
        if name != "stages":
            return self._validated(ResNetSpec, name, value)
        if type(value) is not list or not 1 <= len(value) <= MAX_STAGES:
            raise _UnknownError
        return tuple([self._stage(index, stage) for index, stage in enumerate(value)])

    def _stage(self, index: int, tree: Any) -> StageSpec:
        """The stage of ``tree``, which is that of the base with other values, or a new one."""
        if type(tree) is not dict:
            raise _UnknownError
        old: dict[str, Any] = {}
        stage = self._new_stage
        if index < len(self._stages) and tree.keys() == self._stages[index][0].keys():
            old, stage = self._stages[index]
        sizes, others = dict[str, Any](), dict[str, Any]()
        for name, value in tree.items():
            if name in SIZES:
                sizes[name] = self._validated(StageSpec, name, value)
            elif name not in old or value is not old[name]:
                others[name] = value
        return self._with(stage, others).with_size(sizes) if others else stage.with_size(sizes)

    def _with(self, stage: StageSpec, changes: dict[str, Any]) -> StageSpec:
        """``stage`` with other values than depth and width."""
        base, names, values, found = self._latest
        # Those of neighbours are mostly the same objects; equal ones may be 1 and true.
        if stage is base and names == [*changes] and all(map(is_, values, changes.values())):
            return cast(StageSpec, found)
        valid = {name: self._validated(StageSpec, name, changes[name]) for name in changes}
        changed = stage.with_values(valid)
        self._latest = stage, [*changes], [*changes.values()], changed
        return changed

    def _validated(self, model: type[ResNetSpec | StageSpec], name: str, value: Any) -> Any:
        """The validated value of one field."""
        kind = type(value)
        # 1, 1.0 and true are equal in Python; their marshalled forms are not.
        key = model, name, value if kind is int or kind is str else marshal.dumps(value, 2)
        try:
            return self._known[key]
        except KeyError:
            pass
        if name not in model.model_fields:
            raise _UnknownError
        if model is ResNetSpec:
            whole: Any = ResNetSpec.unchecked({**_FRAME, name: value})
        else:
            whole = StageSpec.model_validate({name: value})
        if len(self._known) >= _MOST:
            self._known.clear()
        found = self._known[key] = getattr(whole, name)
        return found


class _Variants:
    """A network but for its stages, or a stage, with other values at some parts."""

    def __init__(self, base: Any, parts: Sequence[Part], most: int) -> None:
        self._base, self._most = base, most
        #: The part that it is.
        self._whole = next((part for part in parts if len(part.place) == 2), None)
        self._sizes = [part for part in parts if part.name in SIZES]
        self._others = [part for part in parts if part not in self._sizes]
        #: With other values than depth and width, and with these, too.
        self._variants: dict[Any, Any] = {}
        self._known: dict[Any, Any] | None = {}
        self._key, self._all = _key_of(self._others), _key_of(parts)

    def of(self, marks: Marks) -> Any:
        """That with some marks. Raises ``KeyError`` where a value of it was not met yet."""
        known = self._known
        if known is None:
            return self._made(marks)
        key = self._all(marks)
        found = known.get(key)
        if found is None:
            found = known[key] = self._made(marks)
            if len(known) > self._most:
                # Too many to meet one again soon: to keep them takes more time than it saves.
                self._known = None
        return found

    def _made(self, marks: Marks) -> Any:
        if self._whole is not None:
            return self._whole.known[self._whole.key(marks)]
        found = self._base
        if self._others:
            key = self._key(marks)
            found = self._variants.get(key)
            if found is None:
                found = self._base.with_values(_values(self._others, marks))
                if len(self._variants) >= self._most:
                    self._variants.clear()
                self._variants[key] = found
        return found.with_size(_values(self._sizes, marks)) if self._sizes else found


def _key_of(parts: Sequence[Part]) -> Callable[[Marks], Any]:
    """The marks that some parts depend on."""
    marks = sorted({mark for part in parts for mark in part.marks})
    return itemgetter(*marks) if marks else lambda _: ()


def _values(parts: Sequence[Part], marks: Marks) -> dict[str, Any]:
    return {part.name: part.known[part.key(marks)] for part in parts}


class _UnknownError(Exception):
    """A tree of another form."""
