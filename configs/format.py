"""A format: how its files are known, how they are read, and how one is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..specs.network import ResNetSpec
from .keys import Record
from .node import Node

Tree: TypeAlias = dict[str, Any]
"""A spec as a file has it."""


@dataclass(frozen=True)
class Format:
    """Files of one project."""

    name: str
    """As ``--format`` takes it."""
    project: str
    """As messages call it."""
    holds: Callable[[Node], bool]
    """Whether a file is of this format, by the keys that only its files have."""
    read: Callable[[Record], Tree]
    """The spec that a file means. What it cannot say is added to the record's faults."""
    bases: str = ""
    """The key that names files whose settings come before a file's own."""
    delete: str = ""
    """The key of a mapping that replaces that of the base."""
    write: Callable[[ResNetSpec], Mapping[str, Any]] | None = None
    """The settings that come nearest to a spec; what they mean is compared with it."""
