"""The numbers of a class of blocks: those that all have in common, and its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...specs.layout import BlockPlan
from .layout import literal

Column = dict[int, Any]
"""A number of some of the blocks, by their place among those of the class."""

DROP_RATE = "drop_rate"
"""The argument that is the chance of a block's branch to be left out."""


class Arguments:
    """The numbers of several blocks as the text of their class has them.

    A number that is the same in all blocks is written as it is, but for channels, which are
    arguments: ``in_channels``, ``out_channels`` and, between them, ``width``. Any other number
    is an argument under the name of its field.
    """

    def __init__(self, blocks: Sequence[BlockPlan]) -> None:
        self.count = len(blocks)
        self.channels: dict[str, Column] = {
            "out_channels": {at: block.out_channels for at, block in enumerate(blocks)},
            "in_channels": {at: block.in_channels for at, block in enumerate(blocks)},
        }
        self.columns: dict[str, Column] = {}
        self.strides = {at: block.stride for at, block in enumerate(blocks)}
        self.drop_rates = {at: block.resolved.drop_rate for at, block in enumerate(blocks)}
        self.classes: set[str] = set()
        self._used: set[str] = set()

    def channel(self, column: Column, likely: str = "") -> str:
        """The text of a number of channels: ``likely`` where that is right.

        Without it the number is that of a map which a layer puts out.
        """
        out, first, *inner = self.channels
        for name in (likely, out, *inner, first) if likely else (out, *inner):
            # What is likely may be a number of some of the blocks, which is no channel of all.
            if column.items() <= self.channels.get(name, {}).items():
                return self._use(name)
        if len(column) < self.count:
            return self.number("width", column)
        number = len(self.channels) - 1
        name = "width" if number == 1 else f"width{number}"
        self.channels[name] = column
        return self._use(name)

    def number(self, field: str, column: Column) -> str:
        """The text of another number, whose argument would be called after ``field``."""
        field = DROP_RATE if column == self.drop_rates else field
        number, name = 1, field
        while name in self.columns or name in self.channels:
            if column.items() <= self.columns.get(name, {}).items():
                return name
            number += 1
            name = f"{field}{number}"
        if len(set(column.values())) == 1:
            return literal(next(iter(column.values())))
        self.columns[name] = column
        return name

    def stride(self) -> str:
        """The text of the blocks' stride."""
        return self.number("stride", self.strides)

    def changes(self, changing: set[int]) -> str:
        """What is true of just the ``changing`` blocks, which alone change the shape."""
        before, after = self.channels["in_channels"], self.channels["out_channels"]
        widen = {at for at in changing if before[at] != after[at]}
        test = f"{self._use('in_channels')} != {self._use('out_channels')}" if widen else ""
        if widen == changing:
            return test
        stride = f"{self.stride()} != 1"
        if all(self.strides[at] != 1 for at in changing):
            return stride
        return f"{stride} or {test}"

    def signature(self) -> list[str]:
        """The parameters of the constructor."""
        rest = [
            f"{name}: {_type(column)}" + self._default_text(name)
            for name, column in self.columns.items()
        ]
        return [f"{name}: int" for name in self._names()] + sorted(rest, key=lambda x: "=" in x)

    def given(self, at: int, rate: str) -> str:
        """What the constructor is told of the block at that place; ``rate`` is how its drop rate
        is written."""
        channels = [str(int(self.channels[name][at])) for name in self._names()]
        named = {name: column[at] for name, column in self.columns.items() if at in column}
        rest = [
            f"{name}={rate if name == DROP_RATE else literal(value)}"
            for name, value in named.items()
            if value != self._default(name)
        ]
        return ", ".join(channels + rest)

    def _use(self, name: str) -> str:
        self._used.add(name)
        return name

    def _names(self) -> list[str]:
        """The channels that the class writes, from the first to the last of a block."""
        out, first, *inner = self.channels
        return [name for name in (first, *inner, out) if name in self._used]

    def _default(self, name: str) -> Any:
        """What needs not be given: 1, or nothing where some blocks have no such number."""
        column = self.columns[name]
        if 1 in column.values():
            return 1
        if len(column) == self.count:
            return None
        return 0.0 if _type(column) == "float" else 1

    def _default_text(self, name: str) -> str:
        default = self._default(name)
        return "" if default is None else f" = {literal(default)}"


def _type(column: Column) -> str:
    return "float" if any(isinstance(value, float) for value in column.values()) else "int"
