"""The blocks of a network, sorted into the classes that can describe them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...planner import Plan
from ...specs import BlockPlan
from ...specs.attention import ECASpec
from ...specs.order import activates_first
from ...specs.shortcut import IdentitySpec, ShortcutSpec
from .shortcut import joins, settled

NAMES = {"basic": "BasicBlock", "bottleneck": "Bottleneck", "d2l": "Residual", "x": "XBlock"}
_JOINED = {"none": "Plain", "gate": "Gated", "scaled": "Scaled"}


class Side(NamedTuple):
    """What the blocks of a class that keep the shape, or those that change it, have beside the
    branch."""

    shortcut: ShortcutSpec
    takes: str
    """``x``, ``entry`` where the activated x, or nothing where that is one and the same."""


class BlockClass:
    """Blocks that one class describes: with one branch, and one shortcut on each side."""

    def __init__(self, block: BlockPlan) -> None:
        self.blocks: list[BlockPlan] = []
        self.sides: dict[bool, Side] = {}
        """By whether the shape is kept."""
        self.name = ""
        self._key = _branch_key(block)
        self.take(block)

    def take(self, block: BlockPlan) -> bool:
        """Take the block in, if the class can describe it beside the others."""
        side, keeps = _side(block), block.what.keeps_shape
        before = self.sides.get(keeps, side)
        sides = {**self.sides, keeps: side if side.takes else before}
        if (
            _branch_key(block) != self._key
            or before.shortcut != side.shortcut
            or {before.takes, side.takes} == {"x", "entry"}
            or not (_take_the_same(sides) or _divide(sides))
        ):
            return False
        self.sides = sides
        self.blocks.append(block)
        return True

    @property
    def divides(self) -> bool:
        """Whether blocks that keep the shape add x, and the others what their branch takes."""
        return not _take_the_same(self.sides)

    @property
    def first(self) -> BlockPlan | None:
        """The one block without the activation that the others begin with."""
        bare = [block for block in self.blocks if not block.what.entry_activates]
        return bare[0] if 0 < len(bare) < len(self.blocks) and self._key[1] else None


def sort_blocks(plan: Plan) -> list[BlockClass]:
    """The classes a network needs, named, in the order of their first blocks."""
    found: list[BlockClass] = []
    for stage in plan.stages:
        for block in stage:
            if not any(kind.take(block) for kind in found):
                found.append(BlockClass(block))
    names: list[str] = []
    for kind in found:
        names.append(_base_name(kind.blocks[0]))
        count = names.count(names[-1])
        kind.name = names[-1] if count == 1 else f"{names[-1]}{count}"
    return found


def _branch_key(block: BlockPlan) -> Any:
    """What all blocks of a class have in common, whatever their sizes and shortcuts."""
    spec: Any = block.spec
    attention = getattr(spec, "attention", None)
    return (
        spec.kind,
        activates_first(spec.arrangement),
        spec.arrangement,
        getattr(spec, "stride_on", None),
        "eca" if isinstance(attention, ECASpec) else attention,
        _JOINED.get(block.shortcut.kind),
        [(x.name[len(block.name) :], x.kind, x.kernel, x.bias) for x in block.branch if x.bias],
    )


def _side(block: BlockPlan) -> Side:
    what = block.what
    if not what.entry_activates or joins(block.shortcut) == "none":
        return Side(settled(block), "")
    return Side(settled(block), "entry" if what.shares_entry else "x")


def _take_the_same(sides: dict[bool, Side]) -> bool:
    return len({side.takes for side in sides.values() if side.takes}) < 2


def _divide(sides: dict[bool, Side]) -> bool:
    keeps, changes = sides[True], sides[False]
    return isinstance(keeps.shortcut, IdentitySpec) and (keeps.takes, changes.takes) == (
        "x",
        "entry",
    )


def _base_name(block: BlockPlan) -> str:
    spec: Any = block.spec
    name = NAMES[spec.kind]
    if activates_first(spec.arrangement):
        name = f"PreAct{name}"
    attention = getattr(spec, "attention", None)
    if attention is not None:
        name = attention.kind.upper() + name
    return _JOINED.get(block.shortcut.kind, "") + name
