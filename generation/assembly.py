"""Specs of many trees that differ in a few parts, each part validated once."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Sequence
from operator import is_, itemgetter
from typing import Any, Final, Generic, TypeVar, cast

from ..errors import SpecError
from ..specs.base import MAX_STAGES
from ..specs.network import ResNetSpec
from ..specs.outline import Outline, StageOutline
from ..specs.paths import Path
from ..specs.stage import SIZES, StageSpec
from .parts import Marks, Part

T = TypeVar("T")
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
    """The networks of many trees, each with the spec ``ResNetSpec.unchecked(tree)``.

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

    def known(self, marks: Marks) -> Outline | None:
        """The network with some marks; None where a value of it was not met yet."""
        if self._validator is not ResNetSpec.__pydantic_validator__:
            self._start_again()
        try:
            network: ResNetSpec = self._variants.of(marks)
            if self._whole is not None:
                return Outline(network, self._whole.known[self._whole.key(marks)])
            if self._in_stages:
                return Outline(network, [each.of(marks) for each in self._in_stages])
            return Outline(network, self._own_stages)
        except KeyError:
            return None

    def learned(self, marks: Marks, tree: dict[str, Any]) -> Outline:
        """The network of ``tree``, which has these marks. Raises :class:`SpecError` with every
        fault of its values."""
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
            return Outline.of(ResNetSpec.unchecked(tree))
        # Each part learned one value, but another thread may have it forgotten again.
        return self.known(marks) or Outline.of(ResNetSpec.unchecked(tree))

    # Validators cannot be pickled or copied deeply.
    def __getstate__(self) -> dict[str, Any]:
        kept = {name: self.__dict__[name] for name in ("_base", "_parts", "_most")}
        return {**kept, "_known": {}, "_validator": None, "_latest": _NEVER}

    def _start_again(self) -> None:
        """Forget what was validated before a kind was registered."""
        self._network = ResNetSpec.unchecked(self._base)
        self._own_stages = [*map(StageOutline.of, self._network.stages)]
        self._stages = [*zip(self._base["stages"], self._own_stages, strict=True)]
        self._new_stage = StageOutline.of(StageSpec())
        self._known.clear()
        self._latest = _NEVER
        for part in self._parts:
            part.known.clear()
        fields = [part for part in self._parts if len(part.place) == 1]
        #: All stages, where they are one part.
        self._whole = next((part for part in fields if part.name == "stages"), None)
        fields = [part for part in fields if part is not self._whole]
        self._variants = _Variants(self._network, fields, self._most, _itself)
        inner = [part for part in self._parts if len(part.place) > 1]
        # Made before it is assigned: another thread may look for it, or make the same.
        self._in_stages = [
            _StageVariants(stage, [part for part in inner if part.place[1] == index], self._most)
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

    def _stage(self, index: int, tree: Any) -> StageOutline:
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
                # What is written as null is given, as all else that is written.
                if value is None and name not in old:
                    others[name] = value
            elif name not in old or value is not old[name]:
                others[name] = value
        found = self._with(stage, others) if others else stage
        return found.sized(sizes.get("depth", found.depth), sizes.get("width", found.width))

    def _with(self, stage: StageOutline, changes: dict[str, Any]) -> StageOutline:
        """``stage`` with other values than depth and width."""
        base, names, values, found = self._latest
        # Those of neighbours are mostly the same objects; equal ones may be 1 and true.
        if stage is base and names == [*changes] and all(map(is_, values, changes.values())):
            return cast(StageOutline, found)
        valid = {name: self._validated(StageSpec, name, changes[name]) for name in changes}
        changed = StageOutline.of(stage.base.with_values(valid))
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


class _Variants(Generic[T]):
    """A network but for its stages, or a stage but for its depth and width, with other values at
    some parts; of each what ``shape`` makes of its spec."""

    def __init__(
        self, base: Any, parts: Sequence[Part], most: int, shape: Callable[[Any], T]
    ) -> None:
        self._base, self._parts, self._most, self._shape = base, parts, most, shape
        self._usual = shape(base)
        marks = sorted({mark for part in parts for mark in part.marks})
        self._key: Callable[[Marks], Any] = itemgetter(*marks) if marks else lambda _: ()
        self._known: dict[Any, T] = {}

    def of(self, marks: Marks) -> T:
        """That with some marks. Raises ``KeyError`` where a value of it was not met yet."""
        if not self._parts:
            return self._usual
        key = self._key(marks)
        found = self._known.get(key)
        if found is None:
            values = {part.name: part.known[part.key(marks)] for part in self._parts}
            found = self._shape(self._base.with_values(values))
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key] = found
        return found


class _StageVariants:
    """A stage with other values at some parts."""

    def __init__(self, base: StageSpec, parts: Sequence[Part], most: int) -> None:
        named = {part.name: part for part in parts}
        self._depth, self._width = named.get("depth"), named.get("width")
        #: The part that it is as a whole.
        self._whole = next((part for part in parts if len(part.place) == 2), None)
        others = [part for part in parts if part.name not in SIZES]
        self._variants = _Variants(base, others, most, StageOutline.of)

    def of(self, marks: Marks) -> StageOutline:
        """That with some marks. Raises ``KeyError`` where a value of it was not met yet."""
        if self._whole is not None:
            found: StageOutline = self._whole.known[self._whole.key(marks)]
            return found
        stage, depth, width = self._variants.of(marks), self._depth, self._width
        return stage.sized(
            stage.depth if depth is None else depth.known[depth.key(marks)],
            stage.width if width is None else width.known[width.key(marks)],
        )


def _itself(spec: ResNetSpec) -> ResNetSpec:
    return spec


class _UnknownError(Exception):
    """A tree of another form."""
