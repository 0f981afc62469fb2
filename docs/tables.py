"""Writes the tables of the language page from the registries: ``python docs/tables.py``.

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``; a test fails where the page
differs from what this script writes, so a new kind or field is on the page.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS, Operation
from resforge.specs.attention import attention_kinds
from resforge.specs.base import Spec, short_tree
from resforge.specs.join import JOINS
from resforge.specs.operation import shorten_chain
from resforge.specs.shortcut import ShortcutSpec
from resforge.specs.shortcuts import WrapperSpec
from resforge.text.writer import to_yaml

PAGE = Path(__file__).resolve().parent / "language.md"
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
#: Pairs of shapes that a shortcut may have to join: channels in and out, and a stride.
_KEEPS, _WIDENS, _NARROWS, _STRIDES = (4, 4, 1), (4, 8, 2), (8, 4, 1), (4, 4, 2)

Kinds = Mapping[str, type[Spec]]


def written(text: str) -> str:
    """``text`` with each of its tables as the registries have it."""
    return _TABLE.sub(lambda found: f"{found[1]}{_table(tables()[found[2]])}{found[3]}", text)


def tables() -> dict[str, Kinds]:
    """The kinds of each table, by the table's name."""
    attention = attention_kinds()
    others = {kind: model for kind, model in OPERATIONS.items() if kind not in attention}
    return {
        "stems": STEMS,
        "blocks": BLOCKS,
        "shortcuts": SHORTCUTS,
        "attention": attention,
        "operations": others,
        "joins": JOINS,
        "heads": HEADS,
    }


def _table(kinds: Kinds) -> str:
    rows = ["| kind | field | default | meaning |", "|---|---|---|---|"]
    for kind, model in kinds.items():
        rows.append(f"| `{kind}` | | | {_cell(' '.join(_meaning(model)))} |")
        rows += [
            f"| | `{name}` |{_default(field)}| {_cell(field.description or '')} |"
            for name, field in model.model_fields.items()
            if name != "kind"
        ]
    return "\n".join(rows) + "\n"


def _meaning(model: type[Spec]) -> Iterator[str]:
    """What a kind is, how it is written, and where it is legal."""
    yield inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0]
    if main := _main(model):
        yield f"Short form: {main}."
    if issubclass(model, ShortcutSpec):
        yield _legal(model)


def _main(model: type[Spec]) -> str:
    """The short form of a kind that has a main field."""
    main = getattr(model, "main", None)
    if main is None:
        return ""
    field, kind = model.model_fields[main], model.model_fields["kind"].default
    short = f"`{{{kind}: {main.upper()}}}`"
    return short if field.is_required() else f"`{kind}` or {short}"


def _legal(model: type[ShortcutSpec]) -> str:
    """The shapes that a shortcut may join, and the blocks that its bare name holds for."""
    if issubclass(model, WrapperSpec):
        where = "where `of` is"
    elif not model.self_validating:
        where = "where it ends in the block's shape"
    else:
        shortcut = model.model_validate({"kind": model.model_fields["kind"].default})
        shapes = (_KEEPS, _WIDENS, _NARROWS, _STRIDES)
        where = {
            (True, True, True, True): "everywhere",
            (True, False, False, False): "where the shape is kept",
            (True, True, False, True): "where it does not narrow",
        }[tuple(shortcut.why_illegal(*shape) is None for shape in shapes)]
    alone = " Written alone, it holds for both sides." if model.bare_match is None else ""
    return f"Legal {where}.{alone}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return " required "
    value: Any = field.default
    if value is None:
        return " "
    if isinstance(value, Spec):
        value = short_tree(value)
    elif isinstance(value, tuple) and any(isinstance(each, Operation) for each in value):
        value = shorten_chain(value)
    elif isinstance(value, tuple):
        value = list(value)
    return f" `{to_yaml({'value': value}).removeprefix('value: ').strip()}` "


def _cell(text: str) -> str:
    """Prose as one cell of a table."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
