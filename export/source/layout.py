"""Python statements in lines, as `ruff format` breaks them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from ...errors import BuildError

WIDTH = 88
"""Characters of a line: what ruff and black allow unless told otherwise."""
_STEP = 4
_OPEN, _CLOSE = "([{", ")]}"
_MARK = re.compile(r"""[(\[{)\]},]| (?=if|else|for|=)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")


def lay_out(text: str, indent: int) -> list[str]:
    """The lines of a statement or argument, ``indent`` columns in.

    A text that is too long is broken at its last brackets; what has none stays as it is.

    >>> lay_out("x = f(g(1), y)", 4)
    ['    x = f(g(1), y)']
    """
    margin = " " * indent
    if indent + len(text) <= WIDTH:
        return [margin + text]
    if choice := _choice(text):
        return [line for part in choice for line in lay_out(part, indent)]
    start, end, items = _last_brackets(text)
    if not items:
        return [margin + text]
    called = start > 0 and (text[start - 1].isidentifier() or text[start - 1] in _CLOSE)
    inside = text[start + 1 : end]
    body = _body(inside, items, text[start], called, indent + _STEP)
    return [margin + text[: start + 1], *body, margin + text[end:]]


def _body(inside: str, items: list[str], bracket: str, called: bool, indent: int) -> list[str]:
    """The lines between two brackets: one where that is enough, else one for each item.

    Those of a collection are never one, those of a call or a subscript may be.
    """
    if indent + len(inside) <= WIDTH and (called or len(items) == 1):
        return [" " * indent + inside]
    if len(items) == 1 and (loop := _at(inside, " for ")):
        return [*lay_out(inside[:loop], indent), " " * indent + inside[loop + 1 :]]
    comma = "," if len(items) > 1 or (called and bracket == "(") else ""
    return [line for item in items for line in lay_out(item + comma, indent)]


def _choice(text: str) -> list[str]:
    """``a if b else c`` in three parts; empty for other texts."""
    first, second = _at(text, " if "), _at(text, " else ")
    if not 0 < first < second or _at(text, " = ") or text.startswith("*"):
        return []
    return [text[:first], text[first + 1 : second], text[second + 1 :]]


def _at(text: str, word: str) -> int:
    """Where ``word`` stands outside of all brackets; 0 for nowhere."""
    if word not in text:
        return 0
    found = (at for at, char, depth in _outline(text) if not depth and char == " ")
    return next((at for at in found if text.startswith(word, at)), 0)


def _last_brackets(text: str) -> tuple[int, int, list[str]]:
    """Where the last brackets that are in no others open and close, and what the commas between
    them part."""
    start = end = 0
    cuts: list[int] = []
    for at, char, depth in _outline(text):
        if depth == 1 and char in _OPEN:
            start, cuts = at, [at]
        elif depth == 1 and char == ",":
            cuts.append(at)
        elif depth == 0 and char in _CLOSE:
            end = at
    items = [text[a + 1 : b].strip() for a, b in pairwise([*cuts, end])]
    return start, end, [item for item in items if item]


def _outline(text: str) -> Iterator[tuple[int, str, int]]:
    """The brackets, commas and spaces outside of quotes, with their places and how many brackets
    are open after them."""
    depth = 0
    for match in _MARK.finditer(text):
        char = match[0]
        if len(char) == 1:
            depth += (char in _OPEN) - (char in _CLOSE)
            yield match.start(), char, depth


def literal(value: Any) -> str:
    """A plain value, as `ruff format` writes it."""
    if isinstance(value, str):
        text = repr(value)
        return text if '"' in text else f'"{text[1:-1]}"'.replace("\\'", "'")
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    return repr(int(value) if type(value) not in (bool, type(None), tuple, list) else value)


def attribute(name: str) -> str:
    """``name``, which has to be one. Raises :class:`BuildError`."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise BuildError(f"{name!r} is no name in Python: no class can hold a module under it")
    return name


def sequence(modules: Iterable[tuple[str, str]]) -> str:
    """``nn.Sequential`` of modules by their names."""
    modules = list(modules)
    names = [name for name, _ in modules]
    if names == [str(number) for number in range(len(names))]:
        return f"nn.Sequential({', '.join(module for _, module in modules)})"
    given = ", ".join(f"{attribute(name)}={module}" for name, module in modules)
    return f"nn.Sequential(OrderedDict({given}))"
