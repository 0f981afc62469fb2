"""pydantic's errors in the words of the spec language."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import Fault, path_text
from .activation import ACTIVATION_KINDS, ACTIVATIONS, ActivationSpec
from .attention import AttentionSpec, attention_kinds
from .block import BLOCKS, BlockSpec
from .by_axis import WAYS
from .head import HEADS, HeadSpec
from .join import JOINS, JoinSpec
from .near import meant
from .operation import OPERATIONS, Operation
from .paths import Path, nearest
from .shortcut import SHORTCUTS, ShortcutSpec
from .stem import STEMS, StemSpec

Model = type[BaseModel]
MAX_FAULTS = 1000
_EXAMPLES = {
    "resforge": "resforge: 1",
    "stages": "stages: [{depth: 2, width: 64}]",
    "width": "width: 64",
    "kind": "kind: basic",
    "sweep": "sweep: 1",
    "space": "space: 1",
    "free": "free: {shortcut: [zero_pad, projection]}",
    "of": "of: stages[0].width",
    "base": "base: resnet18",
    "rate": "rate: 0.2",
    "kernel": "kernel: 3",
    "pool": "pool: avg",
    "heads": "heads: 32, a divisor of the channels",
    "path": "path: data, the folder that holds the files",
    "to": "to: A, an arm, or with axis one of its labels",
}
_FAMILIES: dict[type, Callable[[], Mapping[str, Any]]] = {
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
Explained = tuple[str, str, str | None]  # code, message, help


def faults_of(error: ValidationError, model: Model, tree: Any = None) -> tuple[list[Fault], int]:
    """One fault for each thing pydantic found wrong with a ``model``, and how many more it found.

    ``tree`` is what the user wrote, before short forms were spelled out: paths follow it.
    """
    found = error.errors(include_url=False)
    # A list with a wrong item in it is then called too short as well.
    around = {detail["loc"][:end] for detail in found for end in range(len(detail["loc"]))}
    details = [d for d in found if d["type"] != "too_short" or d["loc"] not in around]
    faults = []
    for detail in details[:MAX_FAULTS]:
        path, owners, held = _walk(model, detail["loc"])
        if detail["type"] == "union_tag_invalid":
            path = (*path, "kind")
        path = (*path, *detail.get("ctx", {}).get("under", ()))
        code, message, help_ = _explain(detail, owners, held)
        faults.append(Fault(code, message, path_text(_as_written(path, tree)), help_))
    return list(dict.fromkeys(faults)), len(details[MAX_FAULTS:])


def _as_written(path: Path, tree: Any) -> Path:
    """``path`` without the parts that only the long form of a short one has."""
    written: list[str | int] = []
    for part in path:
        found = isinstance(tree, dict) and part in tree
        found = found or (isinstance(tree, list) and isinstance(part, int))
        if not found and part in ("match", "change"):
            continue
        if not found and part == "layers" and isinstance(tree, list):
            continue  # a chain that is the whole of a stem or a head
        short = _short_key(part, tree) if not found else None
        if short is not None:
            part, found = short, True
        if not found and isinstance(part, int) and isinstance(tree, dict):
            continue
        if not found and part in ("kind", "base") and isinstance(tree, str):
            continue
        written.append(part)
        tree = tree[part] if found else None
    return tuple(written)


def _short_key(part: str | int, tree: Any) -> str | None:
    """The key of a short form whose value is the field ``part``: ``conv`` of ``{conv: 3}``."""
    if not isinstance(tree, dict) or "kind" in tree:
        return None
    families: list[tuple[str, Any]] = [*OPERATIONS.items(), *JOINS.items()]
    keys = [kind for kind, model in families if model.main == part and kind in tree]
    return keys[0] if keys else None


def shown(value: Any) -> str:
    """A value as it would stand in a file, cut short where it is long.

    >>> shown(True), shown(None), shown("50"), shown([1, 2])
    ('true', 'null', "'50'", 'a list')
    """
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping | BaseModel):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if hasattr(value, "tolist"):
        return "an array" if type(value).__module__.startswith("numpy") else "a tensor"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _walk(model: Model, loc: tuple[int | str, ...]) -> tuple[Path, list[Model], list[Model]]:
    """The path a user would write for ``loc``, the models it ends in, and those it could hold.

    pydantic puts the tag of a union into ``loc``; a user's path has no such part.
    """
    path: list[int | str] = []
    here, owners = [model], [model]
    in_mapping = False  # whose keys are the user's own
    for part in loc:
        tagged = [m for m in here if isinstance(part, str) and _kind(m) == part]
        if tagged:
            here = owners = tagged
            continue
        if part in WAYS:
            continue
        path.append(part)
        if isinstance(part, str):
            owners = here
            fields = [m.model_fields[part] for m in here if part in m.model_fields]
            if fields or not in_mapping:
                here = [m for field in fields for m in _models(field.annotation)]
            in_mapping = any(get_origin(field.annotation) is dict for field in fields)
    return tuple(path), owners, here


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model an annotation can hold, through unions, tuples and registered kinds."""
    if isinstance(annotation, type) and annotation in _FAMILIES:
        yield from _FAMILIES[annotation]().values()
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for argument in get_args(annotation):
            yield from _models(argument)


