"""``base``: starting from a catalogue entry and saying only what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .base import expand_kind
from .block import expand_block
from .head import expand_head
from .operation import OPERATIONS, expand_operation
from .shortcut import expand_inner, expand_shortcut
from .stem import expand_stem


def _expand_part(value: Any) -> Any:
    """The long form of an operation in a word; fields alone change the one that stands there."""
    named = isinstance(value, dict) and any(
        key in OPERATIONS and OPERATIONS[key].main for key in value
    )
    return expand_operation(value) if named or isinstance(value, str) else value


Expansions = Mapping[str, Callable[[Any], Any]]
"""By key, how a short form becomes the long one."""
_LONG: Expansions = {
    "stem": expand_stem,
    "block": expand_block,
    "norm": expand_kind,
    "head": expand_head,
    "shortcut": expand_shortcut,
    "match": expand_inner,
    "change": expand_inner,
    "of": expand_inner,
    "attention": _expand_part,
    "conv1": _expand_part,
    "conv2": _expand_part,
    "conv3": _expand_part,
    "stride_by": _expand_part,
}


def merge(
    base: dict[str, Any], changes: dict[str, Any], long: Expansions = _LONG
) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it: mappings merge, lists and the rest replace.

    A mapping of another ``kind`` replaces, because the fields of one kind mean nothing to
    another.

    >>> merge({"block": {"kind": "bottleneck", "groups": 32}}, {"block": "basic"})
    {'block': {'kind': 'basic'}}
    >>> merge({"block": {"kind": "bottleneck", "groups": 32}}, {"block": {"expansion": 2}})
    {'block': {'kind': 'bottleneck', 'groups': 32, 'expansion': 2}}
    >>> merge({"conv2": {"kind": "conv", "kernel": 3}}, {"conv2": {"res2net": 4}})
    {'conv2': {'kind': 'res2net', 'scales': 4}}
    """
    merged = dict(base)
    for key, value in changes.items():
        expand = long.get(key, _as_is)
        old, new = expand(base.get(key)), expand(value)
        merged[key] = merge(old, new, long) if _same_kind(old, new) else new
    return merged


def _same_kind(old: Any, new: Any) -> bool:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    return "kind" not in new or new["kind"] == old.get("kind")


def _as_is(value: Any) -> Any:
    return value
