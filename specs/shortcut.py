"""What joins a block's input to its output, and where each kind is legal.

The options of He et al. 2015 (arXiv 1512.03385), section 3.3: A is ``zero_pad``, B is
``projection``, C is ``{match: projection, change: projection}``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from .base import Spec, expand_kind, short_tree
from .norm import NormSpec
from .trace import Trace


class _Shortcut(Spec):
    #: What a bare kind means for blocks that keep the shape; None: the kind itself.
    bare_match: ClassVar[str | None] = "identity"
    #: How a help line recommends the kind; None: it does not.
    note: ClassVar[str | None] = None

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        """Why this shortcut cannot join these shapes; None where it can."""
        return None

    def lay(self, trace: Trace, out_channels: int, stride: int, norm: NormSpec, bias: bool) -> None:
        """Write the shortcut's layers; ``norm`` and ``bias`` are what its block gives it."""


class IdentitySpec(_Shortcut):
    """S(x) = x, for blocks that keep the shape."""

    note: ClassVar[str | None] = "x as it is"

    kind: Literal["identity"] = "identity"

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        if in_channels == out_channels and stride == 1:
            return None
        return f"identity cannot join {in_channels} channels to {out_channels} at stride {stride}"


class ProjectionSpec(_Shortcut):
    """S(x) = norm(conv1x1(x)), at the block's stride."""

    note: ClassVar[str | None] = "1x1 convolution, option B"

    kind: Literal["projection"] = "projection"

    def lay(self, trace: Trace, out_channels: int, stride: int, norm: NormSpec, bias: bool) -> None:
        trace.conv("downsample.0", out_channels, 1, stride, bias=bias)
        trace.norm("downsample.1", norm)


class ZeroPadSpec(_Shortcut):
    """S(x) = every stride-th pixel of x, then channels of zeros; without parameters."""

    note: ClassVar[str | None] = "option A"

    kind: Literal["zero_pad"] = "zero_pad"
    pad: Literal["end", "both"] = "end"
    """Where the zero channels stand: all after, or half on either side."""

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        if in_channels <= out_channels:
            return None
        return f"zero_pad can widen, never narrow: {in_channels} channels to {out_channels}"

    def lay(self, trace: Trace, out_channels: int, stride: int, norm: NormSpec, bias: bool) -> None:
        trace.zero_pad("downsample", out_channels, stride)


class NoShortcutSpec(_Shortcut):
    """S(x) = 0: the block of a plain network."""

    bare_match: ClassVar[str | None] = None
    kind: Literal["none"] = "none"


_Kinds = Annotated[
    IdentitySpec | ProjectionSpec | ZeroPadSpec | NoShortcutSpec, Field(discriminator="kind")
]
_Names = Literal["identity", "projection", "zero_pad", "none"]
ShortcutSpec = Annotated[
    _Kinds, BeforeValidator(expand_kind, json_schema_input_type=_Names | _Kinds)
]
SHORTCUTS: tuple[type[_Shortcut], ...] = (
    IdentitySpec,
    ProjectionSpec,
    ZeroPadSpec,
    NoShortcutSpec,
)


class ShortcutPairSpec(Spec):
    """The shortcuts of blocks that keep the shape and of blocks that change it."""

    match: ShortcutSpec = IdentitySpec()
    change: ShortcutSpec = ProjectionSpec()


def expand_shortcut(value: Any) -> Any:
    """The pair that a bare kind, or one kind with its fields, is short for.

    >>> expand_shortcut("zero_pad")
    {'match': {'kind': 'identity'}, 'change': {'kind': 'zero_pad'}}
    >>> expand_shortcut("none")
    {'match': {'kind': 'none'}, 'change': {'kind': 'none'}}
    """
    long = expand_kind(value)
    if isinstance(long, _Shortcut):
        long = long.model_dump()
    if not isinstance(long, dict) or "kind" not in long:
        return long
    bare = {kind.model_fields["kind"].default: kind.bare_match for kind in SHORTCUTS}
    match = bare.get(long["kind"], "identity") if isinstance(long["kind"], str) else "identity"
    return {"match": {"kind": match} if match else long, "change": long}


def shorten_shortcut(pair: ShortcutPairSpec) -> Any:
    """The shortest way to write ``pair``; the inverse of :func:`expand_shortcut`.

    >>> shorten_shortcut(ShortcutPairSpec(match=IdentitySpec(), change=ZeroPadSpec()))
    'zero_pad'
    """
    change = short_tree(pair.change)
    if ShortcutPairSpec.model_validate(expand_shortcut(change)) == pair:
        return change
    return {"match": short_tree(pair.match), "change": change}


ShortcutRule = Annotated[
    ShortcutPairSpec,
    BeforeValidator(expand_shortcut, json_schema_input_type=_Names | _Kinds | ShortcutPairSpec),
]
