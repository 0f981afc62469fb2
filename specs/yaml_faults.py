"""PyYAML's complaints, said for someone who writes a spec."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import yaml

from .document import Source
from .scalars import hint

#: Code, message, offset into the text, help.
Explained: TypeAlias = tuple[str, str, int, str | None]


def explain(error: yaml.MarkedYAMLError, source: Source) -> Explained:
    """Code, message, place and help for an error of PyYAML's scanner or parser."""
    problem, context = error.problem or "", error.context or ""
    at = error.problem_mark or error.context_mark
    offset = at.index if at else 0
    opened = error.context_mark.index if error.context_mark else offset
    for pattern, say in _RULES:
        match = re.search(pattern, f"{context} | {problem}")
        if match:
            return say(match, source, opened, offset)
    return "syntax", problem, offset, None


def _no_colon(match: re.Match[str], source: Source, opened: int, offset: int) -> Explained:
    line = _rest_of_line(source, opened)
    help = "write `key: value`, with a space after the colon"
    return "syntax", "a key without a value", opened, hint(line) or help


def _second_colon(match: re.Match[str], source: Source, opened: int, offset: int) -> Explained:
    start = _line_start(source, offset)
    before = source.text[start:offset]
    key = before.lstrip(" -")
    if re.fullmatch(r"[\w.-]+|\"[^\"]*\"|'[^']*'", key):
        return _indentation(source, start + len(before) - len(before.lstrip()))
    help = "put quotes around text that holds a colon; give each key a line of its own"
    return "syntax", "a second colon in one value", offset, help


def _bad_character(match: re.Match[str], source: Source, opened: int, offset: int) -> Explained:
    character = source.text[offset : offset + 1]
    if character != "\t":
        return "syntax", f"text cannot start with {character}", offset, "put quotes around it"
    if source.text[_line_start(source, offset) : offset].strip(" "):
        return "syntax", "a tab between words", offset, "put a space instead of the tab"
    return "syntax", "a tab in the indentation", offset, "indent with spaces"


def _block_end(match: re.Match[str], source: Source, opened: int, offset: int) -> Explained:
    found = match[1]
    if found in {",", "]", "}", "<scalar>", "[", "{"}:
        what = "text" if found == "<scalar>" else f"`{found}`"
        return "syntax", f"{what} that does not belong here", offset, "is a bracket or quote amiss?"
    return _indentation(source, offset, opened)


def _indentation(source: Source, offset: int, opened: int | None = None) -> Explained:
    help = "line it up with the entries beside it"
    if opened is not None:
        line, column = source.mark(opened)
        help += f" (the first stands at line {line}, column {column})"
    return "syntax", "bad indentation", offset, help


def _unclosed(match: re.Match[str], source: Source, opened: int, offset: int) -> Explained:
    character = source.text[opened : opened + 1]
    return (
        "syntax",
        f"this {character} is never closed",
        opened,
        f"close it with {_pair(character)}",
    )


def _comma(match: re.Match[str], source: Source, opened: int, offset: int) -> Explained:
    if match[1] == "<stream end>":
        return _unclosed(match, source, opened, offset)
    bracket = source.text[opened : opened + 1]
    line, column = source.mark(opened)
    help = f"the {bracket} stands at line {line}, column {column}"
    return "syntax", f"a comma or {_pair(bracket)} is missing before this", offset, help


def _escape(match: re.Match[str], source: Source, opened: int, offset: int) -> Explained:
    help = "write \\\\ for a backslash, or use single quotes"
    return "syntax", "an escape that YAML does not know", max(opened, offset - 1), help


def _says(code: str, message: str, help: str | None = None) -> _Rule:
    return lambda match, source, opened, offset: (code, message, offset, help)


def _missing(match: re.Match[str], source: Source, opened: int, offset: int) -> Explained:
    found = match[1].strip("<>")
    return "syntax", f"a value is missing before this {found}", offset, "quote it if it is text"


def _line_start(source: Source, offset: int) -> int:
    return offset - source.mark(offset).column + 1


def _rest_of_line(source: Source, offset: int) -> str:
    line, column = source.mark(offset)
    return source.line(line)[column - 1 :].strip()


def _pair(bracket: str) -> str:
    return {"[": "]", "{": "}"}.get(bracket, bracket)


_Rule: TypeAlias = Callable[[re.Match[str], Source, int, int], Explained]

#: The first pattern found in "context | problem" speaks.
_RULES: list[tuple[str, _Rule]] = [
    (r"(anchor|alias) \| ", _says("anchor", "anchors are not supported")),
    (r"(tag \| |tag handle)", _says("tag", "tags are not supported", "remove it")),
    (r"directive", _says("syntax", "directives are not supported", "remove the line")),
    (r"could not find expected ':'", _no_colon),
    (r"mapping values are not allowed", _second_colon),
    (
        r"sequence entries are not allowed",
        _says("syntax", "a list cannot start here", "start it on a new line, or write [a, b]"),
    ),
    (r"mapping keys are not allowed", _says("syntax", "a key cannot start here")),
    (r"cannot start any token", _bad_character),
    (r"expected <block end>, but found '(.*)'", _block_end),
    (r"expected ',' or '[\]}]', but got '(.*)'", _comma),
    (r"found unexpected (?:end of stream|document separator)", _unclosed),
    (r"unknown escape|expected escape sequence", _escape),
    (r"expected the node content, but found '(.*)'", _missing),
    (
        r"expected '<document start>'",
        _says("syntax", "text after the end of the spec", "keep one mapping to a file"),
    ),
    (r"block scalar", _says("syntax", "only |, >, + and - may stand here", "start the text below")),
]
