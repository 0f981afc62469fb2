"""Hydra's ``defaults``: a list of files that a file is composed of."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, NoReturn

from ..errors import SpecError
from .node import Node, merged

#: The key of the list.
KEY: Final = "defaults"
_PACKAGE = re.compile(r"^# *@package +([\w.]+)", re.MULTILINE)
_SELF: Final = "_self_"
_GLOBAL: Final = "_global_"


class Part(NamedTuple):
    """One file of the list."""

    node: Node
    """Where the list names it."""
    path: str
    """Relative to the file's folder, or with a leading ``/`` to that of all files."""
    package: tuple[str, ...]
    """The keys under which its settings are placed."""
    optional: bool = False


def parts_of(defaults: Node) -> list[Part | None]:
    """The files of a list in their order, None for the file itself.

    The file itself comes last where the list does not name it. Raises :class:`SpecError`.
    """
    found: list[Part | None] = []
    for item in defaults.value:
        if item.value == _SELF:
            found.append(None)
        elif isinstance(item.value, str):
            found.append(Part(item, f"{item.value}.yaml", ()))
        elif isinstance(item.value, dict) and len(item.value) == 1:
            found += _choices(item)
        else:
            _refuse(item, "an entry is a file, or one group with its choice")
    return found if None in found else [*found, None]


def _choices(item: Node) -> list[Part | None]:
    """The files that ``group: choice`` names."""
    ((group, choice),) = item.value.items()
    words = group.split()
    if "override" in words:
        if words[-1].lstrip("/").startswith("hydra/"):
            return []
        _refuse(choice, "an override of another file's choice", "write that choice in its place")
    name, _, package = words[-1].partition("@")
    place = package or name.lstrip("/").replace("/", ".")
    found: list[Part | None] = []
    for one in choice.value if isinstance(choice.value, list) else [choice]:
        if one.value is None:
            continue
        if not isinstance(one.value, str) or "$" in one.value:
            _refuse(one, "a choice is the name of a file")
        keys = () if place in (_GLOBAL, "_here_") else tuple(place.split("."))
        found.append(Part(one, f"{name}/{one.value}.yaml", keys, "optional" in words))
    return found


def packaged(node: Node, part: Part) -> Node:
    """The settings of a part under the keys of its package; its own header comes first."""
    text = node.source.text if node.source is not None else ""
    header = _PACKAGE.search(text[:500])
    keys = part.package
    if header is not None and header[1] != "_group_":
        keys = () if header[1] == _GLOBAL else tuple(header[1].split("."))
    for key in reversed(keys):
        node = Node({key: node}, node.source)
    return node


def composed(layers: list[Node], own: Node) -> Node:
    """Layers laid over each other, without the list."""
    whole = Node({}, own.source)
    for layer in layers:
        whole = merged(whole, layer)
    rest = {key: node for key, node in whole.value.items() if key != KEY}
    return Node(rest, own.source)


def _refuse(node: Node, message: str, help: str = "write it out") -> NoReturn:
    raise SpecError(node.fault("base", message, (KEY,), help))
