"""Writes plain values as YAML or JSON that the reader reads back unchanged."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from .assembler import MAX_DEPTH, MAX_KEY
from .scalars import MAX_DIGITS, hint, is_text

_WIDTH = 100
#: Text that needs no quotes, also inside brackets.
_PLAIN = re.compile(r"[^\W\d][\w./+*()-]*(?: [\w./+*()-]+)*")
_SURROGATE = re.compile("[\ud800-\udfff]")


def to_yaml(tree: Mapping[str, Any]) -> str:
    """``tree`` as YAML: one key per line, values on one line where they fit, chains on few lines.

    Raises ``ValueError`` or ``TypeError`` for values that the reader would refuse.

    >>> tree = {"stem": {"kind": "conv3x3"}, "stages": [{"depth": 3}, {"depth": 4, "stride": 2}]}
    >>> print(to_yaml(tree), end="")
    stem: {kind: conv3x3}
    stages:
      - {depth: 3}
      - {depth: 4, stride: 2}
    >>> print(to_yaml({"stem": ["norm", {"conv": 3, "width": 64}] * 4}), end="")
    stem: [norm, {conv: 3, width: 64}, norm, {conv: 3, width: 64}, norm, {conv: 3, width: 64}, norm,
      {conv: 3, width: 64}]
    """
    plain = _checked(tree, 1)
    return "\n".join(_mapping(plain, 0) or ["{}"]) + "\n"


def to_json(tree: Mapping[str, Any]) -> str:
    """``tree`` as indented JSON. Raises as `to_yaml` does.

    >>> print(to_json({"depth": 3}), end="")
    {
      "depth": 3
    }
    """
    text = json.dumps(_checked(tree, 1), ensure_ascii=False, indent=2)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text) + "\n"


def _mapping(value: dict[str, Any], indent: int) -> list[str]:
    """The lines of a mapping, one key per line."""
    lines = []
    for key, item in value.items():
        start = f"{' ' * indent}{_text(key)}:"
        line = f"{start} {_flow(item)}"
        # A list of several mappings is written as a column, however short; one of mappings and
        # words, which is a chain of operations, and one of chains are not.
        nested = {type(each) for each in item} if isinstance(item, list) else set()
        chain = (bool(nested & {dict, list}) and not nested <= {dict, list}) or nested == {list}
        several = isinstance(item, list) and len(item) > 1
        column = several and nested <= {dict, list} and not chain
        if not item or not isinstance(item, dict | list) or (len(line) <= _WIDTH and not column):
            lines.append(line)
        elif (isinstance(item, dict) and _is_short(item, start, indent + 2)) or (
            isinstance(item, list) and chain and _fits(item, indent)
        ):
            lines += _filled(start, item, indent + 2)
        else:
            lines += [start, *_block(item, indent + 2)]
    return lines


def _list(value: list[Any], indent: int) -> list[str]:
    """The lines of a list, each item after a dash."""
    lines = []
    for item in value:
        line = f"{' ' * indent}- {_flow(item)}"
        if not item or not isinstance(item, dict | list) or len(line) <= _WIDTH:
            lines.append(line)
        elif isinstance(item, dict) and _is_short(item, dash := f"{' ' * indent}-", indent + 4):
            lines += _filled(dash, item, indent + 4)
        else:
            # The dash takes the place of the first line's indentation.
            first, *rest = _block(item, indent + 2)
            lines += [f"{' ' * indent}- {first[indent + 2 :]}", *rest]
    return lines


def _is_short(item: dict[str, Any], start: str, indent: int) -> bool:
    """Whether a mapping reads well on as few lines as it takes: each value fits on a line, or is a
    list of lists of numbers, such as the widths of a stage."""
    width = _WIDTH - indent - 2
    if all(len(_flow(value)) < width or _is_table(value) for value in item.values()):
        first, *rest = _pieces(item, width)
        return len(f"{start} {first}") <= _WIDTH and all(len(piece) < width for piece in rest)
    return False


def _is_table(value: Any) -> bool:
    plain = (str, int, float)
    rows = value if isinstance(value, list) else [None]
    return all(isinstance(row, list) and all(isinstance(n, plain) for n in row) for row in rows)


def _fits(items: list[Any], indent: int) -> bool:
    """Whether each item fits on a line of its own, or may be cut where lists of it end."""
    width = _WIDTH - indent - 2
    if all(len(_flow(item)) < width or _holds_chains(item) for item in items):
        return all(len(piece) < width for piece in _pieces(items, width))
    return False


def _holds_chains(value: Any) -> bool:
    """Whether it is a list, or a mapping with a list of lists: an operation that holds chains."""
    if isinstance(value, dict):
        lists = (item for item in value.values() if isinstance(item, list))
        return any(isinstance(each, list) for item in lists for each in item)
    return isinstance(value, list)


def _filled(start: str, items: dict[str, Any] | list[Any], indent: int) -> list[str]:
    """A list or a mapping on as few lines as it takes, such as a chain of operations."""
    lines, line, gap = [], f"{start} ", ""
    for text in _pieces(items, _WIDTH - indent - 2):
        if len(line) + len(gap) + len(text) > _WIDTH:
            lines.append(line)
            line, gap = " " * indent, ""
        line, gap = line + gap + text, " "
    return [*lines, line]


def _pieces(value: dict[str, Any] | list[Any], width: int) -> list[str]:
    """A value on one line, cut where a line may end: between its items, and within those that are
    wider than ``width``."""
    ends = "{}" if isinstance(value, dict) else "[]"
    keys = [f"{_text(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    pieces: list[str] = []
    for key, item in zip(keys, value.values() if isinstance(value, dict) else value, strict=True):
        whole = not item or not isinstance(item, dict | list) or len(key + _flow(item)) < width
        first, *rest = [_flow(item)] if whole else _pieces(item, width - len(key) - 1)
        pieces += [key + first, *rest]
        pieces[-1] += ","
    pieces[-1] = pieces[-1][:-1] + ends[1]
    return [ends[0] + pieces[0], *pieces[1:]]


def _block(value: dict[str, Any] | list[Any], indent: int) -> list[str]:
    return _mapping(value, indent) if isinstance(value, dict) else _list(value, indent)


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        # YAML 1.1 reads 1e-5 as text, but 1.0e-5 as a number.
        text = re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
        return re.sub(r"e([-+])0", r"e\1", text)
    return json.dumps(value)


def _text(value: str) -> str:
    """Text, quoted where this reader or one of YAML 1.1 would read another type."""
    if _PLAIN.fullmatch(value) and value.isprintable() and is_text(value) and not hint(value):
        return value
    return "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _checked(value: Any, depth: int) -> Any:
    """A copy of ``value`` in dicts, lists and scalars, all within the limits of the reader."""
    if isinstance(value, Mapping | list | tuple):
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, Mapping):
            return {_checked_key(key): _checked(item, depth + 1) for key, item in value.items()}
        return [_checked(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _checked_text(str.__str__(value))
    if isinstance(value, int):
        if not -(10 ** (MAX_DIGITS - 1)) < value < 10 ** (MAX_DIGITS - 1):
            raise ValueError(f"an integer of {MAX_DIGITS} digits or more")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        return float(value)
    raise TypeError(f"a spec cannot hold {type(value).__name__}: {value!r:.80}")


def _checked_key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, not {key!r:.80}")
    if len(key) > MAX_KEY:
        raise ValueError(f"a key of {len(key):,} characters (at most {MAX_KEY})")
    return _checked_text(str.__str__(key))


def _checked_text(value: str) -> str:
    if _SURROGATE.search(value):
        raise ValueError(f"half of a surrogate pair is not a character: {value!a:.80}")
    return value
