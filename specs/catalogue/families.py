"""The files of the catalogue, and the text of each entry in them.

A file holds the networks of one family from one source::

    # Where the family comes from.
    family: resnext
    source: torchvision
    entries:
      # What is particular to this entry.
      resnext50_32x4d:
        base: resnet50
        block: {groups: 32, width_per_group: 4}

An entry holds what a spec file does, without ``resforge`` and ``name``; ``base`` may be any entry
of any file. One that holds only its ``base`` is the same network under another name. Only the entry
that is asked for is parsed: the files are cut at the lines that begin an entry, which are indented
by two spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from textwrap import dedent
from typing import NamedTuple

from ...text.reader import read
from ...text.writer import to_yaml

_HEADER = re.compile(r"((?:#.*\n)*)family: (\S+)\nsource: (\S+)\nentries:\n")
#: Comments, the name, and the lines up to the next line that is indented by two spaces.
_ENTRY = re.compile(r"((?:  #.*\n)*)  ([A-Za-z0-9_.-]+):(.*\n(?:(?:    .*)?\n)*)")
_BASE = re.compile(r"^(?:    |\s*\{)base: ([^\s,}]+)", re.MULTILINE)
_ALIAS = re.compile(r"\s*(?:\{base: [^\s,}]+\}|base: [^\s,}]+)\s*")
_LETTERS, _DIGITS = re.compile(r"\D+"), re.compile(r"\d+")


class Entry(NamedTuple):
    """One network: its name, its family, the project or paper whose name it is, and its text."""

    name: str
    family: str
    source: str
    comment: str
    body: str

    @property
    def base(self) -> str | None:
        """The entry that this one starts from."""
        found = _BASE.search(self.body)
        return found[1] if found else None

    @property
    def is_alias(self) -> bool:
        """Whether the entry holds only its ``base``: the same network under another name."""
        return _ALIAS.fullmatch(self.body) is not None

    @property
    def text(self) -> str:
        """The entry as a file of its own."""
        body = self.body
        if body.strip().startswith("{"):
            body = to_yaml(read(body, name=f"{self.name}.yaml").tree)
        return f"{self.comment}resforge: 1\nname: {self.name}\n{dedent(body).lstrip()}"


@cache
def entries() -> dict[str, Entry]:
    """Every entry of every file by its name, in natural order."""
    found = [
        each
        for file in files(__package__).iterdir()
        if file.name.endswith(".yaml")
        for each in cut(file.read_text(encoding="utf-8"))
    ]
    return {each.name: each for each in sorted(found, key=_natural)}


def cut(text: str) -> Iterator[Entry]:
    """The entries of the text of a file."""
    header = _HEADER.match(text)
    if header is None:
        raise ValueError(f"a file of the catalogue begins with family and source, not {text:.80}")
    comment, family, source = header.groups()
    for own, name, body in _ENTRY.findall(text, header.end()):
        yield Entry(name, family, source, comment + dedent(own), body)


def _natural(entry: Entry) -> list[str]:
    """Sorts ``resnet50`` before ``resnet101``."""
    letters, digits = _LETTERS.findall(entry.name), _DIGITS.findall(entry.name)
    return [*letters[:1], *(number.zfill(8) for number in digits), *letters[1:]]
