"""The shortcuts of blocks that keep the shape and of blocks that change it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ...text.inline import in_words
from ..base import Spec
from ..shortcut import OPTIONS, AnyShortcut, expand_shortcut, shorten_inner
from .identity import IdentitySpec
from .projection import ProjectionSpec


class ShortcutPairSpec(Spec):
    """The shortcuts of blocks that keep the shape and of blocks that change it."""

    match: AnyShortcut = IdentitySpec()
    """Blocks that keep the shape."""
    change: AnyShortcut = ProjectionSpec()
    """Blocks that change the channels or the size."""


def shorten_shortcut(pair: ShortcutPairSpec) -> Any:
    """The shortest way to write ``pair``; the inverse of :func:`expand_shortcut`.

    >>> from resforge.specs import IdentitySpec, ZeroPadSpec
    >>> shorten_shortcut(ShortcutPairSpec(match=IdentitySpec(), change=ZeroPadSpec()))
    'zero_pad'
    """
    change = shorten_inner(pair.change)
    if ShortcutPairSpec.model_validate(expand_shortcut(change)) == pair:
        return change
    return {"match": shorten_inner(pair.match), "change": change}


_SAID = [f"Option {letter}: `{in_words(short)}`." for letter, short in OPTIONS.items()]
Letter: Any = Annotated[
    Literal[tuple(OPTIONS)], Field(json_schema_extra={"enumDescriptions": list(_SAID)})
]
ShortcutRule = Annotated[
    ShortcutPairSpec,
    BeforeValidator(
        expand_shortcut, json_schema_input_type=Letter | AnyShortcut | ShortcutPairSpec
    ),
]
