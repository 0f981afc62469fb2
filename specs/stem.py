"""What stands before the first stage."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from .base import expand_kind, short_tree
from .norm import BatchNormSpec
from .operation import Chain, Operation, Steps, shorten_chain, trace_chain
from .registry import Kinds, UnionOf
from .seen import Seen
from .site import Site
from .trace import Trace


class StemSpec(Operation):
    """Base of every kind of stem, built-in or registered.

    A stem is a chain: a kind says which (:meth:`steps`). A kind with a module of its own defines
    ``trace`` and ``call`` instead, as an operation does.
    """

    #: Fields that hold widths, which are scaled with those of the stages.
    width_fields: ClassVar[tuple[str, ...]] = ("width",)

    def steps(self, site: Site) -> Steps:
        """The operations of the stem, by the names that their modules have in the network."""
        return (("stem", self),)

    def short(self) -> Any:
        """The shortest way to write it."""
        return short_tree(self)

    @property
    def out_channels(self) -> int:
        """Channels that the stem puts out for a colour picture."""
        return self.channels(Site.of_end(3, BatchNormSpec(), "relu"))

    def channels(self, site: Site) -> int:
        """Channels that the stem puts out."""
        trace = Trace(site.in_channels, site.point)
        trace_chain(trace, self.steps(site), site, None, fresh=False)
        return trace.channels


STEMS: Kinds[StemSpec] = Kinds("stem", StemSpec)
"""The kinds of stems that a file can name. Grown by :func:`resforge.register`, from Python only."""


def expand_stem(value: Any) -> Any:
    """The long form of a stem: a bare kind, or a chain written out.

    >>> expand_stem("conv7x7"), expand_stem(["norm"])
    ({'kind': 'conv7x7'}, {'kind': 'chain', 'layers': ['norm']})
    """
    return {"kind": "chain", "layers": value} if isinstance(value, list) else expand_kind(value)


AnyStem = Annotated[StemSpec, UnionOf(lambda: STEMS, expand_stem, Chain)]


def biased(seen: Seen, fields: dict[str, Any]) -> dict[str, Any]:
    """``fields`` of a stem, with the bias of its first convolution where a norm follows it."""
    conv = seen.conv("conv1")
    return {**fields, "bias": True} if conv and conv.bias and "bn1" in seen.tensors else fields


def shorten_stem(stem: StemSpec) -> Any:
    """The shortest way to write ``stem``."""
    layers = getattr(stem, "layers", None)
    return stem.short() if layers is None else shorten_chain(layers)
