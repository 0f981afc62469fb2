"""pydantic's errors in the words of the spec language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import Fault, path_text
from .by_axis import WAYS
from .held import Model, kind_in, models_of
from .join import JOINS
from .operation import OPERATIONS
from .paths import Path
from .shown import shown
from .unknown import (
    Explained,
    meant_key,
    meant_value,
    no_kind,
    stage_of,
    stages_of,
    unknown_key,
    unknown_value,
)

__all__ = ["faults_of", "shown"]

MAX_FAULTS = 1000
#: The type of our own error for ``stages: [3, 4, 6, 3]``.
DEPTHS = "stage_depths"
_EXAMPLES = {
    "resforge": "resforge: 1",
    "stages": "stages: [{depth: 2, width: 64}]",
    "width": "width: 64",
    "kind": "kind: basic",
    "sweep": "sweep: 1",
    "space": "space: 1",
    "SearchSpec.space": "space: cifar_resnets, a shipped space, or a file",
    "SearchSpec.n": "n: 20, the number of networks",
    "StopSpec.first": "first: 20, the steps before the first rung",
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


def faults_of(error: ValidationError, model: Model, tree: Any = None) -> tuple[list[Fault], int]:
    """One fault for each thing pydantic found wrong with a ``model``, and how many more it found.

    ``tree`` is what the user wrote, before short forms were spelled out: paths follow it.
    """
    found = error.errors(include_url=False)
    # A list with a wrong item in it is then called too short as well.
    around = {detail["loc"][:end] for detail in found for end in range(len(detail["loc"]))}
    details = [d for d in found if d["type"] != "too_short" or d["loc"] not in around]
    details = list(_of_whole_lists(_without_meant(details, model), tree))
    faults = []
    for detail in details[:MAX_FAULTS]:
        path, owners, held = _walk(model, detail["loc"])
        if detail["type"] == "union_tag_invalid":
            path = (*path, "kind")
        path = (*path, *detail.get("ctx", {}).get("under", ()))
        code, message, help_ = _explain(detail, owners, held)
        faults.append(Fault(code, message, path_text(_as_written(path, tree)), help_))
    return list(dict.fromkeys(faults)), len(details[MAX_FAULTS:])


def _without_meant(details: list[ErrorDetails], model: Model) -> list[ErrorDetails]:
    """Without the keys that are missing because they are there under another name."""
    if not any(detail["type"] == "missing" for detail in details):
        return details
    meant = set()
    for detail in details:
        if detail["type"] == "extra_forbidden":
            _, owners, _ = _walk(model, detail["loc"])
            key = meant_key(str(detail["loc"][-1]), detail["input"], owners)
            meant.add((*detail["loc"][:-1], key))
            if key == "base":  # which brings the rest
                meant.add((*detail["loc"][:-1], "stages"))
    return [d for d in details if d["type"] != "missing" or d["loc"] not in meant]


def _of_whole_lists(details: list[ErrorDetails], tree: Any) -> Iterator[ErrorDetails]:
    """``details``, with one for each list of numbers of blocks where its stages belong, in place of
    one for each of them."""
    lists: dict[tuple[int | str, ...], bool] = {}
    for detail in details:
        *around, last = detail["loc"] or ("",)
        stages, place = tuple(around), detail["type"] == "model_type" and isinstance(last, int)
        if not (place and stages[-1:] == ("stages",)):
            yield detail
            continue
        if stages not in lists:
            depths = _at(tree, stages)
            lists[stages] = _are_depths(depths)
            if lists[stages]:
                yield {**detail, "type": DEPTHS, "loc": stages, "input": depths}
        if not lists[stages]:
            yield detail


def _at(tree: Any, path: tuple[int | str, ...]) -> Any:
    """What the user wrote at ``path``; None where nothing is."""
    for part in path:
        try:
            tree = tree[part]
        except (LookupError, TypeError):
            return None
    return tree


def _are_depths(value: Any) -> bool:
    """Whether ``value`` is a list of numbers of blocks, short enough to be written as stages."""
    few = isinstance(value, list | tuple) and 0 < len(value) <= 8
    return few and all(type(depth) is int and depth > 0 for depth in value)


def _depths(detail: ErrorDetails, owners: list[Model]) -> Explained:
    message = "expected a mapping for each stage, not only its number of blocks"
    return "type", message, f"write {stages_of(detail['input'])}"


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


def _walk(model: Model, loc: tuple[int | str, ...]) -> tuple[Path, list[Model], list[Model]]:
    """The path a user would write for ``loc``, the models it ends in, and those it could hold.

    pydantic puts the tag of a union into ``loc``; a user's path has no such part.
    """
    path: list[int | str] = []
    here, owners = [model], [model]
    in_mapping = False  # whose keys are the user's own
    for part in loc:
        tagged = [m for m in here if isinstance(part, str) and kind_in(m) == part]
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
                here = [m for field in fields for m in models_of(field.annotation)]
            in_mapping = any(get_origin(field.annotation) is dict for field in fields)
    return tuple(path), owners, here


def _explain(detail: ErrorDetails, owners: list[Model], held: list[Model]) -> Explained:
    kinds = [kind for kind in map(kind_in, held) if kind not in (None, "chain")]
    if detail["type"] == "union_tag_not_found":
        return no_kind(detail, held)
    mismatch = detail["type"] in ("model_type", "model_attributes_type", "tuple_type")
    if mismatch and (help_ := _whole_number(detail, held) or _meant(detail)):
        return "type", f"expected {_wanted(detail)}, not {shown(detail['input'])}", help_
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


def _whole_number(detail: ErrorDetails, held: list[Model]) -> str | None:
    """What to write for a number of blocks where a stage or a list of blocks belongs."""
    given, last = detail["input"], detail["loc"][-1:]
    if type(given) is not int:
        return None
    if last == ("blocks",):
        return f"write depth: {given}; blocks is a list with an entry for each"
    if any("first_dilation" in model.model_fields for model in held):
        index = next((part for part in last if isinstance(part, int)), 0)
        return f"write {stage_of(given, index)}"
    return None


def _meant(detail: ErrorDetails) -> str | None:
    return meant_value(detail["loc"], detail["input"])


def _wanted(detail: ErrorDetails) -> str:
    return "a list" if detail["type"] == "tuple_type" else "a mapping"


def _missing(detail: ErrorDetails, owners: list[Model]) -> Explained:
    key = str(detail["loc"][-1])
    owner = owners[0].__name__ if owners else ""
    example = _EXAMPLES.get(f"{owner}.{key}", _EXAMPLES.get(key, f"{key}: ..."))
    return "missing", f"'{key}' is missing", f"write {example}"


#: Numbers as the command line reads them, which a file writes out.
_SUFFIXED = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([kMGBT])", re.ASCII)
_POWERS = {"k": 3, "M": 6, "G": 9, "B": 9, "T": 12}


def _wants(what: str, remedy: str) -> Callable[[ErrorDetails, list[Model]], Explained]:
    def explain(detail: ErrorDetails, owners: list[Model]) -> Explained:
        given = detail["input"]
        help_ = remedy
        if isinstance(given, str) and "number" in what and given.strip("+-").isdigit():
            help_ = f"remove the quotes: {given}"
        if isinstance(given, str) and "number" in what and (found := _SUFFIXED.fullmatch(given)):
            number = Decimal(found[1]).scaleb(_POWERS[found[2]])
            help_ = (
                f"write {number:.0f}"
                if "whole" in what
                else f"write {number.normalize():e}".replace("e+", "e")
            )
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
    help_ = "write {key: value, ...}" if isinstance(given, dict) else "write [ ..., ... ]"
    if isinstance(given, str):
        help_ = "write a name"
    if detail["loc"] == ("free",):
        help_ = "write free: {shortcut: [zero_pad, projection]}"
    return "range", message, help_ if short else f"leave some {what}s out"


def _text(detail: ErrorDetails, owners: list[Model]) -> Explained:
    condition = "conditions" in detail["loc"]
    help_ = "write a comparison such as sum(depths) <= 20" if condition else "write a name"
    if detail["loc"][-1:] == ("space",):
        help_ = "write the name of a shipped space, or that of a file"
    return _wants("text", help_)(detail, owners)


_number = _wants("a whole number", "write a number such as 64")
_mapping = _wants("a mapping", "write {key: value, ...}")
_stop = _wants("a mapping", "write {first: 20, eta: 3}")


def _part(detail: ErrorDetails, owners: list[Model]) -> Explained:
    return (_stop if detail["loc"][-1:] == ("stop",) else _mapping)(detail, owners)


def _labels(detail: ErrorDetails, owners: list[Model]) -> Explained:
    """A mapping with the user's own keys; that of an axis has changes under each of its labels."""
    code, message, help_ = _mapping(detail, owners)
    if detail["loc"][:1] == ("axes",) and len(detail["loc"]) == 2:
        help_ = "write labels, each with its changes: {A: {shortcut: zero_pad}, ...}"
    return code, message, help_


_EXPLAINERS: dict[str, Callable[[ErrorDetails, list[Model]], Explained]] = {
    "missing": _missing,
    "extra_forbidden": unknown_key,
    "literal_error": unknown_value,
    "union_tag_invalid": unknown_value,
    "int_type": _number,
    "int_from_float": _number,
    "int_parsing_size": _number,
    "float_type": _wants("a number", "write a number such as 0.1"),
    "finite_number": _wants("a finite number", "write a number such as 0.1"),
    "string_type": _text,
    "bool_type": _wants("true or false", "write true or false"),
    "tuple_type": _wants("a list", "write [ ... ]"),
    DEPTHS: _depths,
    "model_type": _part,
    "model_attributes_type": _part,
    "dict_type": _labels,
    "greater_than_equal": _out_of_range,
    "greater_than": _out_of_range,
    "less_than_equal": _out_of_range,
    "less_than": _out_of_range,
    "too_short": _wrong_length,
    "string_too_short": _wrong_length,
    "too_long": _wrong_length,
    "string_too_long": _wrong_length,
    "string_pattern_mismatch": _wrong_pattern,
}
