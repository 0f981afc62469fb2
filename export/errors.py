"""The error of exports."""

from __future__ import annotations

from ..errors import ResforgeError


class ExportError(ResforgeError):
    """A network cannot be exported as asked, or the exported program gives other outputs."""
