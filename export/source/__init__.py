"""A network as one readable PyTorch file, written from its plan.

The calls by which the plan makes its modules are printed: those of several blocks at once, of
which what is the same becomes a number in the text, and what differs an argument. The modules
that PyTorch does not have are written from their own source.
"""

from __future__ import annotations

from .network import to_code

__all__ = ["to_code"]
