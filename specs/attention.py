"""Attention: operations that weigh a map by what the whole of it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from .base import expand_kind
from .operation import OPERATIONS, After, Operation, Problem, expand_operation
from .registry import UnionOf
from .seen import Seen
from .site import Site
from .trace import Module


class AttentionSpec(Operation):
    """Base of the operations that a block's ``attention`` can name.

    They take a map and put out one of the same shape; their layers are written on a fork of the
    trace, beside the main path.
    """

    after: ClassVar[After] = "fresh"


class ReducingSpec(AttentionSpec):
    """Base of attention with two 1x1 convolutions, ``fc1`` to fewer channels and ``fc2`` back."""

    main: ClassVar[str | None] = "reduction"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"reduction": 1},
        {"reduction": 2},
        {"reduction": 4, "divisor": 3},
    )

    reduction: Annotated[int, Field(ge=1, le=1024)] = 16
    """C channels are reduced to C // reduction between W1 and W2."""
    divisor: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Rounds C / reduction to the nearest multiple of this number, which is the least (timm's `se`
    has 8). Left out: C // reduction."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        narrow = seen.conv("fc1")
        if narrow is None:
            return []
        channels, reduced = narrow.in_channels, narrow.out_channels
        # Other reductions leave as many channels; the usual one is the likelier. A divisor of the
        # reduced channels is the last resort: it leaves them of any number below 24 times as many.
        if channels // 16 == reduced:
            return [{}]
        nearest = channels // reduced
        exact = nearest and channels // nearest == reduced
        return [{"reduction": nearest} if exact else {"divisor": reduced}]

    def reduced(self, channels: int) -> int:
        """The channels between W1 and W2, of so many.

        >>> from resforge.specs import SqueezeExcitationSpec
        >>> SqueezeExcitationSpec().reduced(64), SqueezeExcitationSpec(divisor=8).reduced(64)
        (4, 8)
        """
        if self.divisor is None:
            return channels // self.reduction
        step = self.reduction * self.divisor
        return max(1, (2 * channels + step) // (2 * step)) * self.divisor

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, "channels": self.reduced(module.in_channels)}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        if not self.reduced(module.in_channels):
            yield (
                "reduction",
                f"a reduction of {self.reduction} leaves none of {module.in_channels} channels",
                f"use a reduction of at most {module.in_channels}",
            )


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

__all__ = ["AnyAttention", "AttentionSpec", "ReducingSpec", "attention_kinds"]
