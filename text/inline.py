"""Values of a spec on one line."""

from __future__ import annotations

import json
import re
from typing import Any

_WORD = re.compile(r"[A-Za-z_][\w./-]*")


def in_words(value: Any) -> str:
    """A value of a spec on one line, in YAML's notation, without the null fields of mappings.

    >>> in_words({"kind": "zero_pad", "pad": "end"}), in_words(None), in_words({"kind": "basic"})
    ('{kind: zero_pad, pad: end}', 'null', 'basic')
    """
    if isinstance(value, dict):
        parts = {key: item for key, item in value.items() if item is not None}
        if set(parts) == {"kind"}:
            return str(parts["kind"])
        return "{" + ", ".join(f"{key}: {in_words(item)}" for key, item in parts.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_words, value)) + "]"
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    return json.dumps(value)
