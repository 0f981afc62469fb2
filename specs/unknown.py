"""Help for keys, kinds and values that the language does not have: by meaning, then by spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic_core import ErrorDetails

from ..errors import SpecError
from .activation import ACTIVATIONS
from .elsewhere import VALUES, WHOLE, folded, ours, ours_in
from .held import FAMILIES, Model, kind_in, models_of
from .near import OWN_KINDS, meant, near_kinds
from .operation import OPERATIONS, Operation
from .paths import nearest, parse_path
from .shown import shown

Explained = tuple[str, str, str | None]  # code, message, help


def unknown_key(detail: ErrorDetails, owners: list[Model]) -> Explained:
    """A key that the part of the language in its place has not."""
    key = str(detail["loc"][-1])
    return "key", f"unknown key '{key}'", _help_for_key(key, detail["input"], owners)


def _help_for_key(key: str, given: Any, owners: list[Model]) -> str:
    known = [name for owner in owners for name in owner.model_fields]
    if "stages" in known and key in WHOLE and (help_ := WHOLE[key](given)):
        return help_
    if same := meant_key(key, given, owners):
        return f"write {_rewritten(same, given, owners)}"
    begun = next((name for name in known if name.startswith(key)), None)
    inside = [] if begun else _fields_with(key, owners)
    others = _kinds_with(key, owners)
    if inside and not others:
        return f"'{key}' belongs inside {' or '.join(inside)}"
    # Meaning goes before spelling, which goes before what another kind has.
    for name in () if begun else ours(key):
        if fields := _fields_with(name, owners):
            where = fields[0].strip("'")
            return f"write {where}: {{{_rewritten(name, given)}}}"
    if _is_path(key):
        part = key.replace("[", ".").partition(".")[0]
        return (
            f"paths are for --set, replace and sweeps: `resforge new NAME --set '{key}=...'`; "
            f"a file holds the whole of {part}"
        )
    if close := begun or nearest(key, known):
        return f"did you mean '{close}'?"
    if others:
        return f"'{key}' belongs to {' or '.join(others)}"
    return f"allowed here: {', '.join(known)}"


def meant_key(key: str, given: Any, owners: list[Model]) -> str | None:
    """The key of the same place that an unknown one means; None for none."""
    known = {name for owner in owners for name in owner.model_fields}
    if "stages" in known:
        known.add("base")  # which is resolved before the fields are read
        if isinstance(given, str) and "block" in key:
            return None
    return ours_in(key, known)


def _rewritten(key: str, given: Any, owners: Iterable[Model] = ()) -> str:
    """``given`` under a key of ours, as it would stand in a file."""
    numbers = list(given) if isinstance(given, list | tuple) else []
    if key == "stages":
        depths = [n for n in numbers if type(n) is int] or [2]
        return stages_of(depths)
    if type(given) is int:
        fields = [owner.model_fields[key] for owner in owners if key in owner.model_fields]
        several = [field.default for field in fields if isinstance(field.default, tuple)]
        if several:
            return f"{key}: [{', '.join([str(given)] * len(several[0]))}]"
    if isinstance(given, bool | int | float) or given is None:
        return f"{key}: {shown(given)}"
    if isinstance(given, str) and len(given) <= 40 and given.isprintable():
        return f"{key}: {given}"
    return f"{key}: ..."


def stages_of(depths: Iterable[int]) -> str:
    """Stages of so many blocks, as they would stand in a file."""
    return f"stages: [{', '.join(stage_of(depth, i) for i, depth in enumerate(depths))}]"


def stage_of(depth: int, index: int) -> str:
    """A stage of so many blocks, of the width that is usual at its place."""
    stride = ", stride: 2" if index else ""
    return f"{{depth: {depth}, width: {64 * 2 ** min(index, 5)}{stride}}}"


def _is_path(key: str) -> bool:
    try:
        return len(parse_path(key)) > 1
    except SpecError:
        return False


def _fields_with(key: str, owners: list[Model]) -> list[str]:
    """The fields whose values have ``key``, one level down."""
    fields = [(name, field) for owner in owners for name, field in owner.model_fields.items()]
    return [
        f"'{name}'"
        for name, field in fields
        if any(key in model.model_fields for model in models_of(field.annotation))
        and not _is_chain(field.annotation)
    ]


def _is_chain(annotation: Any) -> bool:
    """Whether a field holds a chain, whose operations have fields of every name."""
    return annotation is Operation or any(map(_is_chain, get_args(annotation)))


def _kinds_with(key: str, owners: list[Model]) -> list[str]:
    """The kinds of the same family that have ``key``, where the user's kind has not."""
    families = (list(kinds().values()) for kinds in FAMILIES.values())
    own = next((family for family in families if any(owner in family for owner in owners)), [])
    found = [model for model in own if key in model.model_fields]
    return [f"'{kind_in(model)}'" for model in found if kind_in(model) != "chain"]


