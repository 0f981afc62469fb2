"""A strict, iterative parser of JSON that keeps positions.

The standard library decodes the strings. Its parser is not used: it keeps no positions, recurses,
and silently accepts NaN and the last of two equal keys.
"""

from __future__ import annotations

import json
import re
from typing import Literal, NoReturn, TypeAlias

from .assembler import LIMITS, Assembler, Limits
from .document import Document, Source
from .scalars import ScalarError, hint, integer, real, resolve

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"[^"\\\n\r]*(?:\\.[^"\\\n\r]*)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
#: A number or a literal, valid or not.
_WORD = re.compile(r"[-+.\w]+")
_LITERALS = {"true": True, "false": False, "null": None}

#: The expected token; "item or end" and "key or end" only after an opening bracket.
_State: TypeAlias = Literal["value", "item or end", "key or end", "key", "colon", "next", "done"]


def read_json(source: Source, limits: Limits = LIMITS) -> Document:
    """The document in ``source``; raises `SpecError`, also for one beyond ``limits``.

    >>> read_json(Source('{"stem": {"kind": "conv7x7", "width": 64}}')).tree
    {'stem': {'kind': 'conv7x7', 'width': 64}}
    """
    return _Parser(source, limits).document()


class _Parser:
    def __init__(self, source: Source, limits: Limits) -> None:
        self.text = source.text
        self.at = 0
        self.comma = 0
        #: Offset of each open bracket.
        self.open: list[int] = []
        self.out = Assembler(source, limits)

    def document(self) -> Document:
        self._skip()
        state: _State = "value"
        while state != "done":
            state = self._step(state)
            self._skip()
        if self.at < len(self.text):
            self._stop("text after the end of the spec", help="keep one mapping to a file")
        return self.out.document()

    def _step(self, state: _State) -> _State:
        character = self.text[self.at : self.at + 1]
        if character in {"", "/", "#"}:
            self._end_or_comment(character)
        if state == "colon":
            return self._colon(character)
        if state == "next":
            return self._next(character)
        if character in {"]", "}"}:
            return self._close(character, state)
        if state in {"key", "key or end"} and character != '"':
            self._stop("a key in double quotes is expected here", help='write "key": value')
        return self._value(character, state)

    def _value(self, character: str, state: _State) -> _State:
        if character in {"{", "["}:
            self.out.open({} if character == "{" else [], self.at)
            self.open.append(self.at)
            self.at += 1
            return "key or end" if character == "{" else "item or end"
        if character == '"':
            self._string()
        else:
            self._word()
        if state in {"key", "key or end"}:
            return "colon"
        return "next"

    def _colon(self, character: str) -> _State:
        if character != ":":
            self._stop("a colon is missing before this", help='write "key": value')
        self.at += 1
        return "value"

    def _next(self, character: str) -> _State:
        if character == ",":
            self.comma = self.at
            self.at += 1
            return "key" if self.text[self.open[-1]] == "{" else "value"
        if character not in {"]", "}"}:
            self._stop("a comma is missing before this")
        return self._close(character, "next")

    def _close(self, character: str, state: _State) -> _State:
        if not self.open:
            self._stop(f"this {character} closes nothing", help="remove it")
        opening = self.text[self.open[-1]]
        if character != {"{": "}", "[": "]"}[opening]:
            line, column = self.out.source.mark(self.open[-1])
            help = f"the {opening} stands at line {line}, column {column}"
            self._stop(f"this {character} does not close the {opening}", help=help)
        if state in {"key", "value"}:
            if self.text[self.comma : self.at].strip(", \t\r\n"):
                self._stop("a value is missing before this")
            self._stop("a comma before the closing bracket", self.comma, "remove the comma")
        self.open.pop()
        self.out.close()
        self.at += 1
        return "next" if self.open else "done"

    def _string(self) -> None:
        match = _STRING.match(self.text, self.at)
        if not match:
            self._stop('this " is never closed', help='close it with " on the same line')
        try:
            value = json.loads(match[0])
        except json.JSONDecodeError as error:
            self._stop(
                "a control character or an unknown escape in a string",
                self.at + error.pos,
                r"write \t for a tab, \\ for a backslash",
            )
        self.out.scalar(value, self.at, match.end(), plain=False)
        self.at = match.end()

    def _word(self) -> None:
        match = _WORD.match(self.text, self.at)
        if not match:
            help = "JSON uses double quotes" if self.text[self.at] == "'" else None
            self._stop("a value is expected here", help=help)
        try:
            value = self._number_or_literal(match[0])
        except ScalarError as error:
            self.out.fault("number", str(error), self.at, hint(match[0]))
            value = 0
        self.out.scalar(value, self.at, match.end(), plain=True)
        self.at = match.end()

    def _number_or_literal(self, word: str) -> int | float | bool | None:
        if word in _LITERALS:
            return _LITERALS[word]
        if word in {"NaN", "Infinity", "-Infinity"}:
            raise ScalarError(f"{word} is not a finite number")
        match = _NUMBER.fullmatch(word)
        if not match:
            self._stop("not a value of JSON", help=_instead(word))
        return real(word) if match[1] or match[2] else integer(word, 10)

    def _end_or_comment(self, character: str) -> NoReturn:
        if character:
            self._stop("JSON has no comments", help="remove it, or save the spec as .yaml")
        if not self.open:
            self.out.stop_empty()
        opening = self.text[self.open[-1]]
        self._stop(f"this {opening} is never closed", self.open[-1])

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _stop(self, message: str, offset: int | None = None, help: str | None = None) -> NoReturn:
        self.out.stop("syntax", message, self.at if offset is None else offset, help)


def _instead(word: str) -> str:
    """Help for a word that YAML or Python accepts, but JSON does not."""
    try:
        value = resolve(word)
    except ScalarError:
        value = word
    if isinstance(value, str):
        return hint(word) or "put text in double quotes"
    return f"write {json.dumps(value)}"
