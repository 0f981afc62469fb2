"""Tables in a page that is otherwise written by hand.

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_TABLE = re.compile(r"(<!-- table: ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def marked(text: str) -> list[str]:
    """Names of the tables of a page."""
    return [name for _, name, _ in _TABLE.findall(text)]


def replace_tables(text: str, tables: Mapping[str, str]) -> str:
    """``text`` with each table that ``tables`` has in place of the one of that name."""
    return _TABLE.sub(lambda found: f"{found[1]}{tables[found[2]]}{found[3]}", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A table in Markdown, of which the first ``words`` columns hold words and the others
    numbers."""
    sides = [":---" if column < words else "---:" for column in range(len(heads))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (heads, sides, *rows))
