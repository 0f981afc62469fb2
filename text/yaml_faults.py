"""PyYAML's complaints, said for someone who writes a spec."""

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
class _Trouble:
    """What PyYAML knows: where it stumbled, where what it was reading began, what it found."""

    source: Source
    offset: int
    opened: int
    found: str

    @property
    def character(self) -> str:
        return self.source.text[self.offset : self.offset + 1]

    @property
    def before(self) -> str:
        """What stands on the line before the trouble."""
        start = self.offset - self.source.mark(self.offset).column + 1
        return self.source.text[start : self.offset]


def explain(error: yaml.MarkedYAMLError, source: Source) -> Explained:
    """Code, message, place and help for an error of PyYAML's scanner or parser."""
    at = error.problem_mark or error.context_mark
    offset = at.index if at else 0
    opened = error.context_mark.index if error.context_mark else offset
    said = f"{error.context or ''} | {error.problem or ''}"
    for pattern, say in _RULES:
        match = re.search(pattern, said)
        if match:
            found = match[1] if match.re.groups else ""
            return say(_Trouble(source, offset, opened, found))
    return "syntax", error.problem or "not YAML", offset, None


def _no_colon(trouble: _Trouble) -> Explained:
    line, column = trouble.source.mark(trouble.opened)
    text = trouble.source.line(line)[column - 1 :].strip()
    if re.match(r"-[^-\s]", text):
        return "syntax", "a dash without a space", trouble.opened, "put a space after the dash"
    help = hint(text) or "write `key: value`, with a space after the colon"
    return "syntax", "a key without a value", trouble.opened, help


def _second_colon(trouble: _Trouble) -> Explained:
    before = trouble.before
    if re.fullmatch(r"[-\s]*([\w.-]+|\"[^\"]*\"|'[^']*')\s*", before):
        if glued := _glued_above(trouble):
            return glued
        first = trouble.offset - len(before.lstrip())
        return "syntax", "bad indentation", first, "line it up with the keys beside it"
    help = "put quotes around text that holds a colon; give each key a line of its own"
    return "syntax", "a second colon in one value", trouble.offset, help


def _glued_above(trouble: _Trouble) -> Explained | None:
    """``depth:18`` in the line above, which then reads as text that no key can follow."""
    above = trouble.source.line(trouble.source.mark(trouble.offset).line - 1)
    word = above.lstrip(" -")
    help = hint(word.rstrip()) if re.match(r"\w+:\S", word) else None
    if help is None:
        return None
    start = trouble.source.text.rindex(above, 0, trouble.offset) + len(above) - len(word)
    return "syntax", "a key without a space after its colon", start, help


def _bad_character(trouble: _Trouble) -> Explained:
    if trouble.character != "\t":
        message = f"text cannot start with {trouble.character}"
        return "syntax", message, trouble.offset, "put quotes around it"
    if trouble.before.strip():
        return "syntax", "a tab between words", trouble.offset, "put a space instead of the tab"
    return "syntax", "a tab in the indentation", trouble.offset, "indent with spaces"


def _block_end(trouble: _Trouble) -> Explained:
    if trouble.found in {"]", "}"}:
        return _closes_nothing(trouble)
    if trouble.found == ":":
        return "syntax", "a key is missing before the colon", trouble.offset, None
    if trouble.found in {"<scalar>", "[", "{", ","}:
        help = "put quotes around the whole value; between single quotes, write '' for a quote"
        return "syntax", "text that does not belong here", trouble.offset, help
    line, column = trouble.source.mark(trouble.opened)
    help = (
        f"line it up with the entries beside it; the block starts at line {line}, column {column}"
    )
    return "syntax", "bad indentation", trouble.offset, help


def _unclosed(trouble: _Trouble) -> Explained:
    opening = trouble.source.text[trouble.opened : trouble.opened + 1]
    message = f"this {opening} is never closed"
    return "syntax", message, trouble.opened, f"close it with {_closing(opening)}"


def _comma(trouble: _Trouble) -> Explained:
    if trouble.found == "<stream end>":
        return _unclosed(trouble)
    opening = trouble.source.text[trouble.opened : trouble.opened + 1]
    line, column = trouble.source.mark(trouble.opened)
    message = f"a comma or {_closing(opening)} is missing before this"
    return (
        "syntax",
        message,
        trouble.offset,
        f"the {opening} stands at line {line}, column {column}",
    )


def _no_content(trouble: _Trouble) -> Explained:
    if trouble.found in {"]", "}"}:
        return _closes_nothing(trouble)
    help = "put quotes around it if it is text"
    return "syntax", f"a value is missing before {trouble.found.strip('<>')}", trouble.offset, help


def _closes_nothing(trouble: _Trouble) -> Explained:
    return "syntax", f"this {trouble.found} closes nothing", trouble.offset, "remove it"


def _after_the_end(trouble: _Trouble) -> Explained:
    text = trouble.source.text
    if text.startswith("%"):
        return "syntax", "directives are not supported", 0, "remove the line"
    first = re.search(r"^( *)[^\s#]", text, re.MULTILINE)
    if first and first[1]:
        help = "line it up with the first key"
        return "syntax", "bad indentation", trouble.offset, help
    help = "keep one mapping to a file"
    return "syntax", "text after the end of the spec", trouble.offset, help


def _escape(trouble: _Trouble) -> Explained:
    offset = trouble.source.text.rfind("\\", trouble.opened, trouble.offset)
    help = "write \\\\ for a backslash, or use single quotes"
    return "syntax", "an escape that YAML does not know", offset, help


def _closing(opening: str) -> str:
    return {"[": "]", "{": "}"}.get(opening, opening)


_Rule: TypeAlias = Callable[[_Trouble], Explained]


def _says(code: str, message: str, help: str | None = None, opened: bool = False) -> _Rule:
    """A rule that always says the same, of the place of trouble or of where it opened."""

    def rule(trouble: _Trouble) -> Explained:
        return code, message, trouble.opened if opened else trouble.offset, help

    return rule


#: Patterns of "context | problem"; the first that is found speaks.
_RULES: list[tuple[str, _Rule]] = [
    (
        r"(?:anchor|alias) \| ",
        _says("anchor", "anchors are not supported", "put quotes around it if it is text", True),
    ),
    (r"tag \| |tag handle", _says("tag", "tags are not supported", "remove it", True)),
    (
        r"directive|incompatible YAML",
        _says("syntax", "directives are not supported", "remove the line", True),
    ),
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
    (r"expected the node content, but found '(.*)'", _no_content),
    (r"expected '<document start>'", _after_the_end),
    (
        r"block scalar",
        _says("syntax", "only | or >, with + or -, may stand here", "start the text below"),
    ),
]
