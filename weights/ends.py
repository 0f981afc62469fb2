"""The stems, the heads and what stands before heads that have the layers which show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from ..specs.block import BlockSpec
from ..specs.head import HEADS, HeadSpec
from ..specs.heads import ChainHeadSpec
from ..specs.operation import shorten_chain
from ..specs.seen import Seen, SeenConv
from ..specs.site import Site
from ..specs.stem import STEMS, StemSpec
from ..specs.stems import ChainStemSpec
from .chains import chain_at
from .laid import explained, fitting, laid, proposed
from .observed import Observed
from .operations import unlike_steps
from .published import published_heads, published_stems

End = TypeVar("End", StemSpec, HeadSpec)
Ends = dict[End, frozenset[str]]
"""Stems or heads, each with the names of its layers."""


def stems_of(layers: Observed, site: Site) -> Ends[StemSpec]:
    """The stems that have the layers which show, likeliest first."""
    seen = layers.seen
    chain = chain_at(seen, "stem.", site)
    written = [] if chain is None else [ChainStemSpec(layers=chain.ops)]
    if not stem_convolutions(seen):
        written.append(ChainStemSpec(layers=()))
    found = dict(fitting([*written, *proposed(STEMS, seen)], seen, site))
    if not found or layers.is_own:
        found |= dict(fitting(published_stems(seen, layers.dims), seen, site))
    return _likeliest(layers, found, site)


def stem_convolutions(seen: Seen) -> list[SeenConv]:
    """The convolutions outside of the blocks that stand neither before a stage nor after the
    last."""
    others = "before", "closing.", "head.", "fc"
    return [conv for conv in seen.convs if not conv.name.startswith(others)]


def heads_of(layers: Observed, site: Site) -> Ends[HeadSpec]:
    """The heads that have the layers which show, likeliest first."""
    seen = layers.seen
    chain = chain_at(seen, "head.", site)
    written = [] if chain is None else [ChainHeadSpec(layers=chain.ops)]
    tried = (*written, *proposed(HEADS, seen), *published_heads(seen, layers.dims))
    return _likeliest(layers, dict(fitting(tried, seen, site)), site)


def _likeliest(layers: Observed, ends: Ends[End], site: Site) -> Ends[End]:
    """Of ends of resforge's own modules those whose modules are most like the ones that show."""
    if not layers.is_own or len(ends) < 2:
        return ends
    unlike = {end: unlike_steps(end.steps(site), site, layers.seen) for end in ends}
    least = min(unlike.values())
    return {end: used for end, used in ends.items() if unlike[end] == least}


def after_closing(seen: Seen, last: Site) -> Site:
    """The site of the head, which takes what stands before it puts out."""
    chain = chain_at(seen, "closing.", last)
    return last if chain is None else last._replace(in_channels=chain.channels)


def closings(
    block: BlockSpec, rest: frozenset[str], last: Site, seen: Seen
) -> Iterator[list[Any] | None]:
    """What may stand between the last stage and the head: what the last block leaves to be done,
    or else nothing, a norm, or a norm and an activation; or what its names say."""
    if explained(laid(block.closing(), last), seen) == rest:
        yield None
    chain = chain_at(seen, "closing.", last)
    if chain is not None:
        yield shorten_chain(chain.ops)
        return
    if block.closing() and not rest:
        yield []
    if rest == {"closing.norm1"}:
        yield from (["norm"], ["norm", "act"])
