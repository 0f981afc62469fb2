"""What every part of a spec shares: frozen, strict, no unknown keys, plain numbers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

# Ceilings far above any network that was ever trained and far below what could hurt:
# they are checked before a single layer is laid out.
MAX_CHANNELS = 65_536
MAX_STRIDE = 16
MAX_STAGES = 64
MAX_BLOCKS = 10_000

Channels = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
Stride = Annotated[int, Field(ge=1, le=MAX_STRIDE)]
Depth = Annotated[int, Field(ge=1, le=MAX_BLOCKS)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]


class Spec(BaseModel):
    """A frozen, strict pydantic model: the base of every part of the language."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


def expand_kind(value: Any) -> Any:
    """The long form of a bare kind.

    >>> expand_kind("basic")
    {'kind': 'basic'}
    """
    return {"kind": value} if isinstance(value, str) else value


def shorten_kind(tree: Any) -> Any:
    """The inverse of :func:`expand_kind`, where only the kind is left.

    >>> shorten_kind({"kind": "basic"})
    'basic'
    """
    return tree["kind"] if isinstance(tree, dict) and set(tree) == {"kind"} else tree


def short_tree(spec: Spec) -> Any:
    """A part of a spec as a user would write it: defaults left out, a bare kind as a string."""
    tree = spec.model_dump(mode="json", exclude_defaults=True)
    kind = getattr(spec, "kind", None)
    return tree if kind is None else shorten_kind({"kind": kind, **tree})
