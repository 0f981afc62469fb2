"""Derived fields: values computed from other fields, such as twice a width."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ..errors import Fault, SpecError
from ..specs.base import Spec
from ..specs.explain import shown
from ..specs.paths import Path, expand_stars, get_path, set_path

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
    plus: _Factor = 0
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

    def put(self, tree: Any, path: Path, source: Path) -> None:
        """Write the value computed from ``source``, the parsed path :attr:`of`, at ``path``.

        A path with ``[*]`` is written at each of its places.
        """
        for place in expand_stars(tree, path):
            stars = iter(place[index] for index, part in enumerate(path) if part == "*")
            found = tuple(next(stars, part) if part == "*" else part for part in source)
            set_path(tree, place, self.value(get_path(tree, found)))


Derivation = Annotated[Derived, BeforeValidator(_short, json_schema_input_type=str | Derived)]
"""A bare path is short for ``{of: path}``."""
