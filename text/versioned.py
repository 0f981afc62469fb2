"""The version of the objects that commands print as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEY = "resforge_json"
VERSION = 1
"""Raised where a key is removed, renamed, or changes its meaning; not where one is added."""


def versioned(tree: Mapping[str, Any]) -> dict[str, Any]:
    """``tree``, with the version of its keys as the first.

    >>> versioned({"size": 12})
    {'resforge_json': 1, 'size': 12}
    """
    return {KEY: VERSION, **tree}
