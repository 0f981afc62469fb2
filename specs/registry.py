"""Kinds that a file can name: one mapping for each family of words, read wherever one may stand.

A family is a plain mapping from a kind's name to the model that holds its fields. The union of
its models is read from the mapping when a model that holds it is built, so that a kind which is
registered later is known to files, faults and the JSON Schema like one that was always there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, Union

from pydantic import BaseModel, BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from .base import Spec, expand_kind

T = TypeVar("T", bound=Spec)


class Kinds(Mapping[str, type[T]], Generic[T]):
    """The kinds of one family, by name.

    ``noun`` is what messages call a member; ``base`` is the class that every member derives from.

    >>> from resforge.specs import STEMS
    >>> sorted(STEMS)[:2], STEMS["conv7x7"].__name__
    (['chain', 'conv3x3'], 'Conv7x7StemSpec')
    """

    def __init__(self, noun: str, base: type[T]) -> None:
        self.noun = noun
        self.base = base
        self._models: dict[str, type[T]] = {}
        self._modules: dict[str, type | None] = {}
        self._built_in: frozenset[str] = frozenset()

    def add(self, *models: type[T]) -> None:
        """Add built-in kinds."""
        self._models |= {kind_of(model): model for model in models}
        self._built_in = frozenset(self._models)

    def put(self, model: type[T], module: type | None = None) -> None:
        """Add a kind that is not built in, or replace one of that name; ``module`` is the class
        that it is registered with."""
        self._models[kind_of(model)] = model
        self._modules[kind_of(model)] = module

    def drop(self, kind: str) -> None:
        """Forget a kind that is not built in."""
        if kind not in self._built_in:
            self._models.pop(kind, None)
            self._modules.pop(kind, None)

    @property
    def built_in(self) -> frozenset[str]:
        """Names of the kinds that resforge itself brings."""
        return self._built_in

    @property
    def registered(self) -> tuple[tuple[type[T], type | None], ...]:
        """The kinds that are not built in, each with the module class that it came with."""
        return tuple((self._models[kind], module) for kind, module in self._modules.items())

    def __getitem__(self, kind: str) -> type[T]:
        return self._models[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)


def kind_of(model: type[BaseModel]) -> str:
    """The name that a file gives ``model``: the default of its field ``kind``."""
    return str(model.model_fields["kind"].default)


class UnionOf:
    """The annotation of a field that holds one member of a family.

    ``expand`` turns a short form into the long one; ``written`` is what the JSON Schema allows
    besides the names of the kinds and their mappings.
    """

    def __init__(
        self,
        kinds: Callable[[], Mapping[str, type[Spec]]],
        expand: Callable[[Any], Any] = expand_kind,
        written: Any = None,
    ) -> None:
        self.kinds, self.expand, self.written = kinds, expand, written

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        models = self.kinds()
        union: Any = Union[tuple(models.values())]  # noqa: UP007
        kinds: Any = Annotated[union, Field(discriminator="kind")] if len(models) > 1 else union
        names: Any = Literal[tuple(kind for kind in models if kind != "chain")]
        parts = [names, kinds, *([] if self.written is None else [self.written])]
        written: Any = Union[tuple(parts)]  # noqa: UP007
        expanded = BeforeValidator(self.expand, json_schema_input_type=written)
        return handler.generate_schema(Annotated[kinds, expanded])
