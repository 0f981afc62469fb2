"""A network with every word written out as the chain that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import eq
from typing import Any, NamedTuple

from .block import BlockSpec, shorten_block
from .blocks import ChainBlockSpec
from .ends import closing_of
from .head import shorten_head
from .heads import ChainHeadSpec
from .network import ResNetSpec
from .operation import OPERATIONS, Operation, Steps, shorten_chain
from .operations import ActSpec, FlattenSpec
from .paths import Path
from .resolve import ResolvedBlock, blocks_of
from .shortcut import ShortcutSpec, shorten_inner
from .shortcuts import ChainShortcutSpec
from .stem import shorten_stem
from .stems import ChainStemSpec

Tree = dict[str, Any]
Pair = dict[str, Any]
"""The shortcuts of the blocks that keep the shape and of those that change it, where known."""


def expand(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with stem, blocks, shortcuts and head as chains of operations.

    It has the same digest, the shapes of the same tensors and, with the same weights, the same
    outputs; names in the state dict are those of chains. ``identity`` and ``none``, which stand
    for no operation, stay words, and so do registered kinds that are a module of their own.

    >>> import resforge as rf
    >>> expanded = expand(rf.load("resnet18"))
    >>> [line for line in expanded.to_yaml().splitlines() if line.startswith("block:")]
    ['block: {branch: [{conv: 3, stride: block}, norm, act, {conv: 3}, norm]}']
    >>> expanded.digest == rf.load("resnet18").digest
    True
    """
    tree = spec.to_tree()
    stem = _ops(spec.stem.steps(spec.stem_site))
    if stem is not None:
        tree["stem"] = shorten_stem(ChainStemSpec(layers=stem))
    stages = [list(stage) for stage in blocks_of(spec)]
    last = stages[-1][-1]
    if closing := _ops(closing_of(spec, last.block)):
        tree["closing"] = shorten_chain(closing)
    if spec.head is not None:
        site = spec.end_site(last.site.out_channels)
        head = _ops(spec.head.steps(site))
        if head is not None:
            tree["head"] = shorten_head(ChainHeadSpec(layers=head))
    _write_blocks(tree, [[(_block(b), _shortcut(b), b) for b in stage] for stage in stages])
    return ResNetSpec(**tree)


Written = tuple[Any, Any, ResolvedBlock]
"""A block and its shortcut as trees, and the block itself."""


def _write_blocks(tree: Tree, stages: Sequence[Sequence[Written]]) -> None:
    """Write blocks and shortcuts where they are said once: for the network, a stage or a block."""
    pairs = [_pair(stage) for stage in stages]
    every = [written for stage in stages for written in stage]
    block, pair = _only(block for block, _, _ in every), _pair(every)
    for entry, stage, own in zip(tree["stages"], stages, pairs, strict=True):
        for key in ("block", "shortcut"):
            entry.pop(key, None)
        own_block = _only(block for block, _, _ in stage)
        sizes = [_own_sizes(each) for each in entry.get("blocks", [])] or [{} for _ in stage]
        entry.pop("depth", None)
        if own_block is None or own is None:
            entry["blocks"] = [
                {**size, "block": block, "shortcut": {_side(b): shortcut}}
                for size, (block, shortcut, b) in zip(sizes, stage, strict=True)
            ]
            continue
        entry.pop("blocks", None)
        entry |= {"blocks": sizes} if any(sizes) else {"depth": len(stage)}
        if block is None:
            entry["block"] = own_block
        if pair is None:
            entry["shortcut"] = own
    tree["block"] = block or every[0][0]
    tree["shortcut"] = pair or "projection"


def _own_sizes(entry: Tree) -> Tree:
    """The numbers that a block has apart from its stage."""
    return {key: value for key, value in entry.items() if key not in ("block", "shortcut")}


def _side(block: ResolvedBlock) -> str:
    return "match" if block.site.keeps_shape else "change"


def _pair(blocks: Iterable[Written]) -> Pair | None:
    """The shortcut of each side; None where blocks of one side differ."""
    pair: Pair = {}
    for _, shortcut, block in blocks:
        if pair.setdefault(_side(block), shortcut) != shortcut:
            return None
    return pair


