"""Classes of modules as the text of a network needs them, by the names that calls give them.

``modules.json`` beside this file holds PyTorch's and those of :mod:`resforge.blocks`, so that a
network is written without importing torch; ``python docs/tables.py`` writes it. It says of which
sources it is, and of any others nothing is taken from it: then, and for registered modules, the
classes themselves are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from inspect import Parameter
from typing import Any

from ...specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS
from .part import Part, key_of

FILE = "modules.json"
_SOURCES = ("blocks", "export/source")
_PLAIN = (bool, int, float, str, type(None))


def registered() -> tuple[type, ...]:
    """The module classes that kinds were registered with."""
    families = (STEMS, BLOCKS, SHORTCUTS, HEADS, OPERATIONS)
    pairs = (pair for family in families for pair in family.registered)
    return tuple(module for _, module in pairs if module is not None)


def parameters_of(name: str) -> Mapping[str, Any]:
    """The parameters of a class's constructor, with their defaults."""
    known = _stored()["parameters"].get(name)
    return _live().parameters_of(_class_of(name)) if known is None else _unpacked(name)


def joins(name: str) -> bool:
    """Whether a shortcut of that class joins the branch in a way of its own."""
    if name in _stored()["classes"]:
        return name in _stored()["joins"]
    return bool(_live().joins(_class_of(name)))


def part_named(name: str) -> Any:
    """What :func:`part_of` reads for the class of that name."""
    return _stored()["classes"].get(name) or _class_of(name)


def known(what: Any) -> Any:
    """The one way to name a class, a function or a value: its key where it is stored."""
    key = what if isinstance(what, str) else key_of(what)
    return key if key in _stored()["parts"] else what


def part_of(what: Any) -> Part:
    """A class, a function or a value as text. Raises :class:`BuildError` where its source cannot
    be read."""
    if isinstance(what, str):
        name, text, imports, needs = _stored()["parts"][what]
        return Part(name, text, frozenset(imports), tuple(needs))
    part: Part = _live().read_part(what)
    return part


def fingerprint() -> str:
    """A text that changes with the sources of the modules, and with how they are written."""
    root = files(__name__.partition(".")[0])
    found = sha256()
    for folder in _SOURCES:
        for file in sorted(root.joinpath(folder).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                found.update(file.read_text(encoding="utf-8").encode())
    return found.hexdigest()


def written() -> str:
    """The text of the file, made anew."""
    from ...builder.make import BUILT_IN_MODULES, MODULES

    live = _live()
    own = {name: MODULES[name] for name in sorted(BUILT_IN_MODULES)}
    rows = {name: _packed(live.parameters_of(cls)) for name, cls in own.items()}
    # What has other defaults is for those who make modules by hand.
    own = {name: cls for name, cls in own.items() if rows[name] is not None}
    theirs = {f"nn.{name}": _packed(live.parameters_of(cls)) for name, cls in live.layers()}
    table = {name: row for name, row in {**rows, **theirs}.items() if row is not None}
    parts: dict[str, Any] = {}
    for cls in own.values():
        _gather(cls, parts)
    tree: dict[str, Mapping[str, Any]] = {
        "parameters": table,
        "classes": {name: key_of(cls) for name, cls in own.items()},
        "joins": {name: True for name, cls in own.items() if live.joins(cls)},
        "parts": dict(sorted(parts.items())),
    }
    return "{\n" + ",\n".join([f'"fingerprint": "{fingerprint()}"', *_sections(tree)]) + "\n}\n"


def _sections(tree: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Each section with a line for each entry, so that changes are lines."""
    for title, rows in tree.items():
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
        yield f'"{title}": {{\n{lines}\n}}'


def _gather(what: Any, parts: dict[str, Any]) -> None:
    """Put a part, and all that it uses, into ``parts`` by its key."""
    if key_of(what) not in parts:
        part = _live().read_part(what)
        needs = [key_of(each) for each in part.needs]
        parts[key_of(what)] = [part.name, part.text, sorted(part.imports), needs]
        for each in part.needs:
            _gather(each, parts)


def _packed(parameters: Mapping[str, Any]) -> list[list[Any]] | None:
    """Parameters for the file; None where a default is no plain value."""
    rows = [[name, *([] if x is Parameter.empty else [x])] for name, x in parameters.items()]
    plain = all(isinstance(value, _PLAIN) for _, *default in rows for value in default)
    return rows if plain else None


@cache
def _unpacked(name: str) -> Mapping[str, Any]:
    rows = _stored()["parameters"][name]
    return {key: default[0] if default else Parameter.empty for key, *default in rows}


@cache
def _stored() -> Mapping[str, Any]:
    file = files(__package__) / FILE
    empty: dict[str, Any] = {"parameters": {}, "classes": {}, "joins": {}, "parts": {}}
    if not file.is_file():
        return empty
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found if found["fingerprint"] == fingerprint() else empty


def _class_of(name: str) -> Any:
    from ...builder.make import class_of

    return class_of(name)


def _live() -> Any:
    """The reader of classes themselves, which needs torch."""
    from . import own

    return own
