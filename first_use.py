"""Packages whose names are loaded on first use, so that what is not needed is not imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(
    package: str, home: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package, whose names are each in the module within it
    that ``home`` says.

    >>> from resforge import generation
    >>> load, names = on_first_use("resforge.generation", {"Space": "space"})
    >>> load("Space") is generation.Space, "Space" in names()
    (True, True)
    """
    namespace = vars(sys.modules[package])

    def load(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f".{home[name]}", package), name)
        namespace[name] = value
        return value

    def names() -> list[str]:
        return sorted({*home, *(name for name in namespace if name.startswith("__"))})

    return load, names
