"""Networks whose specs are not made: for whoever goes through many, most of them for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from .base import keep
from .fields import NetworkFields
from .network import ResNetSpec
from .stage import BlockEntrySpec, StageFrame, StageSpec

# Skips the Python-level call of a named tuple's constructor.
_new = tuple.__new__


class Outline:
    """A network that differs from a ``base`` in its stages. It has the fields of a spec, and stands
    in for that of the network where its blocks, its costs and its identity are found; the spec
    takes several times as long to make.

    >>> base = ResNetSpec(resforge=1, stages=[{"depth": 2, "width": 64}])
    >>> stage = StageOutline.of(base.stages[0]).sized(depth=3, width=32)
    >>> network = Outline(base, [stage])
    >>> network.in_channels, network.stages[0].width, network.stages[0].stride
    (3, 32, 1)
    >>> network.spec() == base.replace({"stages[0].depth": 3, "stages[0].width": 32})
    True
    """

    __slots__ = ("_base", "_runs", "dims", "frame", "in_channels", "stages")

    def __init__(self, base: ResNetSpec, stages: Sequence[StageOutline]) -> None:
        self._base, self.stages = base, stages
        # Read more often than the others.
        self.frame, self.dims, self.in_channels = base.frame, base.dims, base.in_channels

    @classmethod
    def of(cls, spec: ResNetSpec) -> Outline:
        """The outline of a network whose spec is there."""
        return cls(spec, [*map(StageOutline.of, spec.stages)])

    # What follows from its fields.
    point, stem_site = NetworkFields.point, NetworkFields.stem_site
    end_site = NetworkFields.end_site

    def __getattr__(self, name: str) -> Any:
        return _field(self._base, name, _OF_NETWORKS)

    def spec(self) -> ResNetSpec:
        """The spec of the network."""
        found = self._base.with_stages(tuple([stage.spec() for stage in self.stages]))
        if hasattr(self, "_runs"):
            keep(found, "_runs", self._runs)
        return found


class _StageOutline(NamedTuple):
    base: StageSpec
    frame: StageFrame
    blocks: tuple[BlockEntrySpec, ...] | None
    depth: int | None
    width: int | None


class StageOutline(_StageOutline):
    """A stage that may differ from a ``base`` in its depth and its width; see :class:`Outline`."""

    __slots__ = ()

    @classmethod
    def of(cls, spec: StageSpec) -> StageOutline:
        """The outline of a stage whose spec is there, for itself or as a base."""
        return cls(spec, spec.frame, spec.blocks, spec.depth, spec.width)

    def sized(self, depth: int | None, width: int | None) -> StageOutline:
        """The same with another depth and width."""
        return _new(StageOutline, (*self[:3], depth, width))

    # What follows from its fields.
    entries, size, step = StageSpec.entries, StageSpec.size, StageSpec.step
    gives_inner, inner_at = StageSpec.gives_inner, StageSpec.inner_at

    def __getattr__(self, name: str) -> Any:
        return _field(self.base, name, _OF_STAGES)

    def spec(self) -> StageSpec:
        """The spec of the stage."""
        base = self.base
        sizes = {"depth": self.depth, "width": self.width}
        changed = {name: size for name, size in sizes.items() if size != getattr(base, name)}
        return base.with_size(changed) if changed else base


_OF_NETWORKS: Final = frozenset(ResNetSpec.model_fields)
_OF_STAGES: Final = frozenset(StageSpec.model_fields)


def _field(base: ResNetSpec | StageSpec, name: str, fields: frozenset[str]) -> Any:
    """A field of a base; all else that a base has is its own."""
    if name not in fields:
        raise AttributeError(f"an outline has no {name!r}", name=name, obj=base)
    return getattr(base, name)
