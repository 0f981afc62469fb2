"""The widths within a branch, as a stage or a block gives them.

The same block may be narrow in one place and wide in another, without being written twice: its
operations of ``width: inner`` take their channels from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .base import MAX_BLOCKS, Channels
from .by_axis import LISTED, ONE, NumberOr
from .operation import MULTIPLE_PATTERN, Operation, Steps

_Multiple = Annotated[str, Field(pattern=f"^{MULTIPLE_PATTERN}$")]
Width = Annotated[Channels | _Multiple, NumberOr(Channels, _Multiple)]
"""A number of channels, or a multiple of the stage's width or of those of the block's input."""
Widths = tuple[int | str, ...]
MAX_WIDTHS = 64
"""Widths of one block."""


class OneOrList:
    """The annotation of a field with one value for all, or a list of values."""

    def __init__(self, item: Any, most: int) -> None:
        self.item, self.most = item, most

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        one, item = handler(source), handler.generate_schema(self.item)
        listed = core_schema.tuple_variable_schema(
            item, min_length=1, max_length=self.most, strict=False
        )
        return core_schema.tagged_union_schema({ONE: one, LISTED: listed}, _way)


def _way(value: Any) -> str:
    return LISTED if isinstance(value, list | tuple) else ONE


BlockInner = Annotated[Width, OneOrList(Width, MAX_WIDTHS)]
"""The width of every operation of ``width: inner`` of a block, or a list with one for each."""
StageInner = Annotated[Width, OneOrList(BlockInner, MAX_BLOCKS)]
"""That of every block of a stage, or a list with one item for each block."""


def listed(inner: Any) -> Widths:
    """The widths of one block.

    >>> listed(None), listed("in9/4"), listed((47, 18))
    ((), ('in9/4',), (47, 18))
    """
    if inner is None:
        return ()
    return inner if isinstance(inner, tuple) else (inner,)


def with_inner(steps: Steps, widths: Iterator[int | str]) -> Steps:
    """A chain whose operations of ``width: inner`` have the next of ``widths`` each."""
    return tuple((name, _filled(op, widths)) for name, op in steps)


def _filled(op: Operation, widths: Iterator[int | str]) -> Operation:
    if takes_inner(op):
        return op.model_copy(update={"width": next(widths)})
    if not op.holds:
        return op
    chains = {name: _filled_chains(getattr(op, name), widths) for name in op.holds}
    return op.model_copy(update=chains)


def _filled_chains(
    chains: tuple[tuple[Operation, ...], ...], widths: Iterator[int | str]
) -> tuple[tuple[Operation, ...], ...]:
    return tuple(tuple(_filled(op, widths) for op in chain) for chain in chains)


def takers_in(ops: Iterator[Operation]) -> int:
    """How many operations, those that others hold among them, are of ``width: inner``."""
    count = 0
    for op in ops:
        held = (each for name in op.holds for chain in getattr(op, name) for each in chain)
        count += takes_inner(op) + takers_in(held)
    return count


def takes_inner(op: Operation) -> bool:
    """Whether an operation is of ``width: inner``."""
    return getattr(op, "width", None) == "inner"
