"""Growing the language: block kinds that are made known from Python."""

from __future__ import annotations

from .block import BLOCKS, BlockSpec
from .errors import Fault, SpecError
from .network import ResNetSpec
from .stage import BlockEntrySpec, StageSpec


def register_block(spec: type[BlockSpec]) -> None:
    """Make a block kind known to files and plans. Raises :class:`SpecError`."""
    field = spec.model_fields.get("kind") if issubclass(spec, BlockSpec) else None
    kind = field.default if field is not None else None
    if not isinstance(kind, str) or not kind.isidentifier():
        raise SpecError(
            Fault(
                "register",
                f"{spec.__name__} is no block kind",
                help='derive it from BlockSpec and write kind: Literal["my_block"] = "my_block"',
            )
        )
    if kind in BLOCKS and BLOCKS[kind].__module__ == BlockSpec.__module__:
        raise SpecError(
            Fault("register", f"{kind!r} is a built-in kind", help="choose another name")
        )
    BLOCKS[kind] = spec
    rebuild_models()


def rebuild_models() -> None:
    """Let the models that hold a block read :data:`BLOCKS` again."""
    for model in (BlockEntrySpec, StageSpec, ResNetSpec):
        model.model_rebuild(force=True)
