"""Values from Python as the plain values that text would give."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeGuard

from ..errors import Fault, SpecError, wrong_type
from ..text.assembler import MAX_DEPTH

_SCALARS = frozenset({bool, int, float, str, type(None)})
_TEXT = (str, bytes, bytearray, memoryview)


def plain(value: Any, depth: int = 0) -> Any:
    """``value`` as text would give it: a ``dict`` for any mapping, a ``list`` for any sequence, and
    Python's own numbers for those of NumPy.

    Containers are new ones, so a change to them does not reach ``value``. What no text can hold
    (specs, arrays, tensors, other objects) is returned as it is, and so are containers that are
    nested deeper than a text may nest them.

    >>> from types import MappingProxyType
    >>> plain(MappingProxyType({"depth": 2, "width": (64, 128)}))
    {'depth': 2, 'width': [64, 128]}
    """
    kind = type(value)
    if kind in _SCALARS or depth > MAX_DEPTH:
        return value
    # The first of each pair is much faster, and what nearly every tree holds.
    if kind is dict or isinstance(value, Mapping):
        return {
            key if type(key) is str else _key(key): (
                item if type(item) in _SCALARS else plain(item, depth + 1)
            )
            for key, item in value.items()
        }
    if kind is list or (isinstance(value, Sequence) and not isinstance(value, _TEXT)):
        return [plain(item, depth + 1) for item in value]
    return _scalar(value)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether ``value`` is a whole number, Python's or NumPy's. ``True`` and ``3.0`` are not.

    >>> is_whole(3), is_whole(True), is_whole(3.0)
    (True, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a real number, Python's or NumPy's. ``True`` is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def as_seed(call: str, seed: object) -> int:
    """``seed`` as a Python integer. Raises :class:`~resforge.SpecError` for anything but a whole
    number; ``call`` is the name of the function that takes it."""
    if not is_whole(seed):
        raise wrong_type(call, "a whole number as seed", seed)
    return int(seed)


def as_count(name: str, value: object, least: int = 1) -> int:
    """``value`` as a Python integer. Raises :class:`~resforge.SpecError` for anything but a whole
    number of at least ``least``; ``name`` is that of the argument."""
    if not is_whole(value) or value < least:
        message = f"{name} is a whole number of at least {least}, not {value!r}"
        raise SpecError(Fault("range", message, name, f"use {name}={max(least, 10)}"))
    return int(value)


def _key(key: Any) -> Any:
    return str.__str__(key) if isinstance(key, str) else key


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    # NumPy's booleans belong to no abstract class. Nobody holds one who has not imported NumPy.
    numpy = sys.modules.get("numpy")
    return bool(value) if numpy is not None and isinstance(value, numpy.bool_) else value
