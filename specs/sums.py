"""The sums over chains of the commonest operations, and what each means, without records of layers.

To know a network's size and its identity takes no list of its layers. What is counted is counted
by the functions by which a :class:`~resforge.specs.trace.Trace` counts it; only what is kept
differs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from .activation import PReLUSpec, fields_of
from .layer import End
from .norm import GroupedNorm
from .operation import Operation, Steps, settled
from .operations import ActSpec, ConvSpec, NormOpSpec
from .operations.conv import Convolved
from .operations.norm import ActivatedNormSpec
from .site import Choices, Site
from .tally import Tally
from .trace import Trace, convolved
from .windows import slid

# Skips the Python-level call of a named tuple's constructor.
_new = tuple.__new__


class Step(NamedTuple):
    """An operation at its place: all that it means for the identity of a network."""

    op: Operation
    out_channels: int
    """1 where its meaning does not depend on them."""
    conv: Convolved | None = None
    """The convolution that it is."""


class Term(NamedTuple):
    """An operation that is a convolution, or that leaves the map its shape and multiplies
    nothing."""

    op: Any
    convolves: bool
    numbers: int = 0
    """Learnable numbers for each channel, where it is no convolution."""
    step: Step | None = None
    """What it is at any place, where that is the same."""


Terms = tuple[Term, ...]


@lru_cache(1024)
def terms_of(chains: tuple[Steps, ...], choices: Choices) -> tuple[Terms, ...] | None:
    """The operations of chains in a network of those choices; None where not all are terms."""
    found: list[Terms] = []
    for steps in chains:
        terms = [_term(op) for _, op in settled(steps, choices)]
        known = tuple([term for term in terms if term is not None])
        if len(known) != len(terms):
            return None
        found.append(known)
    return tuple(found)


def _term(op: Operation) -> Term | None:
    """Registered kinds are not asked: what a class that derives from these counts is its own."""
    kind = op.__class__
    if kind is ConvSpec:
        return Term(op, True)
    if isinstance(op, NormOpSpec) and kind in (NormOpSpec, ActivatedNormSpec):
        grouped = isinstance(op.norm, GroupedNorm)
        numbers = 0 if op.norm is None else op.norm.numbers(op.activated)
        return Term(op, False, numbers, None if grouped else Step(op, 1))
    if isinstance(op, ActSpec) and kind is ActSpec:
        learned = isinstance(fields_of(op.function or "none"), PReLUSpec)
        return None if learned else Term(op, False, 0, Step(op, 1))
    return None


class Sums:
    """The sums of a part, chain by chain.

    >>> from resforge.specs.norm import BatchNormSpec
    >>> from resforge.specs.operation import named
    >>> site = Site.of_end(3, BatchNormSpec(), "relu")
    >>> chain = named((ConvSpec(kernel=7, width=64, stride=2), NormOpSpec(), ActSpec()), "")
    >>> sums, at = Sums(), Trace(3, (224, 224))
    >>> (terms,) = terms_of((chain,), site.choices)
    >>> steps = sums.add(at, terms, site, None)
    >>> at.channels, at.size, sums.params, sums.macs
    (64, (112, 112), 9536, 118013952)
    """

    __slots__ = ("activations", "depth", "fits", "macs", "params")

    def __init__(self) -> None:
        self.params = self.macs = self.activations = self.depth = 0
        self.fits = True

    def add(
        self, at: Trace, terms: Terms, site: Site, missing_width: int | None
    ) -> tuple[Step, ...]:
        """Add a chain that begins where ``at`` stands, and move that to its end."""
        steps: list[Step] = []
        channels, main = at.channels, at.path == "main"
        for op, convolves, numbers, step in terms:
            if convolves:
                at.missing_width = channels if missing_width is None else missing_width
                conv = op.convolved(at, site)
                out_channels, way, groups, bias, tensors = conv
                if not way.keeps:
                    at.size, first, last, fits = slid(way, at.size)
                    at.move(first, last, way.stride)
                    self.fits = self.fits and fits
                params, macs, activations = convolved(
                    channels, out_channels, way, groups, bias, tensors, at.size
                )
                self.params += params
                self.macs += macs
                self.activations += activations
                self.depth += main
                at.channels = channels = out_channels
                step = _new(Step, (op, channels, conv))
            else:
                self.params += channels * numbers
                step = step or _new(Step, (op, channels, None))
            steps.append(step)
        return tuple(steps)

    def tally(self, end: End) -> Tally:
        """The sums of a part that ends there."""
        sums = self.params, self.macs, self.activations, self.depth
        return _new(Tally, (*sums, end, self.fits))
