"""File names that say which choices a network is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from ..specs.paths import Path
from .choices import Same
from .points import Architecture
from .space import Space
from .template import Free

#: Longest name, without the ending of a file.
MAX_LENGTH = 100
_SHORT = {"depth": "d", "width": "w"}
#: Words that need the name of their field to be understood.
_BARE = {"none", "same", "true", "false"}
_WORD = re.compile(r"\d*[A-Za-z]")
_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")


class ChoiceNames:
    """Names for the files of networks of ``space``: short, safe on every system, and each given
    once.

    A number follows the name of its field, ``d`` for a depth and ``w`` for a width; a word stands
    alone where it needs no field; ``3basic`` are three blocks. A name that is too long, or that was
    given before, ends in the index of its network.

    >>> from resforge.generation import load_space
    >>> space = load_space("cifar_resnets")
    >>> ChoiceNames(space).name(space.find("cifar_resnet20"))
    'd-3-3-3_w-16-32-64_zero_pad_basic'
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._given: set[str] = set()

    def name(self, found: Architecture) -> str:
        """The name of ``found``. The same networks in the same order have the same names."""
        template = self._space.template
        rows = zip(template.free, template.choices.unrank(found.index), strict=True)
        name = "_".join(_field(free, row) for free, row in rows)
        # Some systems take names for equal that differ in capitals.
        if len(name) > MAX_LENGTH or name.casefold() in self._given:
            end = f"_{found.index}"
            name = name[: max(0, MAX_LENGTH - len(end))].rstrip("-_.") + end
        self._given.add(name.casefold())
        return name


def _field(free: Free, row: list[Any]) -> str:
    """The values of a free field, after its name where they need one."""
    values = row[:1] if isinstance(free.choices, Same) else row
    texts = [text_of(value) for value in values]
    telling = all(_WORD.match(text) and text not in _BARE for text in texts)
    label = [] if telling else [_label(free.places[0], several=len(free.places) > 1)]
    return "-".join([*label, *texts])


def _label(place: Path, several: bool) -> str:
    """The name of a field: ``d`` for the depths of all stages, ``s0-d`` for that of the first."""
    parts = [str(part) for part in place]
    if parts[0] == "stages" and len(parts) > 2:
        parts = parts[2:] if several else [f"s{parts[1]}", *parts[2:]]
    return "-".join(_safe(_SHORT.get(part, part)) for part in parts)


def text_of(value: Any) -> str:
    """A value as a part of a name.

    >>> text_of([{"block": "basic"}, {"block": "basic"}, {"block": {"kind": "d2l", "bias": True}}])
    '2basic.d2l-bias-true'
    """
    if isinstance(value, Mapping):
        # A kind is named alone, and so is that of a block.
        parts = [
            text_of(item) if key in ("kind", "block") else _named(key, item)
            for key, item in value.items()
        ]
        return "-".join(parts)
    if isinstance(value, list):
        if not any(isinstance(item, Mapping) for item in value):
            return "-".join(map(text_of, value))
        runs = [(text, len([*same])) for text, same in groupby(map(text_of, value))]
        return ".".join(text if length == 1 else f"{length}{text}" for text, length in runs)
    if value is None:
        return "none"
    return _safe(str(value).lower() if isinstance(value, bool) else str(value))


def _named(key: str, value: Any) -> str:
    return f"{_safe(_SHORT.get(key, key))}-{text_of(value)}"


def _safe(text: str) -> str:
    return _UNSAFE.sub("-", text).strip("-.") or "x"
