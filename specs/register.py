"""Growing the language: block kinds that are made known from Python."""

from __future__ import annotations

from pydantic import PydanticUserError

from ..errors import Fault, SpecError
from .block import BLOCKS, BlockSpec
from .network import ResNetSpec
from .stage import BlockEntrySpec, StageSpec

BUILT_IN = frozenset(BLOCKS)


def register_block(spec: type[BlockSpec]) -> None:
    """Make a block kind known to files and plans.

    Raises :class:`SpecError`, and leaves everything as it was, for what is no block kind.
    """
    kind = _kind_of(spec)
    if kind in BUILT_IN:
        message = f"{kind!r} is a built-in kind"
        raise SpecError(Fault("register", message, help="choose another name"))
    if spec.lay is BlockSpec.lay:
        raise _no_kind(spec)
    before = dict(BLOCKS)
    BLOCKS[kind] = spec
    try:
        rebuild_models()
    except PydanticUserError:
        BLOCKS.clear()
        BLOCKS.update(before)
        rebuild_models()
        raise _no_kind(spec) from None


def _kind_of(spec: type[BlockSpec]) -> str:
    if not isinstance(spec, type) or not issubclass(spec, BlockSpec):
        raise _no_kind(spec)
    kind = spec.model_fields["kind"].default
    if not isinstance(kind, str) or not kind.isidentifier():
        raise _no_kind(spec)
    return kind


def _no_kind(spec: object) -> SpecError:
    name = spec.__name__ if isinstance(spec, type) else repr(spec)
    mend = 'derive it from BlockSpec, write kind: Literal["my_block"] = "my_block", define lay'
    return SpecError(Fault("register", f"{name} is no block kind", help=mend))


def rebuild_models() -> None:
    """Let the models that hold a block read :data:`BLOCKS` again."""
    for model in (BlockEntrySpec, StageSpec, ResNetSpec):
        model.model_rebuild(force=True)
