"""A value in the words of a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def shown(value: Any) -> str:
    """A value as it would stand in a file, cut short where it is long.

    >>> shown(True), shown(None), shown("50"), shown([1, 2])
    ('true', 'null', "'50'", 'a list')
    """
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping | BaseModel):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if hasattr(value, "tolist"):
        return "an array" if type(value).__module__.startswith("numpy") else "a tensor"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
