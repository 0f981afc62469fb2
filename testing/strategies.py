"""Hypothesis strategies for specs, for your own property tests and ours.

>>> from hypothesis import given, settings
>>> from resforge.testing import strategies
>>> @settings(max_examples=5, database=None)
... @given(strategies.specs())
... def depth_counts_every_block(spec):
...     assert spec.to_yaml().startswith("resforge: 1")
>>> depth_counts_every_block()

Kinds and their fields are read from the registries, so that a kind which is registered is drawn
too. Everything drawn is legal and small by default, so that a drawn network can be built and
run; shrinking leads to one stage of one basic block. `docs/strategies.md` shows more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial

from hypothesis.strategies import SearchStrategy

from ..errors import Fault, SpecError
from ..specs import ResNetSpec
from .fields import Tree, activations, attentions, chains, norms, operations, words
from .kinds import Wanted
from .legal import made_legal
from .networks import Limits, networks
from .parts import blocks, convolutions, shortcuts, stems, stochastic_depths

__all__ = [
    "activations",
    "attentions",
    "blocks",
    "chains",
    "convolutions",
    "norms",
    "operations",
    "shortcuts",
    "specs",
    "stems",
    "stochastic_depths",
    "trees",
    "words",
]

Asked = Mapping[str, Iterable[str]]


def trees(
    *,
    max_stages: int = 3,
    max_depth: int = 3,
    max_width: int = 8,
    max_stride: int = 3,
    heads: bool | None = None,
    dims: Collection[int] = (2,),
    input_size: int = 32,
    kinds: Asked | None = None,
) -> SearchStrategy[Tree]:
    """A legal spec as the plain tree that a file would hold.

    ``heads`` asks for networks with a classifier (True), without one (False), or both (None);
    ``dims`` holds the numbers of axes that are drawn. Every network takes pictures of
    ``input_size`` pixels a side and larger ones: operations that take maps of one size, such as
    `attention_pool`, are not drawn.

    ``kinds`` maps a family (``stem``, ``block``, ``shortcut``, ``match``, ``change``, ``norm``,
    ``activation``, ``attention``, ``operation``, ``head``) to kinds, built in or registered: every
    network has one of them, and every block of a network is one of the blocks. Raises
    :class:`SpecError` for a family or a kind that there is not.

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=5, database=None)
    ... @given(trees(kinds={"norm": ["group"]}))
    ... def every_norm_has_groups(tree):
    ...     assert tree["norm"]["kind"] == "group"
    >>> every_norm_has_groups()
    """
    limits = Limits(
        max_stages, max_depth, max_width, max_stride, heads, tuple(dims), Wanted.of(kinds)
    )
    return _legal(limits, input_size).map(lambda pair: pair[0])


def specs(
    *,
    max_stages: int = 3,
    max_depth: int = 3,
    max_width: int = 8,
    max_stride: int = 3,
    heads: bool | None = None,
    dims: Collection[int] = (2,),
    input_size: int = 32,
    kinds: Asked | None = None,
) -> SearchStrategy[ResNetSpec]:
    """A legal :class:`~resforge.ResNetSpec`; see :func:`trees` for the options."""
    limits = Limits(
        max_stages, max_depth, max_width, max_stride, heads, tuple(dims), Wanted.of(kinds)
    )
    return _legal(limits, input_size).map(lambda pair: pair[1])


def _legal(limits: Limits, input_size: int) -> SearchStrategy[tuple[Tree, ResNetSpec]]:
    if limits.wanted.head and limits.heads is False:
        message = "heads=False draws networks without a head"
        raise SpecError(Fault("conflict", message, "kinds.head", "leave heads out"))
    legal = partial(made_legal, input_size=input_size)
    drawn = networks(limits).map(legal)
    return drawn.filter(lambda pair: limits.wanted.held_by(pair[1]))
