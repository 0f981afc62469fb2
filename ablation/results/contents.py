"""Values of a store as they are read: each is checked, and a wrong one is named.

Digests show what has changed since it was written; stores of earlier versions have none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ...errors import printable
from ..declared import Declared
from ..published import PublishedTable
from .disk import DamagedError
from .outcome import Outcome
from .planned import ArmRecord
from .tables import TABLES

_TYPES: dict[str, tuple[type, ...]] = {"TEXT": (str,), "INTEGER": (int,), "REAL": (int, float)}
_Side = Annotated[int, Field(ge=1)]
_TESTED = TypeAdapter(Annotated[int, Field(strict=True, ge=1)])
_IMAGES = TypeAdapter(Annotated[tuple[_Side, ...], Field(min_length=3, max_length=5)])


class _SweepTree(BaseModel):
    """What is read of a stored sweep; sweeps of earlier versions lack the later keys."""

    model_config = ConfigDict(extra="allow")

    name: str
    seeds: Annotated[list[int], Field(min_length=1)]
    data: dict[str, Any]
    recipe: dict[str, Any]
    published: list[PublishedTable] = []
    comparisons: list[Declared] | None = None
    diverged: Literal["guess", "drop"] = "guess"
    threshold: float | None = None
    looks: list[Annotated[int, Field(ge=1)]] = []


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Name what is read in the error of a value that cannot be."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DamagedError(f"{printable(what)}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place and place + ': '}{first['msg']}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"{type(error).__name__}: {error}"


def check_types(table: str, row: tuple[Any, ...]) -> None:
    """Raise :class:`DamagedError` for a value of another type than its column."""
    for (column, kind), value in zip(TABLES[table].items(), row, strict=True):
        wanted = _TYPES[kind.split()[0]]
        optional = "NOT NULL" not in kind and "KEY" not in kind
        if not isinstance(value, wanted) and not (optional and value is None):
            shown = printable(str(row[0])[:80])
            raise DamagedError(f"{column} of {shown!r} in {table} is {type(value).__name__}")


def parse_sweep(text: str) -> dict[str, Any]:
    """The sweep of a plan as a tree."""
    with reading("the sweep"):
        tree = json.loads(text)
        _SweepTree.model_validate(tree)
        return dict(tree)


def parse_images(text: str) -> tuple[int, ...]:
    with reading("the size of the images"):
        return _IMAGES.validate_python(json.loads(text))


def parse_tested(text: str) -> int:
    with reading("the number of test images"):
        return _TESTED.validate_python(json.loads(text))


def parse_arm(name: str, labels: str, *rest: Any) -> ArmRecord:
    with reading(f"arm {name}"):
        return _arms().validate_python(ArmRecord(name, json.loads(labels), *rest).__dict__)


def parse_outcome(key: str, text: str) -> Outcome:
    with reading(f"outcome of trial {key}"):
        outcome = Outcome.from_json(text)
        if outcome.status == "done" and not (outcome.train_curve and outcome.test_curve):
            raise ValueError("it is done without curves")
        return outcome


def parse_time(what: str, text: str) -> datetime:
    """A time with its zone."""
    with reading(f"time of {what}"):
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError(f"{text!r} has no time zone")
        return time


def parse_manifest(text: str) -> dict[str, Any]:
    with reading("the manifest of a run"):
        return dict(json.loads(text))


@lru_cache(maxsize=1)
def _arms() -> TypeAdapter[ArmRecord]:
    return TypeAdapter(ArmRecord)
