"""Attention: operations that weigh a map by what the whole of it holds."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from .base import expand_kind
from .operation import OPERATIONS, After, Operation, expand_operation
from .registry import UnionOf


class AttentionSpec(Operation):
    """Base of the operations that a block's ``attention`` can name.

    They take a map and put out one of the same shape; their layers are written on a fork of the
    trace, beside the main path.
    """

    after: ClassVar[After] = "fresh"

    @property
    def reads_input(self) -> bool:
        """Whether its layers depend on the channels of the block's input."""
        return False


def attention_kinds() -> dict[str, type[AttentionSpec]]:
    """The operations that are attention, by name."""
    return {kind: model for kind, model in OPERATIONS.items() if issubclass(model, AttentionSpec)}


def expand_attention(value: Any) -> Any:
    """The long form of an attention, which a chain writes in the same way.

    >>> expand_attention("se"), expand_attention({"se": 8})
    ({'kind': 'se'}, {'kind': 'se', 'reduction': 8})
    """
    if isinstance(value, dict) and "kind" not in value and set(value) & set(attention_kinds()):
        return expand_operation(value)
    return expand_kind(value)


AnyAttention = Annotated[AttentionSpec, UnionOf(attention_kinds, expand_attention, dict[str, Any])]

__all__ = ["AnyAttention", "AttentionSpec", "attention_kinds"]
