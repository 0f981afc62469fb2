"""The values of unquoted scalars in YAML (the core schema of YAML 1.2), and help for common traps.

YAML 1.1 reads ``no`` as false, ``010`` as 8 and ``7:30`` as 450. Here all of them are text, and
`hint` suggests how to write the number or boolean that was probably meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

#: Far above any number of a spec, and below the range of a float.
MAX_DIGITS = 100

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class ScalarError(ValueError):
    """A number that a spec cannot hold."""


def resolve(word: str) -> str | int | float | bool | None:
    """The value of a plain (unquoted) scalar. Raises `ScalarError` for numbers that are
    not finite or too long.

    >>> [resolve(word) for word in ("1e-3", "0o17", "true", "~", "no", "010", "7x7")]
    [0.001, 15, True, None, 'no', '010', '7x7']
    """
    if word in _WORDS:
        return _WORDS[word]
    # Every number starts with one of these characters; most words of a spec do not.
    return number(word) if word[0] in "+-.0123456789" else word


def number(word: str) -> str | int | float:
    """``word`` as an int or a float, or ``word`` itself where it is neither."""
    if _NOT_FINITE.fullmatch(word):
        raise ScalarError(f"{word} is not a finite number")
    if _DECIMAL.fullmatch(word):
        return integer(word, 10)
    if _BASED.fullmatch(word):
        return integer(word, 0)
    if _FLOAT.fullmatch(word):
        return real(word)
    return word


def integer(word: str, base: int) -> int:
    """A whole number of limited length: ``int`` takes quadratic time and refuses 4,300 digits."""
    if len(word) > MAX_DIGITS:
        raise ScalarError(f"a number of {len(word):,} characters (at most {MAX_DIGITS})")
    return int(word, base)


def real(word: str) -> float:
    """A finite float."""
    if len(word) > MAX_DIGITS:
        raise ScalarError(f"a number of {len(word):,} characters (at most {MAX_DIGITS})")
    value = float(word)
    if not math.isfinite(value):
        raise ScalarError(f"{word} is too large for a float")
    return value


def is_text(word: str) -> bool:
    """Whether ``word``, unquoted, is read as text."""
    try:
        return resolve(word) == word
    except ScalarError:
        return False


_HINTS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(r"(?i:yes|on|y)"), lambda m: "write true"),
    (re.compile(r"(?i:no|off|n)"), lambda m: "write false"),
    (re.compile(r"None|nil|undefined"), lambda m: "write null"),
    (re.compile(r"[-+]?[.]?(?i:nan|inf|infinity)"), lambda m: "write a finite number"),
    (re.compile(r"([-+]?)0+([0-9]+)"), lambda m: f"write {m[1]}{m[2]}"),
    (
        re.compile(r"[-+]?[0-9]+(?:[_,][0-9]+)+(?:\.[0-9]*)?"),
        lambda m: f"write {m[0].replace('_', '').replace(',', '')}",
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*", re.DOTALL),
        lambda m: "a date is read as text here",
    ),
    (
        re.compile(r"[-+]?[0-9]+(?::[0-9]+)+(?:\.[0-9]*)?"),
        lambda m: "write one plain number; times and ratios are read as text",
    ),
    (
        re.compile(r"([A-Za-z_]\w*):(\S.*)"),
        lambda m: f"put a space after the colon: {m[1]}: {m[2][:40]}",
    ),
]


def hint(word: str, plain: bool = True) -> str | None:
    """Help for the text ``word`` where another type is expected; None where there is none.

    >>> hint("off"), hint("010"), hint("1_000"), hint("depth:18")
    ('write false', 'write 10', 'write 1000', 'put a space after the colon: depth: 18')
    >>> hint("50", plain=False)
    'remove the quotes'
    >>> hint("bottleneck") is None
    True
    """
    if len(word) > MAX_DIGITS:
        return None
    if not plain and word and not is_text(word):
        return "remove the quotes"
    for pattern, help_for in _HINTS:
        match = pattern.fullmatch(word)
        if match:
            return help_for(match)
    return None
