"""Explains the errors of PyYAML in terms of the spec being written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from .document import Source
from .scalars import hint

#: Code, message, offset into the text, help.
Explained: TypeAlias = tuple[str, str, int, str | None]


@dataclass(frozen=True, slots=True)
class _YamlError:
    """An error of PyYAML: its offset, the offset where the construct began, the token found."""

    source: Source
    offset: int
    opened: int
    found: str

    @property
    def character(self) -> str:
        return self.source.text[self.offset : self.offset + 1]

    @property
    def before(self) -> str:
        """The text of the line before the error."""
        start = self.offset - self.source.mark(self.offset).column + 1
        return self.source.text[start : self.offset]


def explain(error: yaml.MarkedYAMLError, source: Source) -> Explained:
    """Code, message, offset and help for an error of PyYAML's scanner or parser."""
    at = error.problem_mark or error.context_mark
    offset = at.index if at else 0
    opened = error.context_mark.index if error.context_mark else offset
    text = f"{error.context or ''} | {error.problem or ''}"
    for pattern, rule in _RULES:
        match = re.search(pattern, text)
        if match:
            found = match[1] if match.re.groups else ""
            return rule(_YamlError(source, offset, opened, found))
    return "syntax", error.problem or "not YAML", offset, None


def _no_colon(error: _YamlError) -> Explained:
    line, column = error.source.mark(error.opened)
    text = error.source.line(line)[column - 1 :].strip()
    if re.match(r"-[^-\s]", text):
        return "syntax", "a dash without a space", error.opened, "put a space after the dash"
    help = hint(text) or "write `key: value`, with a space after the colon"
    return "syntax", "a key without a value", error.opened, help


def _second_colon(error: _YamlError) -> Explained:
    before = error.before
    if re.fullmatch(r"[-\s]*([\w.-]+|\"[^\"]*\"|'[^']*')\s*", before):
        if glued := _glued_above(error):
            return glued
        first = error.offset - len(before.lstrip())
        return "syntax", "bad indentation", first, "line it up with the keys beside it"
    help = "put quotes around text that holds a colon; give each key a line of its own"
    return "syntax", "a second colon in one value", error.offset, help


def _glued_above(error: _YamlError) -> Explained | None:
    """Fault for ``depth:18`` in the line above, which YAML reads as text."""
    above = error.source.line(error.source.mark(error.offset).line - 1)
    word = above.lstrip(" -")
    help = hint(word.rstrip()) if re.match(r"\w+:\S", word) else None
    if help is None:
        return None
    start = error.source.text.rindex(above, 0, error.offset) + len(above) - len(word)
    return "syntax", "a key without a space after its colon", start, help


def _bad_character(error: _YamlError) -> Explained:
    if error.character != "\t":
        message = f"text cannot start with {error.character}"
        return "syntax", message, error.offset, "put quotes around it"
    if error.before.strip():
        return "syntax", "a tab between words", error.offset, "put a space instead of the tab"
    return "syntax", "a tab in the indentation", error.offset, "indent with spaces"


def _block_end(error: _YamlError) -> Explained:
    if error.found in {"]", "}"}:
        return _closes_nothing(error)
    if error.found == ":":
        return "syntax", "a key is missing before the colon", error.offset, None
    if error.found in {"<scalar>", "[", "{", ","}:
        help = "put quotes around the whole value; between single quotes, write '' for a quote"
        return "syntax", "text that does not belong here", error.offset, help
    line, column = error.source.mark(error.opened)
    help = (
        f"line it up with the entries beside it; the block starts at line {line}, column {column}"
    )
    return "syntax", "bad indentation", error.offset, help


def _unclosed(error: _YamlError) -> Explained:
    opening = error.source.text[error.opened : error.opened + 1]
    message = f"this {opening} is never closed"
    return "syntax", message, error.opened, f"close it with {_closing(opening)}"


def _comma(error: _YamlError) -> Explained:
    if error.found == "<stream end>":
        return _unclosed(error)
    opening = error.source.text[error.opened : error.opened + 1]
    line, column = error.source.mark(error.opened)
    message = f"a comma or {_closing(opening)} is missing before this"
    return (
        "syntax",
        message,
        error.offset,
        f"the {opening} stands at line {line}, column {column}",
    )


def _no_content(error: _YamlError) -> Explained:
    if error.found in {"]", "}"}:
        return _closes_nothing(error)
    help = "put quotes around it if it is text"
    return "syntax", f"a value is missing before {error.found.strip('<>')}", error.offset, help


def _closes_nothing(error: _YamlError) -> Explained:
    return "syntax", f"this {error.found} closes nothing", error.offset, "remove it"


def _after_the_end(error: _YamlError) -> Explained:
    text = error.source.text
    if text.startswith("%"):
        return "syntax", "directives are not supported", 0, "remove the line"
    first = re.search(r"^( *)[^\s#]", text, re.MULTILINE)
    if first and first[1]:
        help = "line it up with the first key"
        return "syntax", "bad indentation", error.offset, help
    help = "keep one mapping to a file"
    return "syntax", "text after the end of the spec", error.offset, help


def _escape(error: _YamlError) -> Explained:
    offset = error.source.text.rfind("\\", error.opened, error.offset)
    help = "write \\\\ for a backslash, or use single quotes"
    return "syntax", "an escape that YAML does not know", offset, help


def _closing(opening: str) -> str:
    return {"[": "]", "{": "}"}.get(opening, opening)


_Rule: TypeAlias = Callable[[_YamlError], Explained]


def _fixed(code: str, message: str, help: str | None = None, opened: bool = False) -> _Rule:
    """A rule with a fixed message, at the error or, if ``opened``, where its construct began."""

    def rule(error: _YamlError) -> Explained:
        return code, message, error.opened if opened else error.offset, help

    return rule


#: Patterns of "context | problem", in order of precedence.
_RULES: list[tuple[str, _Rule]] = [
    (
        r"(?:anchor|alias) \| ",
        _fixed("anchor", "anchors are not supported", "put quotes around it if it is text", True),
    ),
    (r"tag \| |tag handle", _fixed("tag", "tags are not supported", "remove it", True)),
    (
        r"directive|incompatible YAML",
        _fixed("syntax", "directives are not supported", "remove the line", True),
    ),
    (r"could not find expected ':'", _no_colon),
    (r"mapping values are not allowed", _second_colon),
    (
        r"sequence entries are not allowed",
        _fixed("syntax", "a list cannot start here", "start it on a new line, or write [a, b]"),
    ),
    (r"mapping keys are not allowed", _fixed("syntax", "a key cannot start here")),
    (r"cannot start any token", _bad_character),
    (r"expected <block end>, but found '(.*)'", _block_end),
    (r"expected ',' or '[\]}]', but got '(.*)'", _comma),
    (r"found unexpected (?:end of stream|document separator)", _unclosed),
    (r"unknown escape|expected escape sequence", _escape),
    (r"expected the node content, but found '(.*)'", _no_content),
    (r"expected '<document start>'", _after_the_end),
    (
        r"block scalar",
        _fixed("syntax", "only | or >, with + or -, may stand here", "start the text below"),
    ),
]
