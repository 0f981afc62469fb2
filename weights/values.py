"""Values that a field may have in a network of which something shows.

The type of a field says which they are: every choice, both of true and false, and of numbers those
that show: channels, sides, strides, groups, their ratios, how many parts there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ..specs.base import Spec
from ..specs.operations.act import CLASSES
from ..specs.seen import Seen

_MOST = 64
"""Numbers of one field that are tried."""


@dataclass(frozen=True)
class Numbers:
    """The numbers and words among what shows."""

    seen: Seen
    channels: tuple[int, ...]
    """Channels that are known beside those that show."""

    @cached_property
    def whole(self) -> list[int]:
        """Whole numbers: first what shows, then how many parts there are, then ratios."""
        shown = [side for tensors in self.seen.tensors.values() for side in _sides(tensors)]
        settings = [n for values in self.seen.settings.values() for n in _numbers(values)]
        counts = [n + more for n in self._counts() for more in (0, 1)]
        large = sorted({*shown, *self.channels} - {0, 1}, reverse=True)[:12]
        ratios = [a // b for a in large for b in large if a > b]
        found = dict.fromkeys([*shown, *settings, *counts, *self.channels, *ratios, 1, 2, 3])
        return [n for n in found if n >= 0][:_MOST]

    def _counts(self) -> Iterator[int]:
        """How many parts stand under one name, numbered from 0."""
        found: dict[str, set[str]] = {}
        for name in self.seen.tensors:
            parts = name.split(".")
            for at, part in enumerate(parts):
                if part.isdigit():
                    found.setdefault(".".join(parts[:at]), set()).add(part)
        return (len(parts) for parts in found.values())

    @cached_property
    def real(self) -> list[float]:
        """Numbers with a fraction: rates, factors, and values that all of a tensor has."""
        settings = [
            value
            for values in self.seen.settings.values()
            for value in values.values()
            if isinstance(value, float)
        ]
        return [*dict.fromkeys([*settings, *self.seen.constants.values(), 0.0, 1.0])][:_MOST]

    @cached_property
    def rows(self) -> list[tuple[int, ...]]:
        """Sides of the windows that show, as they are and with their taps apart."""
        convs = [conv for conv in self.seen.convs if isinstance(conv.kernel, int)]
        near = [conv.dilation if isinstance(conv.dilation, int) else 1 for conv in convs]
        kernels = [conv.kernel for conv in convs if isinstance(conv.kernel, int)]
        wide = [(kernel - 1) * by + 1 for kernel, by in zip(kernels, near, strict=True)]
        return [tuple(row[:n]) for row in (kernels, wide) for n in range(2, len(row) + 1)]

    @cached_property
    def words(self) -> list[str]:
        """Activations that show."""
        names = {name.removeprefix("nn."): kind for kind, name in CLASSES.items()}
        shown = [values.get("class") for values in self.seen.settings.values()]
        return [*dict.fromkeys(names[each] for each in shown if each in names)]


def _sides(tensors: Mapping[str, tuple[int, ...]]) -> Iterator[int]:
    for shape in tensors.values():
        yield from shape


def _numbers(values: Mapping[str, Any]) -> Iterator[int]:
    for value in values.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, int) and not isinstance(each, bool):
                yield each


def values_of(annotation: Any, numbers: Numbers) -> Iterable[Any]:
    """The values that a field of this type may have."""
    if isinstance(annotation, type):
        if issubclass(annotation, Spec):
            field = annotation.model_fields.get("kind")
            return [] if field is None or field.is_required() else [{"kind": field.default}]
        simple: dict[type, Iterable[Any]] = {
            NoneType: (None,),
            bool: (False, True),
            int: numbers.whole,
            float: numbers.real,
            str: numbers.words,
        }
        return simple.get(annotation, ())
    inner = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        return inner
    if origin is Annotated:
        return values_of(inner[0], numbers)
    if origin in (Union, UnionType):
        return [value for each in inner for value in values_of(each, numbers)]
    return numbers.rows if origin is tuple else ()
