"""Results in a file of JSON lines, so that one suite can be run again alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from resforge.files import write_whole

from .rows import KINDS, AnyRow

DATA = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.jsonl"


class Result(NamedTuple):
    """A row, and the circumstances of its suite."""

    suite: str
    row: AnyRow
    run: dict[str, Any]


def read(file: Path = DATA) -> list[Result]:
    """All results, in the order in which they were written."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [_result(**json.loads(line)) for line in lines]


def _result(suite: str, kind: str, run: dict[str, Any], **fields: Any) -> Result:
    return Result(suite, KINDS[kind](**fields), run)


def replace(suite: str, results: Iterable[Result], file: Path = DATA) -> None:
    """Put the results of a suite in place of all that it had: none of an earlier run stays."""
    known = [result for result in read(file) if result.suite != suite]
    lines = sorted([*known, *results], key=lambda result: result.suite)
    write_whole(file, "".join(_lines(lines)))


def _lines(results: Iterable[Result]) -> Iterator[str]:
    names = {model: kind for kind, model in KINDS.items()}
    for suite, row, run in results:
        fields = {"suite": suite, "kind": names[type(row)], **row._asdict(), "run": run}
        yield f"{json.dumps(fields)}\n"
