"""The catalogue by what a plan says of its networks."""

from __future__ import annotations

import re
from typing import TypeAlias

from ..errors import Fault, SpecError, wrong_type
from ..specs import catalogue
from ..specs.plain import is_number
from .known import known_of, networks

__all__ = ["list_specs", "networks", "params_of"]

Range: TypeAlias = str | tuple[float | None, float | None] | None
"""Least and greatest number, or ``10M..30M``; either end may be open."""
_NUMBER = r"(\d+(?:\.\d+)?)([kKMGB]?)"
_RANGE = re.compile(rf"(?:{_NUMBER})?\.\.(?:{_NUMBER})?", re.ASCII)
_UNITS = {"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}


def list_specs(
    pattern: str = "*",
    *,
    family: str | None = None,
    source: str | None = None,
    params: Range = None,
) -> list[str]:
    """Names in the catalogue that match a shell pattern, in natural order.

    ``family`` and ``source`` leave only the entries of one family, or of one project or paper.
    ``params`` leaves those of so many parameters: ``"10M..30M"``, ``"..5M"``, ``"1G.."``, or a pair
    of numbers, either of which may be None. Raises :class:`SpecError` where there is no such family
    or source, with the nearest name, and for what is no range.

    >>> list_specs("plain*")
    ['plain18', 'plain34']
    >>> list_specs(source="torchvision", family="resnet", params="20M..30M")
    ['resnet34', 'resnet50']
    """
    least, most = _bounds(params)
    names = catalogue.list_specs(pattern, family=family, source=source)
    if params is None:
        return names
    return [name for name in names if least <= params_of(name) <= most]


def params_of(name: str) -> int:
    """Parameters of a network of the catalogue."""
    return known_of(name).params


def _bounds(params: Range) -> tuple[float, float]:
    if params is None:
        return 0, float("inf")
    if not isinstance(params, str | tuple | list):
        raise wrong_type("list_specs", "params as a range", params, "write '10M..30M'")
    least, most = _written(params) if isinstance(params, str) else _pair(params)
    low, high = 0 if least is None else least, float("inf") if most is None else most
    if low > high:
        message = f"{low:,.0f} to {high:,.0f} parameters: the first is more than the second"
        raise SpecError(Fault("catalogue", message, help=f"write {high:.0f}..{low:.0f}"))
    return low, high


def _written(text: str) -> tuple[float | None, float | None]:
    match = _RANGE.fullmatch(text)
    if match is None or text == "..":
        raise _no_range(text)
    low, low_unit, high, high_unit = match.groups()
    return (
        None if low is None else float(low) * _UNITS[low_unit],
        None if high is None else float(high) * _UNITS[high_unit],
    )


def _pair(pair: tuple[float | None, ...]) -> tuple[float | None, float | None]:
    if len(pair) != 2 or not all(end is None or (is_number(end) and end >= 0) for end in pair):
        raise _no_range(pair)
    return pair[0], pair[1]


def _no_range(given: object) -> SpecError:
    message = f"{given!r:.80} is not a range of parameters"
    return SpecError(Fault("catalogue", message, help="write 10M..30M, ..30M or 10M.."))
