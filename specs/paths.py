"""Paths into a spec, as users write them: ``stages[*].block.groups``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from ..errors import Fault, SpecError, path_text, wrong_type
from .elsewhere import ours

Path = tuple[str | int, ...]

_NUMBER = re.compile(r"[0-9]{1,9}")
#: Close names among which the nearest number is looked for.
_TRIED = 20
_PART = re.compile(r"\.?([A-Za-z_][A-Za-z_0-9]*)|\[(\*|-?[0-9]{1,9})\]")


def parse_path(text: str) -> Path:
    """The parts of a path; ``*`` stands for every item.

    Raises :class:`SpecError` for anything else.

    >>> parse_path("stages[*].shortcut")
    ('stages', '*', 'shortcut')
    """
    if not isinstance(text, str):
        raise wrong_type("a path", "text like 'stages[*].shortcut'", text)
    parts: list[str | int] = []
    position = 0
    while match := _PART.match(text, position):
        name, index = match.groups()
        parts.append(name if index is None else "*" if index == "*" else int(index))
        position = match.end()
    if position != len(text) or not parts or text.startswith("."):
        raise _fault(text, f"{text!r} is not a path", "write it like 'stages[*].shortcut'")
    return tuple(parts)


def nearest(word: object, known: list[str]) -> str | None:
    """The known word most like ``word``, for a help line; None where none is near.

    >>> nearest("Identiy", ["identity", "projection"])
    'identity'
    >>> nearest("cifar_resnet30", ["cifar_resnet56", "cifar_resnet32", "digits_resnet8"])
    'cifar_resnet32'
    """
    folded = {name.casefold(): name for name in known}
    given = str(word).casefold()
    close = get_close_matches(given, folded, n=_TRIED, cutoff=0.6)
    # Of names that differ from it in one number alone, the one with the nearest number.
    alike = [name for name in close if _NUMBER.sub("0", name) == _NUMBER.sub("0", given)]
    by_number = min(alike, key=lambda name: _distance(name, given), default=None)
    return folded[by_number or close[0]] if close else None


def _distance(one: str, other: str) -> int:
    """How far apart the numbers in two names are."""
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return sum(abs(int(a) - int(b)) for a, b in pairs)


def expand_stars(tree: Any, path: Path) -> Iterator[Path]:
    """Every plain path that ``path`` stands for in ``tree``."""
    if "*" not in path:
        yield path
        return
    cut = path.index("*")
    items = get_path(tree, path[:cut])
    if not isinstance(items, list):
        text = path_text(path)
        raise _fault(text, f"{path_text(path[:cut])} is not a list", "leave out '[*]'")
    for index in range(len(items)):
        yield from expand_stars(tree, (*path[:cut], index, *path[cut + 1 :]))


def get_path(tree: Any, path: Path) -> Any:
    """What stands at ``path``. Raises :class:`SpecError` where there is no such place."""
    for depth, part in enumerate(path):
        tree = _child(tree, part, path[: depth + 1])
    return tree


def set_path(tree: Any, path: Path, value: Any) -> None:
    """Put ``value`` at ``path``, in place; the place must exist."""
    parent = get_path(tree, path[:-1])
    _child(parent, path[-1], path)
    if path[-1] == "kind" and parent["kind"] != value:
        parent.clear()  # the fields of one kind mean nothing to another
    parent[path[-1]] = value


def _child(tree: Any, part: str | int, path: Path) -> Any:
    text, parent = path_text(path), path_text(path[:-1]) or "the spec"
    if isinstance(part, int):
        if not isinstance(tree, list):
            raise _fault(text, f"{parent} is not a list", "leave out the index")
        if not -len(tree) <= part < len(tree):
            raise _fault(
                text, f"{parent} has {len(tree)} items", f"count from 0 to {len(tree) - 1}"
            )
        return tree[part]
    if tree is None:
        raise _fault(text, f"{parent} is not set", f"set {parent} as a whole")
    if isinstance(tree, list):
        raise _fault(text, f"{parent} is a list", f"write {parent}[*].{part} for every item")
    if not isinstance(tree, dict):
        raise _fault(text, f"{parent} is {tree!r}, which has no parts", f"set {parent} as a whole")
    if part not in tree:
        raise _fault(text, f"{parent} has no {part!r}", _help_for(part, tree, path[:-1]))
    return tree[part]


def _help_for(part: str, tree: dict[str, Any], around: Path) -> str:
    """What is there instead of ``part``: by meaning, one level down too, then by spelling."""
    for name in (part, *ours(part)):
        # An item of a list stands for all: what the first has, the others have.
        places: list[Path] = [(name,)] if name in tree else []
        for key, value in tree.items():
            items = value if isinstance(value, list) else [value]
            if isinstance(items[0] if items else None, dict) and name in items[0]:
                places.append((key, "*", name) if isinstance(value, list) else (key, name))
        if places:
            found = " or ".join(repr(_starred((*around, *place))) for place in places)
            return f"did you mean {found}?"
    close = nearest(part, list(tree))
    return f"did you mean {close!r}?" if close else f"it has {', '.join(tree)}"


def _starred(path: Path) -> str:
    return path_text(path).replace(".*", "[*]")


def _fault(path: str, message: str, help_: str) -> SpecError:
    return SpecError(Fault("path", message, path, help_))


def whole_path(tree: Any, path: Path) -> Path:
    """``path`` with negative indexes counted from the front, as in ``tree``."""
    plain: list[str | int] = []
    for part in path:
        if isinstance(part, int) and part < 0:
            part += len(get_path(tree, tuple(plain)))
        plain.append(part)
    return tuple(plain)
