"""Registered kinds, as the workers of a sweep get them: each worker registers them again."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable
from typing import Any

from ...errors import ResforgeError
from ...specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS

Kind = tuple[type, type | None]
"""A spec class, and the module class that it was registered with."""


def registered_kinds() -> tuple[Kind, ...]:
    """The kinds that :func:`resforge.register` made known in this process."""
    families: tuple[Any, ...] = (OPERATIONS, STEMS, SHORTCUTS, BLOCKS, HEADS)
    return tuple(kind for family in families for kind in family.registered)


def pack(kinds: Iterable[Kind]) -> bytes:
    """``kinds`` for another process, which imports their classes by name.

    Raises :class:`~resforge.ResforgeError` for a class that cannot be imported.
    """
    kinds = tuple(kinds)
    for kind in kinds:
        for cls in filter(None, kind):
            if "<locals>" in cls.__qualname__ or not _is_importable(cls.__module__):
                raise ResforgeError(
                    f"worker processes cannot import {cls.__qualname__}: define it at the top level"
                    " of a file, or use the engine inline, which trains in this process"
                )
    return pickle.dumps(kinds)


def register_again(kinds: Iterable[Kind]) -> None:
    """Register ``kinds`` in this process."""
    for spec, module in kinds:
        # A process without registered kinds need not import torch here.
        from ...builder import register

        register(spec, module)


def unpack(packed: bytes) -> tuple[Kind, ...]:
    """The inverse of :func:`pack`."""
    kinds: tuple[Kind, ...] = pickle.loads(packed)
    return kinds


def _is_importable(module: str) -> bool:
    """Whether a process started by this one can import ``module``."""
    found = sys.modules.get(module)
    is_script = module == "__main__" and hasattr(found, "__file__")
    return is_script or getattr(found, "__spec__", None) is not None
