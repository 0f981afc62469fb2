"""Long stages folded to runs of equal blocks, for tables and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ..base import short_tree
from ..block import BlockSpec
from ..plan import BlockPlan


class Run(NamedTuple):
    """Neighbouring blocks of one stage that read as one."""

    name: str
    """``layer2`` for a whole stage, ``layer2.1-3`` for a part of one."""
    blocks: tuple[BlockPlan, ...]


def runs(stage: Sequence[BlockPlan]) -> Iterator[Run]:
    """The stage cut where its blocks change.

    A block that changes the shape stands in one run with those that follow and keep it, though
    its shortcut differs from theirs.

    >>> import resforge as rf
    >>> plan = rf.plan(rf.load("resnet50"))
    >>> [(run.name, len(run.blocks)) for run in runs(plan.stages[1])]
    [('layer2', 4)]
    """
    cuts = [0]
    for index in range(1, len(stage)):
        last, block = stage[index - 1], stage[index]
        opens = index - 1 == cuts[-1] and (last.stride, last.in_channels) != (1, last.out_channels)
        if last.spec != block.spec or (last.shortcut != block.shortcut and not opens):
            cuts.append(index)
    for start, end in zip(cuts, [*cuts[1:], len(stage)], strict=True):
        yield Run(_name(stage, start, end), tuple(stage[start:end]))


def repeats(stage: Sequence[BlockPlan]) -> list[tuple[BlockPlan, int]]:
    """Each block that differs from the one before it, and how often it stands in a row.

    >>> import resforge as rf
    >>> plan = rf.plan(rf.load("resnet50"))
    >>> [(block.name, count) for block, count in repeats(plan.stages[1])]
    [('layer2.0', 1), ('layer2.1', 3)]
    """
    groups = groupby(stage, key=lambda block: block.what[1:])
    return [(blocks[0], len(blocks)) for blocks in (list(group) for _, group in groups)]


def block_text(spec: BlockSpec) -> str:
    """A block's kind and whatever differs from the kind's defaults.

    >>> from resforge.specs import BottleneckSpec
    >>> block_text(BottleneckSpec(groups=32, width_per_group=4))
    'bottleneck (groups 32, width_per_group 4)'
    """
    tree = short_tree(spec)
    if isinstance(tree, str):
        return tree
    options = ", ".join(f"{key} {value}" for key, value in tree.items() if key != "kind")
    return f"{tree['kind']} ({options})"


def _name(stage: Sequence[BlockPlan], start: int, end: int) -> str:
    name = stage[start].name
    if end - start == len(stage):
        return name.partition(".")[0]
    return name if end - start == 1 else f"{name}-{end - 1}"