def _only(trees: Iterable[Any]) -> Any:
    """The one tree that all of them are; None where they differ."""
    first, *rest = trees
    return first if all(tree == first for tree in rest) else None


def _block(resolved: ResolvedBlock) -> Any:
    chains = resolved.block.chains(resolved.site, resolved.shares_entry)
    parts = [_ops(steps) for steps in chains]
    block: BlockSpec = resolved.block
    if None not in parts:
        entry, branch, exit_ = parts
        exit_ = None if exit_ == (ActSpec(),) else exit_
        block = ChainBlockSpec(entry=entry, branch=branch, exit=exit_)  # type: ignore[arg-type]
    return shorten_block(block)


def _shortcut(resolved: ResolvedBlock) -> Any:
    shortcut: ShortcutSpec = resolved.shortcut
    steps = shortcut.steps(resolved.site)
    path = _ops(steps)
    if path and not shortcut.absent:
        shortcut = ChainShortcutSpec(path=path, join=shortcut.joined())
    return shorten_inner(shortcut)


def _ops(steps: Steps) -> tuple[Operation, ...] | None:
    """The operations of a chain; None where one is a module of a word, which no chain can name."""
    ops = tuple(op for _, op in steps if not isinstance(op, FlattenSpec))
    return ops if all(op.kind in OPERATIONS for op in ops) else None


class Meaning(NamedTuple):
    """A word of a network, and the chain that it stands for."""

    places: tuple[str, ...]
    """The parts of the network where it stands: ``stem``, ``layer1.0``."""
    word: Any
    """The shortest way to write it, as a plain tree."""
    chain: Any
    """The chain written out; the word again where it stands for no operation."""


def meanings_at(spec: ResNetSpec, path: Path) -> list[Meaning]:
    """What the words at ``path`` stand for, or the word that ``path`` leads into.

    A path to a stage, or to an entry of its ``blocks``, means the blocks there. Blocks with other
    chains are given apart. Empty for a path that leads to no word.

    >>> import resforge as rf
    >>> for meaning in meanings_at(rf.load("resnet18"), ("shortcut", "change")):
    ...     print(meaning.places, meaning.word)
    ...     print(meaning.chain)
    ('layer2.0', 'layer3.0', 'layer4.0') projection
    {'path': [{'conv': 1, 'stride': 'block'}, 'norm']}
    """
    match path:
        case ("stem", *_):
            steps = spec.stem.steps(spec.stem_site)
            return [_end("stem", shorten_stem(spec.stem), steps)]
        case ("head", *_) if spec.head is not None:
            last = list(blocks_of(spec))[-1][-1]
            steps = spec.head.steps(spec.end_site(last.site.out_channels))
            return [_end("head", shorten_head(spec.head), steps)]
        case ("stages", int(), "before", *_):
            return []
        case ("block" | "shortcut" | "stages", *_):
            return _gathered(_blocks_at(spec, path), "shortcut" in path)
    return []


def _end(name: str, word: Any, steps: Steps) -> Meaning:
    ops = _ops(steps)
    return Meaning((name,), word, word if ops is None else shorten_chain(ops))


def _blocks_at(spec: ResNetSpec, path: Path) -> list[ResolvedBlock]:
    """The blocks that ``path`` leads to, or whose word was named there."""
    every = [block for stage in blocks_of(spec) for block in stage]
    match path:
        case ("stages", int(stage), "blocks", int(position), *_):
            return [block for block in every if block.name == f"layer{stage + 1}.{position}"]
        case ("stages", int(stage), *_):
            return [block for block in every if block.name.startswith(f"layer{stage + 1}.")]
        case ("stages",):
            return every
    own = f"{path[0]}_path"
    # One of the paths leads on from the other.
    return [b for b in every if all(map(eq, getattr(b, own), path))]


def _gathered(blocks: Iterable[ResolvedBlock], shortcuts: bool) -> list[Meaning]:
    """The words of blocks, those with equal chains once."""
    found: dict[str, Meaning] = {}
    for block in blocks:
        word = shorten_inner(block.shortcut) if shortcuts else shorten_block(block.block)
        chain = _shortcut(block) if shortcuts else _block(block)
        same = found.setdefault(repr((word, chain)), Meaning((), word, chain))
        found[repr((word, chain))] = same._replace(places=(*same.places, block.name))
    return list(found.values())
