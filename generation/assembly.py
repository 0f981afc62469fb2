"""Specs of many trees that differ in a few parts, each part validated once."""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from typing import Any, Final

from ..errors import SpecError
from ..specs.base import MAX_STAGES
from ..specs.network import ResNetSpec
from ..specs.stage import StageSpec

#: Validated values that are kept.
_MOST = 65_536
#: What a network needs besides the field that is looked at.
_FRAME: Final = {"resforge": 1, "stages": [{"depth": 1, "width": 8}]}


class Assembly:
    """The spec of each of many trees, equal to ``ResNetSpec.unchecked(tree)``.

    The trees are ``base`` with other values at some ``names``. A value is validated where it is met
    first, by itself: neither a network nor a stage has a rule between its fields but those of
    :mod:`resforge.specs.rules`, which are looked at later.
    """

    def __init__(self, base: dict[str, Any], names: Iterable[str]) -> None:
        self._base, self._names = base, tuple(names)
        self._known: dict[Any, Any] = {}
        self._validator: object = None

    def spec(self, tree: dict[str, Any]) -> ResNetSpec:
        """The spec of ``tree``. Raises :class:`SpecError` with every fault of its values."""
        if self._validator is not ResNetSpec.__pydantic_validator__:
            self._start_again()
        try:
            changes = {name: self._part(name, tree[name]) for name in self._names}
        except (ValueError, SpecError, _UnknownError):
            # What is not plain; or what is wrong: the faults of the whole tree, with their paths.
            return ResNetSpec.unchecked(tree)
        return self._network.model_copy(update=changes)

    # Validators cannot be pickled or copied deeply.
    def __getstate__(self) -> dict[str, Any]:
        return {"_base": self._base, "_names": self._names, "_known": {}, "_validator": None}

    def _start_again(self) -> None:
        """Forget what was validated before a kind was registered."""
        self._network = ResNetSpec.unchecked(self._base)
        self._stages = [
            (tree, stage)
            for tree, stage in zip(self._base["stages"], self._network.stages, strict=True)
        ]
        self._new_stage = StageSpec()
        self._known.clear()
        self._validator = ResNetSpec.__pydantic_validator__

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
        return stage.model_copy(update=changes)

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
