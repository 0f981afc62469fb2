"""The words of the catalogue's networks, as proposals where no kind has one of its own that fits.

So a network of other widths or depths is told like the published one whose parts it has, whatever
these parts are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..errors import SpecError
from ..planner.known import parts_of
from ..specs.block import AnyBlock, BlockSpec
from ..specs.head import AnyHead, HeadSpec
from ..specs.seen import Seen
from ..specs.shortcut import AnyShortcut, ShortcutSpec
from ..specs.stem import AnyStem, StemSpec

_PARTS: dict[str, Any] = {
    "blocks": AnyBlock,
    "shortcuts": AnyShortcut,
    "stems": AnyStem,
    "heads": AnyHead,
}


@cache
def _published(noun: str, dims: int) -> tuple[Any, ...]:
    """The parts of the catalogue's networks of ``dims`` axes, each once."""
    adapter = TypeAdapter(_PARTS[noun])
    return tuple(dict.fromkeys(map(adapter.validate_python, parts_of(dims).get(noun, ()))))


def published_blocks(dims: int) -> tuple[BlockSpec, ...]:
    """The blocks of the catalogue's networks of ``dims`` axes."""
    return _published("blocks", dims)


def published_shortcuts(dims: int) -> tuple[ShortcutSpec, ...]:
    """Their shortcuts."""
    return _published("shortcuts", dims)


def published_stems(seen: Seen, dims: int) -> Iterator[StemSpec]:
    """Their stems, with the widths that show."""
    widths = [conv.out_channels for conv in seen.convs]
    for stem in _published("stems", dims):
        tree = stem.model_dump(mode="json")
        convs = [layer for layer in tree.get("layers", ()) if layer["kind"] == "conv"]
        for layer, width in zip(convs, widths, strict=False):
            layer["width"] = width
        for name in stem.width_fields:
            several = isinstance(tree[name], list)
            tree[name] = widths[: len(tree[name])] if several else (widths or [1])[0]
        try:
            yield type(stem)(**tree)
        except (SpecError, ValidationError):
            continue


def published_heads(seen: Seen, dims: int) -> Iterator[HeadSpec]:
    """Their heads that are written out, with the classes that show."""
    weights = [shapes["weight"] for shapes in seen.tensors.values() if "weight" in shapes]
    classes = [shape[0] for shape in weights if len(shape) == 2]
    for head in _published("heads", dims):
        if classes:
            found: Any = head.with_classes(classes[-1])
            if found is not None:
                yield found
