"""Long stages folded to runs of equal blocks, for tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ..specs.block import BlockSpec, shorten_block
from ..specs.layout import BlockPlan
from ..specs.operation import Operation
from ..specs.operations import ActSpec, NormOpSpec
from ..specs.shortcut import ShortcutSpec, shorten_inner
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
        for _, row in groupby(stage, lambda block: (block.resolved.like, block.name in apart))
    ]


def block_text(spec: BlockSpec) -> str:
    """A block's kind and whatever differs from the kind's defaults.

    >>> from resforge.specs import BottleneckSpec, ChainBlockSpec
    >>> block_text(BottleneckSpec(groups=32, width_per_group=4))
    'bottleneck (groups 32, width_per_group 4)'
    >>> block_text(ChainBlockSpec(branch=[{"conv": 3, "stride": "block"}, "norm"]))
    'chain (branch [conv 3 stride block, norm])'
    """
    tree = shorten_block(spec)
    return _text({"kind": spec.kind, **tree} if isinstance(tree, dict) else tree)


def shortcut_text(spec: ShortcutSpec) -> str:
    """A shortcut's kind and whatever differs from the kind's defaults.

    >>> from resforge.specs import ScaledSpec, ZeroPadSpec
    >>> shortcut_text(ZeroPadSpec(pad="both")), shortcut_text(ScaledSpec(of="projection"))
    ('zero_pad both', 'scaled 1/1 of projection')
    >>> from resforge.specs import ChainShortcutSpec
    >>> shortcut_text(ChainShortcutSpec(path=[{"conv": 1, "stride": "block"}, "norm"]))
    'chain path [conv 1 stride block, norm]'
    """
    tree = shorten_inner(spec)
    fields = dict(tree) if isinstance(tree, dict) else {}
    inner = getattr(spec, "of", None) if fields.pop("of", None) else None
    fields.pop("kind", None)
    own = spec.options_text()
    words = [spec.kind, *([own] if own else map(_option, fields, fields.values()))]
    if inner is not None:
        words.append(f"of {shortcut_text(inner)}")
    return " ".join(words)


def in_brief(text: Callable[[Any], str], spec: BlockSpec | ShortcutSpec) -> str:
    """A block or a shortcut as a table has it: of a written-out chain only the operations that are
    no norm and no activation, so that a row stays on its line.

    >>> from resforge.specs import BasicSpec, ChainBlockSpec
    >>> in_brief(block_text, BasicSpec())
    'basic'
    >>> in_brief(block_text, ChainBlockSpec(branch=[{"conv": 3, "stride": "block"}, "norm"]))
    'chain (conv 3)'
    >>> paths = {"parallel": [[{"conv": 1}, "norm"], [{"conv": 3}]]}
    >>> in_brief(block_text, ChainBlockSpec(branch=[paths, {"dropout": 0.1}]))
    'chain (parallel (conv 1 | conv 3), dropout 0.1)'
    """
    chain = getattr(spec, "branch", None) or getattr(spec, "path", None)
    if chain is None:
        return text(spec)
    words = _words(chain)
    return f"chain ({words})" if words else "chain"


def _words(chain: Iterable[Operation]) -> str:
    """The operations of a chain that are no norm and no activation, with their main fields."""
    return ", ".join(_word(op) for op in chain if not isinstance(op, NormOpSpec | ActSpec))


def _word(op: Operation) -> str:
    main: Any = getattr(op, op.main) if op.main else None
    if op.main in op.holds:
        return f"{op.kind} ({' | '.join(map(_words, main))})"
    return op.kind if main is None else f"{op.kind} {main}"


def drop_text(rule: StochasticDepthSpec | None) -> str:
    """How often branches are left out; empty for never.

    >>> drop_text(StochasticDepthSpec(rate=0.5)), drop_text(None)
    ('stochastic depth up to 0.5', '')
    """
    if rule is None or not rule.rate:
        return ""
    most = {"linear": "up to ", "linear_from_zero": "from 0 to "}.get(rule.rule, "")
    draw = " for each image" if rule.mode == "row" else ""
    scaled = ", scaled in evaluation" if rule.scaled == "evaluation" else ""
    return f"stochastic depth {most}{rule.rate:g}{draw}{scaled}"


def _option(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if isinstance(value, str):
        return value
    return f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {_text(value)}"


def _text(tree: Any) -> str:
    """A part of a spec on one line; operations have the short form of a file."""
    if isinstance(tree, list):
        return f"[{', '.join(map(_text, tree))}]"
    if not isinstance(tree, dict):
        return str(tree)
    if "kind" not in tree:
        return " ".join(_field(key, value) for key, value in tree.items())
    options = ", ".join(f"{key} {_text(value)}" for key, value in tree.items() if key != "kind")
    return f"{tree['kind']} ({options})"


def _field(name: str, value: Any) -> str:
    return _option(name, value) if isinstance(value, bool) else f"{name} {_text(value)}"


def _name(stage: Sequence[BlockPlan], start: int, end: int) -> str:
    name = stage[start].name
    if end - start == len(stage):
        return name.partition(".")[0]
    return name if end - start == 1 else f"{name}-{end - 1}"
