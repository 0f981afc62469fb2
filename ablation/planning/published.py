"""What papers print: shown beside our rows, never mixed with our results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from ...errors import SHOWN_FAULTS, Fault
from ...specs.base import Spec
from ...specs.explain import shown
from ...specs.paths import nearest

MAX_TABLES = 64
MAX_TEXT = 80
_LARGEST = 1e12
_PAIRS = 1000  # of names that are compared for a help line


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
    # The comparison is false for what is not a number, too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise PydanticCustomError(
            "published",
            "expected a finite number or a short text",
            {"help": "write what is printed there, such as 8.75 or fail"},
        )
    return value


Short = Annotated[str, AfterValidator(_short)]
Printed = Annotated[
    int | float | str, BeforeValidator(_number_or_text, json_schema_input_type=float | str)
]


class PublishedTable(Spec):
    """One table of a paper: what it prints for networks that are arms of a sweep.

    >>> table = PublishedTable(
    ...     source="He et al. 2015 (arXiv 1512.03385), Table 6",
    ...     measure="CIFAR-10 test error, %",
    ...     rows={"ResNet-20": 8.75},
    ... )
    >>> printed([table], "ResNet-20"), printed([table], "ResNet-32")
    ('8.75', '')
    """

    source: Short
    """Whose figures they are, and where they stand."""
    measure: Short
    """What the figures are."""
    rows: dict[str, Printed]
    """Arm, as table and CSV name it, then the number or the text printed for it."""


def printed(tables: Sequence[PublishedTable], arm: str) -> str:
    """What ``tables`` print for an arm; where there are several, each with the table's number."""
    found = [
        f"{table.rows[arm]}{_mark(tables, index)}"
        for index, table in enumerate(tables)
        if arm in table.rows
    ]
    return ", ".join(found)


def footnotes(tables: Sequence[PublishedTable]) -> list[str]:
    """A line for each table: where its figures come from, and what they are."""
    return [
        f"published{_mark(tables, index)}: {table.source}; {table.measure}"
        for index, table in enumerate(tables)
    ]


def published_for(tables: Sequence[PublishedTable], arm: str) -> list[dict[str, Any]]:
    """For JSON: each figure printed for an arm, with its source and measure."""
    return [
        {"source": table.source, "measure": table.measure, "printed": table.rows[arm]}
        for table in tables
        if arm in table.rows
    ]


def unknown_arms(tables: Sequence[PublishedTable], arms: Sequence[str]) -> tuple[list[Fault], int]:
    """A fault for each row that is for no arm, and how many more there are."""
    places = list(_strangers(tables, frozenset(arms)))
    # Half a millisecond a pair at worst: a file of strangers must not take seconds to refuse.
    compared = max(1, _PAIRS // len(arms))
    faults = [
        Fault(
            "key",
            f"there is no arm {arm!r}",
            f"published[{index}].rows.{arm}",
            _mend(arm, arms if position < compared else arms[:1]),
        )
        for position, (index, arm) in enumerate(places[:SHOWN_FAULTS])
    ]
    return faults, len(places) - len(faults)


def _strangers(tables: Sequence[PublishedTable], arms: frozenset[str]) -> Iterator[tuple[int, str]]:
    for index, table in enumerate(tables):
        yield from ((index, arm) for arm in table.rows if arm not in arms)


def _mend(arm: str, arms: Sequence[str]) -> str:
    close = nearest(arm, list(arms))
    return f"did you mean {close!r}?" if close else f"the first arm is {arms[0]!r}"


def _mark(tables: Sequence[PublishedTable], index: int) -> str:
    return f" [{index + 1}]" if len(tables) > 1 else ""