def unknown_value(detail: ErrorDetails, owners: list[Model]) -> Explained:
    """A value that is none of those allowed."""
    context = detail.get("ctx", {})
    given = context.get("tag", detail["input"])
    allowed = str(context.get("expected_tags") or context.get("expected")).replace(" or ", ", ")
    names = [name.strip().strip("'") for name in allowed.split(",")]
    # A chain is written out, not named.
    names = [name for name in names if name != "chain"]
    message = f"{shown(given)} is not one of {', '.join(names)}"
    if isinstance(given, str) and "." not in given and set(names) == set(OPERATIONS):
        return "value", f"there is no operation {shown(given)}", meant(given, OPERATIONS)
    # An activation stands under other keys as well: {act: relu}.
    family = ("activation",) if {*names} == {*ACTIVATIONS} else ()
    if help_ := meant_value((*detail["loc"], *family), given):
        return "value", message, help_
    if close := nearest(given, names) or _synonym(given, names):
        return "value", message, f"did you mean '{close}'?"
    if isinstance(given, str) and "." in given:
        return "value", message, "a file holds names only; new kinds are registered from Python"
    return "value", message, f"use {' or '.join(names[:6])}{OWN_KINDS if _are_kinds(names) else ''}"


def _are_kinds(names: list[str]) -> bool:
    """Whether ``names`` are all kinds of a family that :func:`resforge.register` takes."""
    grown = [kinds() for base, kinds in FAMILIES.items() if issubclass(base, Operation)]
    return any({*names} == {*family} - {"chain"} for family in grown)


def meant_value(loc: tuple[int | str, ...], given: Any) -> str | None:
    """What to write for a value that has another name here; None where no table knows it."""
    keys = [part for part in loc if isinstance(part, str) and part not in ("kind", "match")]
    word = folded(shown(given).strip("'"))
    return next((VALUES[key, word] for key in reversed(keys) if (key, word) in VALUES), None)


def _synonym(given: Any, names: list[str]) -> str | None:
    """The kind that has such a name elsewhere, in the family that has all of the ``names``."""
    for kinds in FAMILIES.values():
        family: Mapping[str, Any] = kinds()
        if set(names) <= set(family) and all(hasattr(m, "synonyms") for m in family.values()):
            found = [kind for kind in near_kinds(given, family) if kind in names]
            return found[0] if found else None
    return None


def no_kind(detail: ErrorDetails, held: list[Model]) -> Explained:
    """A mapping without a ``kind``: the kinds that have the keys given, where some do."""
    given = detail["input"]
    keys = set(given) if isinstance(given, dict) else set()
    kinds = [kind_in(model) for model in held]
    for key in keys:
        if "kind" in ours(str(key)) and given[key] in kinds:
            renamed = _renamed(given, key, next(m for m in held if kind_in(m) == given[key]))
            return "missing", f"'kind' is missing; here it is called '{key}'", f"write {renamed}"
    fits = [kind_in(model) for model in held if keys <= set(model.model_fields)]
    named = [kind for kind in fits or kinds if kind != "chain"]
    return "missing", "'kind' is missing", f"write kind: {' or '.join(dict.fromkeys(named))}"


def _renamed(given: dict[str, Any], kind_key: str, model: Model) -> str:
    """A mapping under our names, as it would stand in a file."""
    parts = [f"kind: {given[kind_key]}"]
    for key, value in given.items():
        if key != kind_key:
            name = key if key in model.model_fields else ours_in(str(key), model.model_fields)
            parts.append(_rewritten(name or str(key), value, [model]))
    return f"{{{', '.join(parts)}}}"
