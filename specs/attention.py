"""Attention: operations that weigh a map by what the whole of it holds."""

from __future__ import annotations

from typing import Annotated, ClassVar

from .operation import OPERATIONS, After, Operation
from .registry import UnionOf


class AttentionSpec(Operation):
    """Base of the operations that a block's ``attention`` can name.

    They take a map and put out one of the same shape; their layers are written on a fork of the
    trace, beside the main path.
    """

    after: ClassVar[After] = "fresh"


def attention_kinds() -> dict[str, type[AttentionSpec]]:
    """The operations that are attention, by name."""
    return {kind: model for kind, model in OPERATIONS.items() if issubclass(model, AttentionSpec)}


AnyAttention = Annotated[AttentionSpec, UnionOf(attention_kinds)]

__all__ = ["AnyAttention", "AttentionSpec", "attention_kinds"]