def _kind(model: type[BaseModel]) -> Any:
    field = model.model_fields.get("kind")
    return field.default if field is not None else None


def _explain(detail: ErrorDetails, owners: list[Model], held: list[Model]) -> Explained:
    kinds = [kind for kind in map(_kind, held) if kind not in (None, "chain")]
    if detail["type"] == "union_tag_not_found":
        return _no_kind(detail, held)
    if detail["type"] in ("model_type", "model_attributes_type") and kinds:
        if set(kinds) == set(OPERATIONS):
            message = f"expected an operation, not {shown(detail['input'])}"
            return "type", message, "write one, such as norm or {conv: 3}"
        message = f"expected a kind or a mapping, not {shown(detail['input'])}"
        return "type", message, f"write {' or '.join(kinds)}, or {{kind: {kinds[0]}, ...}}"
    explain = _EXPLAINERS.get(detail["type"])
    if explain is None:
        return "value", detail["msg"], detail.get("ctx", {}).get("help")
    return explain(detail, owners)


def _missing(detail: ErrorDetails, owners: list[Model]) -> Explained:
    key = str(detail["loc"][-1])
    return "missing", f"'{key}' is missing", f"write {_EXAMPLES.get(key, key + ': ...')}"


def _unknown_key(detail: ErrorDetails, owners: list[Model]) -> Explained:
    key = str(detail["loc"][-1])
    known = [name for owner in owners for name in owner.model_fields]
    message = f"unknown key '{key}'"
    begun = next((name for name in known if name.startswith(key)), None)
    inside = [] if begun else _fields_with(key, owners)
    others = _kinds_with(key, owners)
    if inside and not others:
        return "key", message, f"'{key}' belongs inside {' or '.join(inside)}"
    if close := begun or nearest(key, known):
        return "key", message, f"did you mean '{close}'?"
    if others:
        return "key", message, f"'{key}' belongs to {' or '.join(others)}"
    return "key", message, f"allowed here: {', '.join(known)}"


def _fields_with(key: str, owners: list[Model]) -> list[str]:
    """The fields whose values have ``key``, one level down."""
    fields = [(name, field) for owner in owners for name, field in owner.model_fields.items()]
    return [
        f"'{name}'"
        for name, field in fields
        if any(key in model.model_fields for model in _models(field.annotation))
        and not _is_chain(field.annotation)
    ]


def _is_chain(annotation: Any) -> bool:
    """Whether a field holds a chain, whose operations have fields of every name."""
    return annotation is Operation or any(map(_is_chain, get_args(annotation)))


def _kinds_with(key: str, owners: list[Model]) -> list[str]:
    """The kinds of the same family that have ``key``, where the user's kind has not."""
    families = (list(kinds().values()) for kinds in _FAMILIES.values())
    own = next((family for family in families if any(owner in family for owner in owners)), [])
    found = [model for model in own if key in model.model_fields]
    return [f"'{_kind(model)}'" for model in found if _kind(model) != "chain"]


