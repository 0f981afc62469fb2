"""Published results: figures of papers, shown beside the results of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from ..errors import SHOWN_FAULTS, Fault
from ..specs.base import Spec
from ..specs.explain import shown
from ..specs.paths import nearest

MAX_TABLES = 64
MAX_TEXT = 80
_LARGEST = 1e12
_PAIRS = 1000  # pairs of names that are compared to suggest a similar one


def _short(text: str) -> str:
    if len(text) > MAX_TEXT or not text.strip() or not text.isprintable():
        raise PydanticCustomError(
            "published",
            "{given} cannot stand in a table",
            {"given": shown(text), "help": f"use 1 to {MAX_TEXT} printable characters"},
        )
    return text


def _number_or_text(value: Any) -> Any:
    if isinstance(value, str):
        return _short(value)
    # The comparison is false for NaN, too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise PydanticCustomError(
            "published",
            "expected a finite number or a short text",
            {"help": "write the printed figure, such as 8.75, or a text such as fail"},
        )
    return value


Short = Annotated[str, AfterValidator(_short)]
Printed = Annotated[
    int | float | str, BeforeValidator(_number_or_text, json_schema_input_type=float | str)
]


class PublishedTable(Spec):
    """One table of a paper, with its figures for networks that are arms of a sweep.

    >>> table = PublishedTable(
    ...     source="He et al. 2015 (arXiv 1512.03385), Table 6",
    ...     measure="CIFAR-10 test error, %",
    ...     rows={"ResNet-20": 8.75},
    ... )
    >>> printed([table], "ResNet-20"), printed([table], "ResNet-32")
    ('8.75', '')
    """

    source: Short
    """Paper and table that the figures are from."""
    measure: Short
    """Quantity and unit of the figures."""
    rows: dict[str, Printed]
    """For each arm, by its name in table and CSV, the number or the text printed for it."""


def printed(tables: Sequence[PublishedTable], arm: str) -> str:
    """Figures of an arm in ``tables``, each with the number of its table if there are several."""
    figures = [
        f"{table.rows[arm]}{_mark(tables, index)}"
        for index, table in enumerate(tables)
        if arm in table.rows
    ]
    return ", ".join(figures)


def footnotes(tables: Sequence[PublishedTable]) -> list[str]:
    """One line for each table: the source and the quantity of its figures."""
    return [
        f"published{_mark(tables, index)}: {table.source}; {table.measure}"
        for index, table in enumerate(tables)
    ]


def published_for(tables: Sequence[PublishedTable], arm: str) -> list[dict[str, Any]]:
    """Published figures of an arm for JSON, each with its source and measure."""
    return [
        {"source": table.source, "measure": table.measure, "printed": table.rows[arm]}
        for table in tables
        if arm in table.rows
    ]


def unknown_arms(tables: Sequence[PublishedTable], arms: Sequence[str]) -> tuple[list[Fault], int]:
    """Faults of rows whose arm is unknown, and the number of faults left out."""
    places = list(_unknown_rows(tables, frozenset(arms)))
    # A pair takes up to 0.5 ms: many unknown names must not take seconds to reject.
    compared = max(1, _PAIRS // len(arms))
    faults = [
        Fault(
            "key",
            f"there is no arm {arm!r}",
            f"published[{index}].rows.{arm}",
            _help(arm, arms if position < compared else arms[:1]),
        )
        for position, (index, arm) in enumerate(places[:SHOWN_FAULTS])
    ]
    return faults, len(places) - len(faults)


def _unknown_rows(
    tables: Sequence[PublishedTable], arms: frozenset[str]
) -> Iterator[tuple[int, str]]:
    for index, table in enumerate(tables):
        yield from ((index, arm) for arm in table.rows if arm not in arms)


def _help(arm: str, arms: Sequence[str]) -> str:
    close = nearest(arm, list(arms))
    return f"did you mean {close!r}?" if close else f"the first arm is {arms[0]!r}"


def _mark(tables: Sequence[PublishedTable], index: int) -> str:
    return f" [{index + 1}]" if len(tables) > 1 else ""
