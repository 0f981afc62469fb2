"""Specs of many trees that differ in a few parts, each part validated once."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from typing import Any, Final

from ..errors import SpecError
from ..specs.base import MAX_STAGES
from ..specs.network import ResNetSpec
from ..specs.paths import Path
from ..specs.stage import StageSpec
from .parts import Marks, Part

#: Validated values that are kept.
_MOST: Final = 65_536
#: And those of one part.
MOST_OF_ONE: Final = 4096
#: What a network needs besides the field that is looked at.
_FRAME: Final = {"resforge": 1, "stages": [{"depth": 1, "width": 8}]}


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

    def known(self, marks: Marks) -> ResNetSpec | None:
        """The spec of the network with some marks; None where a value of it was not met yet."""
        if self._validator is not ResNetSpec.__pydantic_validator__:
            self._start_again()
        try:
            values = {part.name: part.known[part.key(marks)] for part in self._fields}
            if self._in_stages:
                values["stages"] = tuple([self._stage_of(*each, marks) for each in self._in_stages])
        except KeyError:
            return None
        return self._network.with_values(values)

    def spec(self, marks: Marks, tree: dict[str, Any]) -> ResNetSpec:
        """The spec of ``tree``, which has these marks. Raises :class:`SpecError` with every fault
        of its values."""
        if self._validator is not ResNetSpec.__pydantic_validator__:
            self._start_again()
        try:
            for part in self._parts:
                if (key := part.key(marks)) not in part.known:
                    value = self._value(part.place, tree)
                    if len(part.known) >= self._most:
                        part.known.clear()
                    part.known[key] = value
        except (ValueError, SpecError, _UnknownError):
            # What is not plain; or what is wrong: the faults of the whole tree, with their paths.
            return ResNetSpec.unchecked(tree)
        found = self.known(marks)
        assert found is not None  # each part learned one value
        return found

    # Validators cannot be pickled or copied deeply.
    def __getstate__(self) -> dict[str, Any]:
        kept = {name: self.__dict__[name] for name in ("_base", "_parts", "_most")}
        return {**kept, "_known": {}, "_validator": None}

    def _start_again(self) -> None:
        """Forget what was validated before a kind was registered."""
        self._network = ResNetSpec.unchecked(self._base)
        self._stages = [*zip(self._base["stages"], self._network.stages, strict=True)]
        self._new_stage = StageSpec()
        self._known.clear()
        for part in self._parts:
            part.known.clear()
        self._fields = [part for part in self._parts if len(part.place) == 1]
        #: Each stage with the part that it is, or those within it.
        self._in_stages: list[tuple[StageSpec, Part | None, list[Part]]] = []
        inner = [part for part in self._parts if len(part.place) > 1]
        for index, stage in enumerate(self._network.stages if inner else ()):
            own = [part for part in inner if part.place[1] == index]
            whole = next((part for part in own if len(part.place) == 2), None)
            self._in_stages.append((stage, whole, own))
        self._validator = ResNetSpec.__pydantic_validator__

    def _stage_of(
        self, stage: StageSpec, whole: Part | None, own: list[Part], marks: Marks
    ) -> StageSpec:
        """The stage with some marks. Raises ``KeyError`` where a value of it was not met yet."""
        if whole is not None:
            found: StageSpec = whole.known[whole.key(marks)]
            return found
        return stage.with_values({part.name: part.known[part.key(marks)] for part in own})

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
        changes = {
            name: self._validated(StageSpec, name, value)
            for name, value in tree.items()
            if name not in old or value is not old[name]
        }
        return stage.with_values(changes)

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


class _UnknownError(Exception):
    """A tree of another form."""
