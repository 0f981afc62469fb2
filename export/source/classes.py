"""The blocks of a network, sorted into the classes that can describe them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from ...planner.calls import IDENTITY_SHORTCUT, nested, shortcut_call
from ...planner.plan import Plan
from ...specs.call import Call
from ...specs.layer import Module
from ...specs.layout import BlockPlan, block_at, with_drop_path
from ...specs.resolve import ResolvedBlock
from .calls import alike, shape_of
from .modules import joins, registered


class BlockCalls(NamedTuple):
    """A block as the calls that make it."""

    block: BlockPlan
    """The block by itself, without a name."""
    modules: dict[str, Module]
    """Those of entry, branch and exit that stand in no sequence."""
    entry: dict[str, Call]
    branch: dict[str, Call]
    exit: dict[str, Call]
    shortcut: Call | None
    """None where there is none; that of ``Identity`` is x itself."""
    form: tuple[Any, ...]
    """What blocks of one class have in common besides their calls."""
    chains: Any
    """The shape of entry and branch, and that of the exit."""
    side: Any
    """The shape of the shortcut."""
    starting: tuple[Module, ...]
    """The modules with tensors that start at a constant of their own."""

    @property
    def keeps(self) -> bool:
        """Whether the block keeps the shape."""
        return self.block.site.keeps_shape

    @property
    def strides(self) -> bool:
        """Whether the block strides."""
        return self.block.stride != 1

    @property
    def takes(self) -> int:
        """After how many modules the shortcut divides from the branch."""
        return len(self.entry)

    @property
    def joined(self) -> str:
        """How the sum is made: ``none``, ``sum``, or the class that makes it."""
        return str(self.form[1])


@lru_cache(1024)
def calls_of(resolved: ResolvedBlock, registered: tuple[type, ...]) -> BlockCalls:
    """The calls that make a block, by the module classes that are ``registered``.

    Networks repeat their blocks: those of each are made and compared once.
    """
    laid = block_at(*resolved.like, resolved.site.point)
    block = BlockPlan(resolved, laid.layers, laid.cuts, 0, laid.modules)
    modules = block.modules
    if resolved.drop_rate:
        modules = with_drop_path(modules, resolved)
    entry, branch, exit_ = map(nested, (modules.entry, modules.branch, modules.exit))
    shortcut = shortcut_call(block)
    steps = (*modules.entry, *modules.branch, *modules.exit)
    form = block.spec.kind, _joined(shortcut), modules.fresh, block.site.follows_activation
    chains = tuple((name, shape_of(made)) for name, made in {**entry, **branch}.items())
    left = tuple((name, shape_of(made)) for name, made in exit_.items())
    return BlockCalls(
        block,
        {step.name: step for step in steps},
        entry,
        branch,
        exit_,
        shortcut,
        form,
        (chains, left),
        None if shortcut is None else shape_of(shortcut),
        starting((*steps, *modules.path)),
    )


def starting(modules: Iterable[Module]) -> tuple[Module, ...]:
    """Those of the modules with tensors that start at a constant of their own."""
    return tuple(step for step in modules if any(layer.starts for layer in step.layers))


def _joined(shortcut: Call | None) -> str:
    if shortcut is None:
        return "none"
    if shortcut.name == "nn.Sequential" or not joins(shortcut.name):
        return "sum"
    return shortcut.name


class BlockClass:
    """Blocks that one class describes: alike but for numbers, with one shortcut where they keep
    the shape and one where they change it."""

    def __init__(self, first: BlockCalls) -> None:
        self.blocks = [first]
        self.name = ""

    def take(self, block: BlockCalls) -> bool:
        """Take the block in, if the class can describe it beside the others."""
        fits = self.blocks[0].form == block.form and all(
            _fit(other, block) for other in self.blocks
        )
        if fits:
            self.blocks.append(block)
        return fits

    def settle_name(self, taken: set[str]) -> None:
        """Name the class, apart from those that are ``taken``."""
        number, name = 1, _base_name(self.blocks[0])
        self.name = name
        while self.name in taken:
            number += 1
            self.name = f"{name}{number}"
        taken.add(self.name)

    @property
    def divides(self) -> bool:
        """Whether some blocks add x, and the others the shortcut of what their branch takes."""
        return len({block.takes for block in self.blocks}) > 1


def _fit(one: BlockCalls, other: BlockCalls) -> bool:
    """Whether one class can describe both blocks."""
    if one.strides == other.strides:
        if one.chains != other.chains or (one.keeps == other.keeps and one.side != other.side):
            return False
    else:
        still, strided = (other, one) if one.strides else (one, other)
        if not alike(still.chains, strided.chains):
            return False
        if one.keeps == other.keeps and not alike(still.side, strided.side):
            return False
    return one.takes == other.takes or _divide(one, other) or _divide(other, one)


def _divide(keeps: BlockCalls, changes: BlockCalls) -> bool:
    """Whether one adds x, and the other what it enters by."""
    return (
        keeps.keeps
        and not keeps.takes
        and not changes.keeps
        and keeps.shortcut == IDENTITY_SHORTCUT
    )


def sort_blocks(plan: Plan) -> tuple[list[BlockClass], dict[int, tuple[int, int]]]:
    """The classes that a network needs, in the order of their first blocks; and the class of
    each block, with its place there, by its number in the network, from 1."""
    found: list[BlockClass] = []
    places: dict[tuple[int, float], tuple[int, int]] = {}
    numbered: dict[int, tuple[int, int]] = {}
    own = registered()
    blocks = [block for stage in plan.stages for block in stage]
    for number, block in enumerate(blocks, start=1):
        # Blocks that are alike have their modules from one place.
        key = id(block.modules), block.resolved.drop_rate
        if key not in places:
            alone = block.resolved._replace(name="", block_path=(), shortcut_path=())
            places[key] = _sort(calls_of(alone, own), found)
        numbered[number] = places[key]
    return found, numbered


def _sort(block: BlockCalls, found: list[BlockClass]) -> tuple[int, int]:
    for place, kind in enumerate(found):
        if kind.take(block):
            return place, len(kind.blocks) - 1
    found.append(BlockClass(block))
    return len(found) - 1, 0


def _base_name(calls: BlockCalls) -> str:
    block = calls.block
    attention = getattr(block.spec, "attention", None)
    name = ("" if attention is None else attention.kind.upper()) + block.modules.join.adjective
    name = "Plain" + name if block.shortcut.absent else name
    if block.spec.activates_first:
        name += "PreAct"
    if block.site.follows_activation:
        name = "First" + name
    return name + block.spec.class_name