def _unknown_value(detail: ErrorDetails, owners: list[Model]) -> Explained:
    context = detail.get("ctx", {})
    given = context.get("tag", detail["input"])
    allowed = str(context.get("expected_tags") or context.get("expected")).replace(" or ", ", ")
    names = [name.strip().strip("'") for name in allowed.split(",")]
    # A chain is written out, not named.
    names = [name for name in names if name != "chain"]
    message = f"{shown(given)} is not one of {', '.join(names)}"
    if isinstance(given, str) and "." not in given and set(names) == set(OPERATIONS):
        return "value", f"there is no operation {shown(given)}", meant(given, OPERATIONS)
    if close := nearest(given, names):
        return "value", message, f"did you mean '{close}'?"
    if isinstance(given, str) and "." in given:
        return "value", message, "a file holds names only; new kinds are registered from Python"
    return "value", message, f"use {' or '.join(names[:6])}"


def _no_kind(detail: ErrorDetails, held: list[Model]) -> Explained:
    """Names the kinds that have the keys given, where some do."""
    given = detail["input"]
    keys = set(given) if isinstance(given, dict) else set()
    fits = [_kind(model) for model in held if keys <= set(model.model_fields)]
    kinds = [kind for kind in fits or map(_kind, held) if kind != "chain"]
    return "missing", "'kind' is missing", f"write kind: {' or '.join(dict.fromkeys(kinds))}"


def _wants(what: str, mend: str) -> Callable[[ErrorDetails, list[Model]], Explained]:
    def explain(detail: ErrorDetails, owners: list[Model]) -> Explained:
        given = detail["input"]
        help_ = mend
        if isinstance(given, str) and "number" in what and given.strip("+-").isdigit():
            help_ = f"remove the quotes: {given}"
        if isinstance(given, float) and "whole" in what and given.is_integer():
            help_ = f"write {int(given)}"
        if hasattr(given, "tolist"):
            help_ = "arrays and tensors are not read: call their .tolist()"
        return "type", f"expected {what}, not {shown(given)}", help_

    return explain


def _wrong_pattern(detail: ErrorDetails, owners: list[Model]) -> Explained:
    """Of the fields with a pattern only widths are the user's own words."""
    message = f"{shown(detail['input'])} is no multiple of a width"
    help_ = "write x2 or x1/2 of the stage's width, in or in1/2 of the block's input, or a number"
    return "value", message, help_


def _out_of_range(detail: ErrorDetails, owners: list[Model]) -> Explained:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    (key, bound), *_ = ((k, v) for k, v in detail["ctx"].items() if k in words)
    message = f"{shown(detail['input'])} is out of range"
    return "range", message, f"use {words[key]} {bound}"


def _wrong_length(detail: ErrorDetails, owners: list[Model]) -> Explained:
    context = detail["ctx"]
    short = "min_length" in context
    bound = context["min_length" if short else "max_length"]
    given = detail["input"]
    what = "character" if isinstance(given, str) else "item"
    message = (
        f"expected {'at least' if short else 'at most'} {bound} {what}{'s' * (bound != 1)}, "
        f"not {len(given)}"
    )
    return "range", message, "write [ ..., ... ]" if short else f"leave some {what}s out"


_number = _wants("a whole number", "write a number such as 64")
_mapping = _wants("a mapping", "write {key: value, ...}")
_EXPLAINERS: dict[str, Callable[[ErrorDetails, list[Model]], Explained]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "literal_error": _unknown_value,
    "union_tag_invalid": _unknown_value,
    "int_type": _number,
    "int_from_float": _number,
    "int_parsing_size": _number,
    "float_type": _wants("a number", "write a number such as 0.1"),
    "finite_number": _wants("a finite number", "write a number such as 0.1"),
    "string_type": _wants("text", "write a name"),
    "bool_type": _wants("true or false", "write true or false"),
    "tuple_type": _wants("a list", "write [ ... ]"),
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "dict_type": _mapping,
    "greater_than_equal": _out_of_range,
    "greater_than": _out_of_range,
    "less_than_equal": _out_of_range,
    "less_than": _out_of_range,
    "too_short": _wrong_length,
    "too_long": _wrong_length,
    "string_too_long": _wrong_length,
    "string_pattern_mismatch": _wrong_pattern,
}
