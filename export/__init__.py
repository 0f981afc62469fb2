"""A network for those who do not have resforge."""

from __future__ import annotations

from .source import to_code

__all__ = ["to_code"]
