"""A network as one readable PyTorch file, written from its plan.

Names, sizes and biases are read from the plan's layers; what stands here is how a person writes
them down. What is the same in all blocks becomes a number in the text, what differs an argument.
"""

from __future__ import annotations

from .network import to_code

__all__ = ["to_code"]
