"""What every part of a spec shares: frozen, strict, no unknown keys, plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError, PydanticKnownError
from pydantic_core.core_schema import ModelSchema, TaggedUnionSchema

from .docstrings import descriptions
from .hints import for_editors
from .plain import is_whole, plain

# Ceilings far above any network that was ever trained and far below what could hurt:
# they are checked before a single layer is laid out.
MAX_CHANNELS = 65_536
MAX_STRIDE = 16
MAX_DILATION = 64
MAX_STAGES = 64
MAX_INPUT = 65_536
MAX_BLOCKS = 10_000

Channels = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
Dilation = Annotated[int, Field(ge=1, le=MAX_DILATION)]
Stride = Annotated[int, Field(ge=1, le=MAX_STRIDE)]
Depth = Annotated[int, Field(ge=1, le=MAX_BLOCKS)]
# Adding 0 makes 0.0 of -0.0, which would be another text for the same thing.
OneZero = AfterValidator(lambda number: number + 0.0)
Rate = Annotated[float, Field(ge=0.0, lt=1.0), OneZero]


def odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise PydanticCustomError(
            "odd",
            "a kernel of {kernel} has no middle",
            {"kernel": kernel, "help": f"use {kernel - 1} or {kernel + 1}"},
        )
    return kernel


OddKernel = Annotated[int, Field(ge=1, le=31), AfterValidator(odd)]
"""The side of a window that is padded by half of it and so keeps the size."""


class _Schema(GenerateJsonSchema):
    """A mapping may leave its ``kind`` to a ``base``, and then fits several members of a union:
    ``anyOf`` where pydantic writes ``oneOf``. Fields are described by their docstrings."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        written = super().model_schema(schema)
        for name, text in descriptions(schema["cls"]).items():
            if name in (properties := written.get("properties", {})):
                properties[name].setdefault("description", text)
        return written

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, BaseModel):  # see `usual`: pydantic 2.11 wants its serializer made
            type(dft).model_rebuild()
        return super().encode_default(dft)

    def tagged_union_schema(self, schema: TaggedUnionSchema) -> JsonSchemaValue:
        written = super().tagged_union_schema(schema)
        written.pop("discriminator", None)
        if "oneOf" in written:
            written["anyOf"] = written.pop("oneOf")
        return written


_Part = TypeVar("_Part", bound="Spec")
_Found = TypeVar("_Found")
_read: Final = object.__getattribute__
keep: Final = object.__setattr__
"""Puts what was found out about a spec into one of its slots; see :func:`kept`."""


def kept(slot: str) -> Callable[[Callable[[_Part], _Found]], Callable[[_Part], _Found]]:
    """Decorator of what is found out about a spec, once, since it never changes.

    It is kept in ``slot``, outside of the fields: copies and pickles leave it behind, comparisons
    do not see it.
    """

    def of(find: Callable[[_Part], _Found]) -> Callable[[_Part], _Found]:
        @wraps(find)
        def found(spec: _Part) -> _Found:
            try:
                # Past pydantic, which would look for a missing one in several places.
                value: _Found = _read(spec, slot)
            except AttributeError:
                value = find(spec)
                keep(spec, slot, value)
            return value

        return found

    return of


PLAIN = {bool, int, float, str, type(None)}


class Spec(BaseModel):
    """A frozen, strict pydantic model: the base of every part of the language.

    Made in Python it takes any mapping, any sequence and NumPy's numbers, as :func:`plain` reads
    them.
    """

    __slots__ = ("_differing", "_hash")

    #: Numbers of axes of the networks in which it can stand.
    legal_dims: ClassVar[tuple[int, ...]] = (1, 2, 3)

    def __hash__(self) -> int:
        # As `kept`, in two thirds of its time: parts are the keys under which layouts are kept, and
        # looked up block by block.
        try:
            found: int = _hash_of(self)
        except AttributeError:
            found = hash((type(self), *self.__dict__.values()))
            keep(self, "_hash", found)
        return found

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __init__(self, /, **tree: Any) -> None:
        super().__init__(**plain(tree))

    # Parts that are validated within a whole come as plain values: pydantic need not call this.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def usual(cls) -> Self:
        """As ``cls()``, for defaults: made when a module is imported, without the validator, whose
        making takes a tenth of a command's start where it holds a union of kinds."""
        return cast(Self, cls.model_construct())

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """A model from a mapping, from an instance, or from what pydantic takes besides."""
        return super().model_validate(plain(obj), **options)

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """The JSON Schema of this part of the language, with hints for editors."""
        options.setdefault("schema_generator", _Schema)
        return for_editors(super().model_json_schema(*args, **options))

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """``model_copy(update=values)`` of a frozen spec, in a quarter of its time."""
        kind = type(self)
        copy = kind.__new__(kind)
        put = object.__setattr__
        put(copy, "__dict__", {**self.__dict__, **values})
        given = self.__pydantic_fields_set__
        put(copy, "__pydantic_fields_set__", given if given >= values.keys() else given | {*values})
        put(copy, "__pydantic_extra__", None)
        put(copy, "__pydantic_private__", None)
        return copy

    def as_plain(self) -> dict[str, Any]:
        """``model_dump(mode="json")``, in a fraction of its time where all is plain already."""
        plain: dict[str, Any] = {}
        for name, value in self.__dict__.items():
            if type(value) in PLAIN:
                plain[name] = value
            elif isinstance(value, Spec):
                plain[name] = value.as_plain()
            else:
                return self.model_dump(mode="json")
        return plain

    @kept("_differing")
    def _as_differing(self) -> dict[str, Any]:
        """The fields that differ from their defaults, the kind too."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def differing(self, *names: str) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain values: of ``names``, or of all but
        the kind."""
        return {
            name: value
            for name, value in self._as_differing().items()
            if (name in names if names else name != "kind")
        }

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        # Unions are read from registries, which are full only when all kinds have been imported.
        defer_build=True,
    )


_hash_of: Final = Spec.__dict__["_hash"].__get__


def _whole(value: Any) -> Any:
    # Python holds true for equal to 1; the language does not.
    if not is_whole(value):
        raise PydanticKnownError("int_type")
    return value


Whole = BeforeValidator(_whole)
"""The annotation of a choice among whole numbers."""


def _known_version(value: Any) -> Any:
    if _whole(value) != VERSION:
        remedy = f"write {VERSION}" + (", or upgrade resforge" if value > VERSION else "")
        message = f"this resforge reads version {VERSION} of the language, not {value}"
        raise PydanticCustomError("version", "{message}", {"message": message, "help": remedy})
    return value


VERSION = 1
Version = Annotated[Literal[1], BeforeValidator(_known_version)]


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
    for name in tree:
        part = getattr(spec, name)
        if isinstance(part, Spec):
            tree[name] = short_tree(part)
    kind = getattr(spec, "kind", None)
    return tree if kind is None else shorten_kind({"kind": kind, **tree})
