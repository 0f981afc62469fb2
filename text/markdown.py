"""Text for Markdown, in which no character has a meaning."""

from __future__ import annotations

import re

from ..errors import printable

# Characters with a meaning in Markdown. On GitHub, dollars enclose mathematics.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#~|!&$])")
# The start of a list.
_START = re.compile(r"^(\s*)([-+]|\d+(?=[.)]))")


def markdown(text: str) -> str:
    """``text`` within a line of Markdown, such as a heading or a cell.

    >>> markdown("a*b*<c>")
    'a\\\\*b\\\\*\\\\<c\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", printable(text))


def markdown_line(text: str) -> str:
    """``text`` at the start of a line of Markdown, where it could also start a list.

    >>> markdown_line("1. a"), markdown_line("- a")
    ('1\\\\. a', '\\\\- a')
    """
    return _START.sub(_escaped, markdown(text))


def _escaped(start: re.Match[str]) -> str:
    space, mark = start.groups()
    return f"{space}\\{mark}" if mark in "-+" else f"{space}{mark}\\"
