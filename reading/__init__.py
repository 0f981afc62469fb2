"""From a name, a file or text to a spec, and what differs between two. Never imports torch."""

from .diff import Change, diff
from .load import load, loads

__all__ = ["Change", "diff", "load", "loads"]
