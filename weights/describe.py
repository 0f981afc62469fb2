"""From what a network shows of itself to the trees of the specs that it may have.

No kind is known here by name. Every kind of every registry proposes fields for what shows; the
plan's own code writes each proposal down, and those whose layers are the ones that show are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from ..specs.activation import Activation
from ..specs.head import HeadSpec
from ..specs.shortcut import ShortcutSpec
from ..specs.site import Site
from ..specs.stem import StemSpec
from .chains import SHORTCUT
from .ends import after_closing, closings, heads_of, stem_convolutions, stems_of
from .fit import Fit
from .fits import StageFits, before_prefix, first_that_fits
from .laid import sides, stranger
from .observed import Observed, unknowable
from .stage_tree import Choice, Tree, dump, stages_tree
from .whole import activations_of, convolutions_of, learned_activation, norm_of


class _Ends(NamedTuple):
    """A stem and a head, and the layers outside of the blocks that are of neither."""

    stem: StemSpec
    head: HeadSpec | None
    rest: frozenset[str]


class _Answers(NamedTuple):
    """What need not show, for the whole network."""

    activation: Activation
    ends: _Ends
    hidden: tuple[Any, ...]
    change: ShortcutSpec | None
    match: ShortcutSpec | None


def described(layers: Observed) -> Iterator[Tree]:
    """The trees of the specs that have the layers which show, likeliest first.

    Raises :class:`WeightsError` where there is none.
    """
    seen, norm, learned = layers.seen, norm_of(layers), learned_activation(layers)
    if not layers.depth(1):
        raise stranger(layers, "", seen.tensors, "it has no stage of blocks")
    convolutions = list(convolutions_of(layers))
    site = Site.of_end(_in_channels(layers), norm, learned, convolutions[0], layers.dims)
    stems = stems_of(layers, site)
    if not stems:
        raise unknowable(f"its stem {sides(stem_convolutions(seen), 'stem')}")
    channels, stages = first_that_fits(layers, [stem.channels(site) for stem in stems], site)
    shared = norm, learned, convolutions[0], layers.dims
    last = Site.of_end(stages[-1].blocks[-1][0].site.out_channels, *shared)
    stems = {stem: used for stem, used in stems.items() if stem.channels(site) == channels}
    heads: list[tuple[HeadSpec | None, frozenset[str]]] = [
        *heads_of(layers, after_closing(seen, last)).items(),
        (None, frozenset()),
    ]
    before = [before_prefix(n) for n, stage in enumerate(stages, start=1) if stage.before]
    outside = frozenset(name for name in seen.tensors if not name.startswith(tuple(before)))
    ends = [
        _Ends(stem, head, outside - used - taken)
        for stem, used in stems.items()
        for head, taken in heads
    ]
    left: frozenset[str] | None = None
    for answers in _every_answer(layers, ends, stages):
        rest = answers.ends.rest
        chosen = [[_choose(fits, answers) for fits in stage.blocks] for stage in stages]
        found = list(closings(chosen[-1][-1].block, rest, last, seen))
        if found:
            tree = {
                "resforge": 1,
                "dims": layers.dims,
                "in_channels": site.in_channels,
                "stem": dump(answers.ends.stem),
                **stages_tree(chosen, [stage.before for stage in stages]),
                "norm": norm.model_dump(),
                "activation": _dumped(answers.activation),
                "head": answers.ends.head and dump(answers.ends.head),
            }
            for closing, convolution in product(found, convolutions):
                yield {**tree, "closing": closing, "convolution": convolution.model_dump()}
            left = frozenset()
        elif left is None or len(rest) < len(left):
            left = rest
    if left:
        raise stranger(layers, "", left, "")


def _in_channels(layers: Observed) -> int:
    """The channels of the pictures: those that the first convolution takes, of the stem if any."""
    before = [conv for conv in layers.seen.convs if conv.name.startswith(before_prefix(1))]
    first = layers.parts["layer1.0"].without(SHORTCUT)
    convs = stem_convolutions(layers.seen) or before or first.convs
    if not convs:
        raise unknowable("neither its stem nor its first block has a convolution")
    return convs[0].in_channels


def _every_answer(
    layers: Observed, ends: Sequence[_Ends], stages: Sequence[StageFits]
) -> Iterator[_Answers]:
    """Every set of answers, those first that are likeliest in sum."""
    blocks = [fits for stage in stages for fits in stage.blocks]
    hidden = dict.fromkeys(fit.hidden for fits in blocks for fit in fits)
    change, match = (_alternatives(blocks, side) for side in ("change", "match"))
    answers = product(*map(enumerate, (activations_of(layers), ends, hidden, change, match)))
    for ranked in sorted(answers, key=lambda each: sum(rank for rank, _ in each)):
        yield _Answers(*(answer for _, answer in ranked))  # type: ignore[arg-type]


def _alternatives(blocks: list[list[Fit]], side: str) -> list[ShortcutSpec | None]:
    """The shortcuts of one side of a pair: first those that most blocks may have."""
    counts: Counter[ShortcutSpec] = Counter()
    for fits in blocks:
        counts.update({s: None for fit in fits if fit.side == side for s in fit.shortcuts}.keys())
    return [shortcut for shortcut, _ in counts.most_common()] or [None]


def _choose(fits: list[Fit], answers: _Answers) -> Choice:
    """The fit that the answers ask for, or else the nearest to it."""

    def strangeness(fit: Fit) -> tuple[bool, bool]:
        return fit.hidden != answers.hidden, getattr(answers, fit.side) not in fit.shortcuts

    fit = min(fits, key=strangeness)
    wanted = getattr(answers, fit.side)
    shortcut = wanted if wanted in fit.shortcuts else fit.shortcuts[0]
    return Choice(fit.block, fit.site, fit.side, shortcut)


def _dumped(activation: Activation) -> str | Tree:
    return activation if isinstance(activation, str) else activation.model_dump(mode="json")
