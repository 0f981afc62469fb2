"""A block that has the layers which show."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import SpecError
from ..specs.block import BlockSpec
from ..specs.layout import BlockPlan, block_at
from ..specs.resolve import ResolvedBlock
from ..specs.shortcut import ShortcutSpec
from ..specs.site import Site


class Fit(NamedTuple):
    """A block that has the layers which show, and the shortcuts that it may have."""

    block: BlockSpec
    site: Site
    shortcuts: tuple[ShortcutSpec, ...]

    @property
    def hidden(self) -> tuple[Any, ...]:
        """Values of the fields that need not show."""
        return tuple(getattr(self.block, name, None) for name in self.block.hidden)

    @property
    def side(self) -> str:
        """Which shortcut of a pair it has."""
        return "match" if self.site.keeps_shape else "change"


def planned_block(
    name: str, block: BlockSpec, shortcut: ShortcutSpec, site: Site
) -> BlockPlan | None:
    """The plan of one block; None where there is none. Its layers have no prefix."""
    try:
        laid = block_at(block, shortcut, site, site.point)
    except (SpecError, ValueError):
        return None
    resolved = ResolvedBlock(name, 0.0, (), (), block, shortcut, site, "batch")
    return BlockPlan(resolved, laid.layers, laid.cuts, 1, laid.modules)
