"""Writes the tables of the pages on the language, the catalogue, weights and commands, and the
figures of the catalogue's networks (``planner/known.json``) and the sources of modules that the
exporter copies (``export/source/modules.json``).

Run as ``python docs/tables.py``.

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``; a test fails where a page
differs from what this script writes, so a new kind, field, network or layout is on its page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic.fields import FieldInfo
from resforge.cli.app import program
from resforge.export.source import modules
from resforge.planner import known, list_specs, plan
from resforge.reading import load
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS, Operation
from resforge.specs.attention import attention_kinds
from resforge.specs.base import Spec, short_tree
from resforge.specs.catalogue import entries
from resforge.specs.docstrings import descriptions
from resforge.specs.join import JOINS
from resforge.specs.operation import meaning_of, shorten_chain
from resforge.specs.shortcut import ShortcutSpec
from resforge.specs.shortcuts import WrapperSpec
from resforge.text.writer import to_yaml
from resforge.weights import LAYOUTS, layouts

PAGES = tuple(
    Path(__file__).resolve().parent / f"{name}.md"
    for name in ("language", "catalogue", "weights", "commands")
)
KNOWN = Path(known.__file__).with_name(known.FILE)
MODULES = Path(modules.__file__).with_name(modules.FILE)
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
#: Pairs of shapes that a shortcut may have to join: channels in and out, and a stride.
_KEEPS, _WIDENS, _NARROWS, _STRIDES = (4, 4, 1), (4, 8, 2), (8, 4, 1), (4, 4, 2)

Kinds = Mapping[str, type[Spec]]


def written(text: str) -> str:
    """``text`` with each of its tables as the registries have it."""
    return _TABLE.sub(lambda found: f"{found[1]}{_named(found[2])}{found[3]}", text)


def _named(name: str) -> str:
    others = {
        "layouts": _layouts,
        "families": _families,
        "networks": _networks,
        "commands": _commands,
    }
    return others[name]() if name in others else _table(tables()[name])


def _commands() -> str:
    """Every command with its arguments and options."""
    # Those of the program, from the heading of the page on.
    # The usage would else name the program that asks.
    with patch.object(sys, "argv", ["resforge"]):
        text = program().generate_docs(heading_level=2, usage_name="resforge")
    return text.partition("\n**Commands**:\n")[2].strip() + "\n"


def _families() -> str:
    """The networks of the catalogue: those of each family from each source in a row."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, entry in entries().items():
        found.setdefault((entry.family, entry.source), []).append(name)
    rows = ["| family | source | networks | names |", "|---|---|---:|---|"]
    for (family, source), names in sorted(found.items()):
        rows.append(f"| {family} | {source} | {len(names)} | `{'`, `'.join(names)}` |")
    rows.append(f"| **all** | | {len(entries())} | |")
    return "\n".join(rows) + "\n"


def _networks() -> str:
    """Every network of the catalogue with its costs, each at its own input size."""
    rows = [
        "| name | family | source | depth | parameters | MACs | input |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for name in list_specs():
        laid, entry = plan(load(name)), entries()[name]
        size = "x".join(map(str, laid.input_shape))
        costs = f"{laid.depth} | {laid.params:,} | {laid.macs:,} | {size}"
        rows.append(f"| `{name}` | {entry.family} | {entry.source} | {costs} |")
    return "\n".join(rows) + "\n"


def _layouts() -> str:
    """The layouts of weights, each with the first paragraph of its file."""
    rows = ["| layout | names |", "|---|---|"]
    for name in LAYOUTS:
        module = import_module(f"{layouts.__name__}.{name}")
        rows.append(f"| `{name}` | {_cell((module.__doc__ or '').partition(chr(10) * 2)[0])} |")
    return "\n".join(rows) + "\n"


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
        said = descriptions(model)
        rows += [
            f"| | `{name}` |{_default(field)}| {_cell(said.get(name, ''))} |"
            for name, field in model.model_fields.items()
            if name != "kind"
        ]
    return "\n".join(rows) + "\n"


def _meaning(model: type[Spec]) -> Iterator[str]:
    """What a kind is, how it is written, and where it is legal."""
    yield meaning_of(model)
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
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    KNOWN.write_text(known.written(), encoding="utf-8")
    MODULES.write_text(modules.written(), encoding="utf-8")
