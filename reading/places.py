"""Finds the place of a fault in a file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Any, Literal

from ..errors import Fault
from ..text.document import Document, Path

_INDEX = re.compile(r"\[(\d+)\]")
_END = re.compile(r"[.\[]")


def locate(tree: Any, text: str) -> Path:
    """The path that ``text`` names in ``tree``, as far as it exists.

    Labels are free text, so the tree decides where a label ends:

    >>> locate({"axes": {"lr 0.1": {"a": 1}}}, "axes.lr 0.1.a")
    ('axes', 'lr 0.1', 'a')
    """
    path: list[str | int] = []
    while text:
        part: str | int | None = None
        end = 0
        if isinstance(tree, list) and (match := _INDEX.match(text)):
            index, end = int(match[1]), match.end()
            part = index if index < len(tree) else None
        elif isinstance(tree, dict):
            # The longest key that ends where a part can end, found by look-up because a hostile
            # file can have thousands of keys.
            ends = [*(match.start() for match in _END.finditer(text)), len(text)]
            end = next((end for end in reversed(ends) if text[:end] in tree), 0)
            part = text[:end] if end else None
        if part is None:
            break
        path.append(part)
        tree, text = tree[part], text[end:].removeprefix(".")
    return tuple(path)


def placed(faults: Iterable[Fault], document: Document, under: str = "") -> list[Fault]:
    """``faults`` with file, line and column, in the order of the file.

    ``under`` is the path that theirs are relative to.
    """
    found = [_placed(fault, document, under) for fault in faults]
    return sorted(found, key=lambda fault: (fault.line or 0, fault.column or 0))


def _placed(fault: Fault, document: Document, under: str) -> Fault:
    dot = "." if under and fault.path and not fault.path.startswith("[") else ""
    text = f"{under}{dot}{fault.path}"
    path = locate(document.tree, text)
    at: Literal["key", "value"] = "key" if fault.code in ("key", "path") else "value"
    # A word of YAML 1.1 or a quoted number has a more useful help line than the missing type.
    help_ = (document.hint(path) if fault.code == "type" else None) or fault.help
    found = document.fault(fault.code, fault.message, path, help=help_, at=at)
    return dataclasses.replace(found, path=text)
