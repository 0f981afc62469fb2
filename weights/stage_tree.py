"""Blocks that were chosen, as the stages of a spec's tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..errors import SpecError
from ..specs.block import BlockSpec
from ..specs.canonical import block_text
from ..specs.operation import Operation, shorten_chain
from ..specs.shortcut import ShortcutSpec
from ..specs.site import Site
from .chains import Chain
from .observed import unknowable

Tree = dict[str, Any]


class Choice(NamedTuple):
    """One fit of a block, and one of its shortcuts."""

    block: BlockSpec
    site: Site
    side: str
    shortcut: ShortcutSpec


def dump(spec: Operation) -> Tree:
    """An operation as a spec's tree holds it."""
    return spec.model_dump(mode="json")


def stages_tree(stages: list[list[Choice]], chains: Sequence[Chain | None]) -> Tree:
    """Stages, with ``chains`` before them, and the block and shortcut of the network: those that
    most of it has."""
    stages = _in_common_words(stages)
    pairs = [_pair(stage) for stage in stages]
    every = [choice for stage in stages for choice in stage]
    block = Counter(choice.block for choice in every).most_common(1)[0][0]
    pair = _pair(every)
    if pair is None:
        known = [own for own in pairs if own is not None] or [{}]
        pair = max(known, key=known.count)
    tree: Tree = {"stages": [], "block": dump(block), "shortcut": _dump_pair(pair)}
    spread = 1
    for choices, own, chain in zip(stages, pairs, chains, strict=True):
        site, last = choices[0].site, choices[-1].site
        width = Counter(choice.site.width for choice in choices).most_common(1)[0][0]
        entry: Tree = {"width": width, "stride": site.stride}
        first, rest = site.dilations.first, last.dilations.rest
        if chain is not None:
            entry["before"] = shorten_chain(chain.ops)
        if rest != 1:
            entry["dilation"] = rest
        if first != spread:
            entry["first_dilation"] = first
        spread = rest
        if any(choice.site.stride != 1 for choice in choices[1:]):
            raise unknowable("the blocks of a stage stride within it")
        sizes = [_own_sizes(choice.site, width, rest) for choice in choices]
        if own is None or any(choice.block != choices[0].block for choice in choices):
            entry["blocks"] = [
                {**size, "block": dump(c.block), "shortcut": {c.side: dump(c.shortcut)}}
                for size, c in zip(sizes, choices, strict=True)
            ]
        else:
            entry |= {"blocks": sizes} if any(sizes) else {"depth": len(choices)}
            if choices[0].block != block:
                entry["block"] = dump(choices[0].block)
            if any(own[side] != pair.get(side) for side in own):
                entry["shortcut"] = _dump_pair({**pair, **own})
        tree["stages"].append(entry)
    return tree


def _in_common_words(stages: list[list[Choice]]) -> list[list[Choice]]:
    """Each block in the words that most blocks have, where they mean the same there."""
    words = [
        block for block, _ in Counter(c.block for stage in stages for c in stage).most_common()
    ]
    if len(words) == 1:
        return stages
    known: dict[Choice, Choice] = {}
    for choice in (each for stage in stages for each in stage):
        if choice not in known:
            known[choice] = next(
                each for block in words if _same(each := choice._replace(block=block), choice)
            )
    return [[known[choice] for choice in stage] for stage in stages]


def _same(one: Choice, other: Choice) -> bool:
    site = other.site
    if one.block.out_channels(site.width) != site.out_channels:
        return False
    try:
        texts = (block_text(each.block, each.shortcut, site) for each in (one, other))
        return one.block == other.block or len(set(texts)) == 1
    except (SpecError, ValueError, ArithmeticError):
        return False


def _own_sizes(site: Site, width: int, dilation: int) -> Tree:
    """The numbers of a block that differ from those of its stage."""
    own = {"width": (site.width, width), "dilation": (site.dilations.rest, dilation)}
    return {name: value for name, (value, usual) in own.items() if value != usual}


def _pair(choices: Iterable[Choice]) -> dict[str, ShortcutSpec] | None:
    """The shortcuts of both sides; None where blocks of one side differ."""
    pair: dict[str, ShortcutSpec] = {}
    for choice in choices:
        if pair.setdefault(choice.side, choice.shortcut) != choice.shortcut:
            return None
    return pair


def _dump_pair(pair: dict[str, ShortcutSpec]) -> Tree:
    return {side: dump(shortcut) for side, shortcut in pair.items()}
