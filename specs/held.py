"""The models that a field can hold, through unions, chains and registered kinds."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from .activation import ACTIVATION_KINDS, ACTIVATIONS, ActivationSpec
from .attention import AttentionSpec, attention_kinds
from .block import BLOCKS, BlockSpec
from .head import HEADS, HeadSpec
from .join import JOINS, JoinSpec
from .operation import OPERATIONS, Operation
from .shortcut import SHORTCUTS, ShortcutSpec
from .stem import STEMS, StemSpec

Model = type[BaseModel]
FAMILIES: dict[type, Callable[[], Mapping[str, Any]]] = {
    ActivationSpec: lambda: {name: ACTIVATION_KINDS[name] for name in ACTIVATIONS},
    AttentionSpec: attention_kinds,
    BlockSpec: lambda: BLOCKS,
    HeadSpec: lambda: HEADS,
    JoinSpec: lambda: JOINS,
    Operation: lambda: OPERATIONS,
    ShortcutSpec: lambda: SHORTCUTS,
    StemSpec: lambda: STEMS,
}
"""The kinds that a field annotated with the base class of a family can hold."""


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model an annotation can hold, through unions, tuples and registered kinds."""
    if isinstance(annotation, type) and annotation in FAMILIES:
        yield from FAMILIES[annotation]().values()
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for argument in get_args(annotation):
            yield from models_of(argument)


def kind_in(model: Model) -> Any:
    """The name of a kind; None for a model that is none."""
    field = model.model_fields.get("kind")
    return field.default if field is not None else None
