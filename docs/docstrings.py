"""Reads the docstrings of the package, which are plain text with reST's roles and doctests, as the
Markdown that the site's reference shows. An extension of griffe; see `mkdocs.yml`."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):`[~.]*([^`<]+)`")
_CODE = re.compile(r"``([^`]+)``")
_DOCTEST = re.compile(r"(?:^>>>.*\n?(?:^(?!>>>)\S.*\n?|^ +.*\n?)*)+", re.MULTILINE)


class MarkdownDocstrings(griffe.Extension):
    """Docstrings as Markdown."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """A docstring as Markdown.

    >>> as_markdown("Raises :class:`SpecError`.")
    'Raises `SpecError`.'
    """
    text = _CODE.sub(r"`\1`", _ROLE.sub(r"`\1`", text))
    return _DOCTEST.sub(lambda found: f"\n```pycon\n{found[0].rstrip()}\n```\n", text)
