"""What the blocks of one class have in common, and what its constructor is told of each."""

from __future__ import annotations

from collections.abc import Sequence

from ...planner.plan import BlockPlan
from ...specs.trace import Layer

Column = dict[int, int]
"""A number of some of the blocks, by their place among those of the class."""

_DEFAULT = 1
#: The numbers of a layer that may differ from block to block, by its kind.
_FIELDS = {"conv": ("stride", "groups", "dilation"), "conv_along_channels": ("kernel",)}


class Arguments:
    """The arguments of a class of blocks: its channels, and what is not the same in all blocks."""

    def __init__(self, blocks: Sequence[BlockPlan]) -> None:
        self.blocks = blocks
        self.channels = {"in_channels": [block.in_channels for block in blocks]}
        inner = [block.layer("conv1").out_channels for block in blocks]
        out = [block.out_channels for block in blocks]
        #: The channels between the block's convolutions, as the class writes them.
        self.inner = "out_channels" if inner == out else "width"
        self.channels |= {self.inner: inner, "out_channels": out}
        self.columns: dict[str, Column] = {}
        #: The block's stride, as the class writes it.
        self.stride = self._text("stride", {at: block.stride for at, block in enumerate(blocks)})
        self._texts = {
            (name, field): self._text(field, {at: getattr(x, field) for at, x in layers.items()})
            for (name, kind), layers in self._layers().items()
            for field in _FIELDS.get(kind, ())
        }

    def text(self, layer: str, field: str) -> str:
        """A number of a layer as the class writes it: itself, or an argument's name."""
        return self._texts[layer, field]

    def signature(self) -> list[str]:
        """The parameters of the constructor."""
        rest = [f"{name}: int" + self._default(name) for name in self.columns]
        return [f"{name}: int" for name in self.channels] + sorted(rest, key=lambda x: "=" in x)

    def given(self, at: int) -> list[str]:
        """What the constructor is told of the block at that place."""
        named = {name: column[at] for name, column in self.columns.items() if at in column}
        return [str(column[at]) for column in self.channels.values()] + [
            f"{name}={number}"
            for name, number in named.items()
            if number != _DEFAULT or not self._default(name)
        ]

    def _layers(self) -> dict[tuple[str, str], dict[int, Layer]]:
        """The layers by their names within a block and their kinds, then by block."""
        found: dict[tuple[str, str], dict[int, Layer]] = {}
        for at, block in enumerate(self.blocks):
            for layer in block.layers:
                name = layer.name[len(block.name) + 1 :]
                found.setdefault((name, layer.kind), {})[at] = layer
        return found

    def _default(self, name: str) -> str:
        column = self.columns[name]
        silent = len(column) < len(self.blocks) or _DEFAULT in column.values()
        return f" = {_DEFAULT}" if silent else ""

    def _text(self, field: str, values: Column) -> str:
        number, name = 1, field
        while name in self.columns:
            if values.items() <= self.columns[name].items():
                return name
            number += 1
            name = f"{field}{number}"
        if len(set(values.values())) == 1:
            return str(next(iter(values.values())))
        self.columns[name] = values
        return name
