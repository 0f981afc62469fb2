"""Loads specs from names, files and text, and compares them. Never imports torch."""

from .diff import Change, diff
from .load import load, loads

__all__ = ["Change", "diff", "load", "loads"]
