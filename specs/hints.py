"""What an editor shows of a JSON Schema: hints for people who write YAML, not Python.

pydantic writes class names as titles, whole docstrings as descriptions, and defaults in their
long forms. An editor's YAML server shows all three. Here titles go, descriptions keep what is
said of the language, defaults are as short as a file would have them, and the name of each kind
is explained where it may be written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

#: What a docstring says to Python alone: examples, exceptions raised, and a table's frame.
_FOR_PYTHON = re.compile(r"^\s*(>>> .*(\n.+)*|Raises(.+\n?)*|=+( +=+)*)$", re.MULTILINE)
_ROLE = re.compile(r":[a-z]+:`[~.]?([^`]*)`")


def for_editors(schema: Schema) -> Schema:
    """``schema`` with hints for editors."""
    kinds = schema.get("$defs", {})
    for name, definition in kinds.items():
        if "description" not in definition and "kind" in definition.get("properties", {}):
            definition["description"] = f"The function `{name}`, as PyTorch computes it."
    for part in parts(schema):
        _prune(part)
    for part in parts(schema):
        _explain_names(part, kinds)
        if "default" in part:
            part["default"] = _short(part["default"], _choices(part, kinds))
            if part["default"] == {}:
                del part["default"]  # every field has a default of its own
    return schema


def as_text(docstring: str) -> str:
    """What ``docstring`` says about the language, as Markdown.

    >>> as_text("A ``norm``, see :func:`~a.b`.\\n\\nRaises ValueError.\\n\\n>>> 1 + 1\\n2")
    'A `norm`, see `a.b`.'
    """
    kept = _FOR_PYTHON.sub("", docstring).replace("``", "`")
    return re.sub(r"\n{3,}", "\n\n", _ROLE.sub(r"`\1`", kept)).strip()


def parts(node: Any) -> Iterator[Schema]:
    """Every schema within ``node``; not what merely looks like one, such as a default."""
    if isinstance(node, list):
        for item in node:
            yield from parts(item)
    if not isinstance(node, dict):
        return
    yield node
    for key in ("items", "additionalProperties", "anyOf", "allOf", "oneOf", "if", "then", "else"):
        yield from parts(node.get(key))
    for key in ("properties", "$defs"):
        for inner in node.get(key, {}).values():
            yield from parts(inner)


def _prune(part: Schema) -> None:
    part.pop("title", None)  # a class or the key once more
    if part.get("default", 0) is None:
        del part["default"]  # null says no more than leaving the key out
    if "description" in part:
        part["description"] = as_text(part["description"])
    kind = part.get("properties", {}).get("kind")
    if kind is not None and "const" in kind:
        kind.setdefault("description", part.get("description", ""))


def _choices(part: Schema, kinds: Schema) -> list[Schema]:
    """The definitions that ``part`` chooses among."""
    refs = [each["$ref"] for each in [part, *part.get("anyOf", ())] if "$ref" in each]
    return [kinds[ref.rpartition("/")[2]] for ref in refs]


def _names(part: Schema) -> list[str]:
    return part["enum"] if "enum" in part else [part["const"]] if "const" in part else []


def _explain_names(part: Schema, kinds: Schema) -> None:
    """Say of each name in ``part`` what the definition beside it says."""
    said = {}
    for choice in _choices(part, kinds):
        kind = choice.get("properties", {}).get("kind", {})
        if "const" in kind:
            said[kind["const"]] = choice.get("description", "").partition("\n\n")[0]
    for names in part.get("anyOf", ()):
        if not all(name in said for name in _names(names)):
            continue  # ranges, and names that are explained already
        if "enum" in names:
            names["enumDescriptions"] = [said[name] for name in names["enum"]]
        elif "const" in names:
            names["description"] = said[names["const"]]


def _short(value: Any, choices: list[Schema]) -> Any:
    """``value`` without what its definition has by default; a bare kind as its name."""
    if not isinstance(value, dict):
        return value
    for choice in choices:
        fields = choice.get("properties", {})
        kind = fields.get("kind", {}).get("const")
        if value.get("kind") == kind:
            told = {key: each for key, each in value.items() if not _is_default(fields, key, each)}
            return kind if kind and not told else {**({"kind": kind} if kind else {}), **told}
    return value


def _is_default(fields: Schema, key: str, value: Any) -> bool:
    return key == "kind" or value is None or value == fields.get(key, {}).get("default")
