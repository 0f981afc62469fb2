"""Packages whose own files are not run, so that one module of them can be imported alone."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType


def bare(outer: str, *inner: str) -> None:
    """Let ``outer`` and packages within it (dotted, without ``outer``) stand empty in place."""
    if outer in sys.modules:
        return
    found = find_spec(outer)
    if found is None or not found.submodule_search_locations:
        raise ImportError(f"no {outer} on PYTHONPATH")
    root = found.submodule_search_locations[0]
    for name in ("", *inner):
        package = ModuleType(f"{outer}.{name}" if name else outer)
        package.__path__ = [f"{root}/{name.replace('.', '/')}"]
        sys.modules[package.__name__] = package
