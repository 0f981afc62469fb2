"""Shortcuts made of another shortcut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from ..axes import Axes
from ..operation import Steps
from ..registry import UnionOf
from ..seen import Seen
from ..shortcut import SHORTCUTS, ShortcutSpec, expand_inner
from ..site import Site
from .zero_pad import ZeroPadSpec


def inner_kinds() -> Mapping[str, type[ShortcutSpec]]:
    """The kinds that can stand inside of another: those that are not made of one themselves."""
    return {kind: model for kind, model in SHORTCUTS.items() if not issubclass(model, WrapperSpec)}


AnyInnerShortcut = Annotated[ShortcutSpec, UnionOf(inner_kinds, expand_inner)]


class WrapperSpec(ShortcutSpec):
    """Something done to another shortcut, in every block if the kind stands alone."""

    bare_match: ClassVar[str | None] = None
    words: ClassVar[str] = "{of}"

    of: AnyInnerShortcut = ZeroPadSpec()
    """The shortcut S that is wrapped. The default is x itself where the shape is kept, as in the
    experiments of He et al. 2016 on ResNet-110."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        inside = seen.below("of")
        return [
            {**fields, "of": {"kind": kind, **of}}
            for fields in cls.around(seen)
            for kind, model in inner_kinds().items()
            if not model.absent
            for of in model.proposals(inside)
        ]

    @classmethod
    def around(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        """Fields of the kind's own; none where nothing shows that it is one."""
        return [{}, *({k: v for k, v in s.items() if k != "of"} for s in cls.samples)]

    @property
    def self_validating(self) -> bool:  # type: ignore[override]
        """Whether the shortcut inside can be trusted."""
        return self.of.self_validating

    def why_illegal(self, in_channels: int, out_channels: int, stride: Axes) -> str | None:
        if self.of.absent:
            return f"{self.kind} of none: a plain block has no shortcut"
        return self.of.why_illegal(in_channels, out_channels, stride)

    def steps(self, site: Site) -> Steps:
        steps = self.of.steps(site)
        return tuple((f"of.{name}" if name else "of", op) for name, op in steps)

    def drawn(self, site: Site) -> ShortcutSpec:
        return self.of.drawn_inside(site)
