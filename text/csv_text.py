"""Tables as CSV that a spreadsheet reads as data."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from ..errors import printable

# Characters that start a formula in a spreadsheet.
_FORMULA = tuple("=+-@＝＋－＠")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def as_csv(rows: Iterable[Iterable[Any]]) -> str:
    """``rows`` as CSV, each cell as :func:`as_data` has it.

    >>> as_csv([["arm", "error"], ["=1+1", -0.5]])
    "arm,error\\n'=1+1,-0.5\\n"
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(as_data, row) for row in rows)
    return text.getvalue()


def as_data(value: Any) -> Any:
    """A text with an apostrophe before what a spreadsheet would read as a formula.

    Unprintable characters are escaped. Numbers, also those written as text, are unchanged.

    >>> as_data("@SUM(A1)"), as_data("\\t=1"), as_data("-1.5"), as_data(-1.5), as_data("a-b")
    ("'@SUM(A1)", '\\\\t=1', '-1.5', -1.5, 'a-b')
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    is_formula = text.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text
