"""Long stages folded to runs of equal blocks, for tables and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ..planner.plan import BlockPlan
from ..specs.base import short_tree
from ..specs.block import BlockSpec
from ..specs.shortcut import ScaledSpec, ShortcutSpec
from ..specs.stochastic_depth import StochasticDepthSpec


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


def repeats(
    stage: Sequence[BlockPlan], apart: frozenset[str] = frozenset()
) -> list[tuple[BlockPlan, ...]]:
    """The stage cut into rows of blocks alike; those named in ``apart`` stand in none with others.

    >>> import resforge as rf
    >>> plan = rf.plan(rf.load("resnet50"))
    >>> [[block.name for block in row] for row in repeats(plan.stages[1])]
    [['layer2.0'], ['layer2.1', 'layer2.2', 'layer2.3']]
    """
    return [
        tuple(row)
        for _, row in groupby(stage, lambda block: (block.what.like, block.name in apart))
    ]


def block_text(spec: BlockSpec) -> str:
    """A block's kind and whatever differs from the kind's defaults.

    >>> from resforge.specs import BottleneckSpec
    >>> block_text(BottleneckSpec(groups=32, width_per_group=4))
    'bottleneck (groups 32, width_per_group 4)'
    """
    return _text(short_tree(spec))


def shortcut_text(spec: ShortcutSpec) -> str:
    """A shortcut's kind and whatever differs from the kind's defaults.

    >>> from resforge.specs import ScaledSpec, ZeroPadSpec
    >>> shortcut_text(ZeroPadSpec(pad="both")), shortcut_text(ScaledSpec(of="projection"))
    ('zero_pad both', 'scaled 1/1 of projection')
    """
    usual = type(spec)()
    differing = {name: value for name, value in spec if value != getattr(usual, name)}
    inner = differing.pop("of", None)
    words: list[str] = [spec.kind]
    if isinstance(spec, ScaledSpec):
        # Both factors, in the order of He et al. 2016's Table 1.
        words.append(f"{spec.shortcut:g}/{spec.residual:g}")
        differing = {}
    words += [_option(name, value) for name, value in differing.items()]
    if inner is not None:
        words.append(f"of {shortcut_text(inner)}")
    return " ".join(words)


def drop_text(rule: StochasticDepthSpec | None) -> str:
    """How often branches are left out; empty for never.

    >>> drop_text(StochasticDepthSpec(rate=0.5)), drop_text(None)
    ('stochastic depth up to 0.5', '')
    """
    if rule is None or not rule.rate:
        return ""
    most = "up to " if rule.rule == "linear" else ""
    draw = " for each image" if rule.mode == "row" else ""
    return f"stochastic depth {most}{rule.rate:g}{draw}"


def _option(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return value if isinstance(value, str) else f"{name} {value:g}"


def _text(tree: Any) -> str:
    if not isinstance(tree, dict):
        return str(tree)
    options = ", ".join(f"{key} {_text(value)}" for key, value in tree.items() if key != "kind")
    return f"{tree.get('kind', '')} ({options})".lstrip()


def _name(stage: Sequence[BlockPlan], start: int, end: int) -> str:
    name = stage[start].name
    if end - start == len(stage):
        return name.partition(".")[0]
    return name if end - start == 1 else f"{name}-{end - 1}"
