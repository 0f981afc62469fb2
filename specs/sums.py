"""The sums over the commonest blocks, without records of layers.

What slides over the maps of a block, how large these are and how far their elements see does not
depend on channels: that is the block's :class:`Course`, which blocks of many widths share. With the
channels of one it says what that block adds to a network. What is counted is counted by the
functions by which a :class:`~resforge.specs.trace.Trace` counts it.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, Final, NamedTuple

from .activation import PReLUSpec, fields_of
from .layer import End, Module
from .norm import GroupedNorm
from .operation import Operation, Steps, is_bare, settled, trace_chain
from .operations import ActSpec, ConvSpec, NormOpSpec
from .operations.norm import ActivatedNormSpec
from .site import Choices, Site
from .tally import Tally, tally_of
from .trace import Trace, convolved
from .windows import Sliding, slid

# Skips the Python-level call of a named tuple's constructor.
_new = tuple.__new__


class Form:
    """An operation at a place, all but its channels.

    Compared by identity, which is much faster where one is looked up: equal ones are one.
    """

    __slots__ = ("bias", "dims", "gains", "module", "op", "open", "way")

    def __init__(self, op: Any, dims: int, way: Sliding | None = None, bias: bool = False) -> None:
        self.op, self.dims, self.way, self.bias = op, dims, way, bias
        self.gains = way is not None and bool(op.tensors(1, dims))
        grouped = isinstance(op, NormOpSpec) and isinstance(op.norm, GroupedNorm)
        #: Whether what it means depends on its channels.
        self.open = way is not None or grouped
        #: What it writes down, where that is the same for any channels.
        self.module = Module("", op, 1, 1, (), False, dims)

    def of(self, out_channels: int, groups: int) -> Module:
        """The operation with its channels."""
        if not self.open:
            return self.module
        trace = Trace(out_channels, (1,) * self.dims)
        if self.way is not None:
            tensors = self.op.tensors(out_channels, self.dims)
            trace.convolve("", out_channels, self.way, groups, self.bias, tensors)
        layers = tuple(trace.layers)
        return Module("", self.op, out_channels, out_channels, layers, False, self.dims)


_form: Final = lru_cache(4096)(Form)


class Term(NamedTuple):
    """An operation that counts something."""

    form: Form | None
    """None for one whose meaning does not depend on its channels."""
    positions: int
    """Elements of each channel that it puts out, where it convolves."""
    numbers: int
    """Its learnable numbers for each channel, where it does not."""


Counted = tuple[Form, int, int]
"""An operation whose meaning depends on its channels, with those that it puts out, and its
groups."""


class Part:
    """A chain of a course.

    >>> from resforge.specs.norm import BatchNormSpec
    >>> from resforge.specs.operation import named
    >>> site = Site.of_end(3, BatchNormSpec(), "relu")
    >>> chain = named((ConvSpec(kernel=7, width=64, stride=2), NormOpSpec(), ActSpec()), "")
    >>> at = Trace(3, (224, 224))
    >>> part = Part(at, chain, site)
    >>> at.size, part.depth, part.count(3, None, site, sums := Sums())
    ((112, 112), 1, 64)
    >>> sums.params, sums.macs, sums.activations
    (9536, 118013952, 802816)
    """

    __slots__ = ("depth", "fits", "meant", "terms")

    def __init__(self, at: Trace, steps: Steps, site: Site) -> None:
        """Move ``at`` over a chain, all but its channels."""
        self.depth, self.fits = 0, True
        #: All of its operations.
        self.meant: list[Form] = []
        #: Those that count something.
        self.terms: list[Term] = []
        for name, op in settled(steps, site.choices):
            if op.__class__ is ConvSpec:
                form, numbers = self._slide(at, op, site), 0
            elif isinstance(op, NormOpSpec):
                form = _form(op, site.dims)
                numbers = 0 if op.norm is None else op.norm.numbers(op.activated)
            else:
                form, numbers = self._pass(at, name, op, site), 0
            self.meant.append(form)
            if form.open or numbers:
                term = form if form.open else None, prod(at.size), numbers
                self.terms.append(_new(Term, term))

    def _slide(self, at: Trace, op: Any, site: Site) -> Form:
        """Move over a convolution."""
        way = op.slides(at, site)
        if not way.keeps:
            at.size, first, last, fits = slid(way, at.size)
            at.move(first, last, way.stride)
            self.fits = self.fits and fits
        self.depth += at.path == "main"
        return _form(op, site.dims, way, op.biased(site))

    def _pass(self, at: Trace, name: str, op: Operation, site: Site) -> Form:
        """Move over what counts nothing."""
        if not is_bare(op.__class__):
            return _form(op, site.dims)
        before = len(at.layers)
        trace_chain(at, ((name, op),), site, None, fresh=False)
        form = Form(op, site.dims)
        form.module = at.modules[-1]
        self.fits = self.fits and tally_of(at.layers[before:], [form.module], at.end).fits
        return form

    def count(self, channels: int, missing_width: int | None, site: Site, sums: Sums) -> int:
        """Count its operations into ``sums``; the channels that it puts out of those that it
        takes."""
        for form, positions, numbers in self.terms:
            if numbers:
                sums.params += channels * numbers
            if form is None:
                continue
            groups, way = 1, form.way
            if way is not None:
                op, taken = form.op, channels
                width = taken if missing_width is None else missing_width
                channels, groups = op.widths(width, site)
                tensors = op.tensors(channels, form.dims) if form.gains else ()
                counts = convolved(taken, channels, way, groups, form.bias, tensors, positions)
                sums.params += counts[0]
                sums.macs += counts[1]
                sums.activations += counts[2]
            sums.counted.append((form, channels, groups))
        return channels


class Sums:
    """The sums of a block of which the course is known, and its operations whose meaning depends on
    their channels."""

    __slots__ = ("activations", "counted", "macs", "params")

    def __init__(self) -> None:
        self.params = self.macs = self.activations = 0
        self.counted: list[Counted] = []


class Course:
    """A block on maps of one size, all but its channels.

    Compared by identity, as a :class:`Form` is.
    """

    __slots__ = ("depth", "end", "fits", "meets", "parts", "shortcut")

    def __init__(self, parts: tuple[Part, ...], shortcut: Any, end: End, meets: bool) -> None:
        self.parts, self.shortcut = parts, shortcut
        #: Where the block ends, but for its channels.
        self.end = end
        #: Whether its chains end in maps of one size.
        self.meets = meets
        self.depth = sum(part.depth for part in parts)
        self.fits = all(part.fits for part in parts)

    def count(self, site: Site) -> tuple[Sums, bool]:
        """The sums of the block with the channels of ``site``, and whether each chain ends in the
        block's shape."""
        sums, wanted = Sums(), site.out_channels
        entry, branch, path, exit_ = self.parts
        start = entry.count(site.in_channels, None, site, sums)
        channels = branch.count(start, site.width, site, sums)
        meets = self.meets and channels == wanted
        if not self.shortcut.absent:
            meets = path.count(start, wanted, site, sums) == wanted and meets
        meets = exit_.count(channels, None, site, sums) == wanted and meets
        return sums, meets

    def tally(self, site: Site, sums: Sums) -> Tally:
        """What the block adds to a network."""
        counts = sums.params, sums.macs, sums.activations
        return _new(Tally, (*counts, self.depth, site.out_channels, self.end, self.fits))


@lru_cache(1024)
def are_summed(chains: tuple[Steps, ...], choices: Choices) -> bool:
    """Whether a course says all of some chains in a network of those choices."""
    return all(_is_summed(op) for steps in chains for _, op in settled(steps, choices))


def _is_summed(op: Operation) -> bool:
    """Registered kinds are not asked: what a class that derives from these counts is its own."""
    kind = op.__class__
    if isinstance(op, ActSpec):
        return kind is ActSpec and not isinstance(fields_of(op.function or "none"), PReLUSpec)
    return kind in (ConvSpec, NormOpSpec, ActivatedNormSpec) or is_bare(kind)
