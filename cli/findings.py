"""Faults of spec files in the formats of programs that show them beside the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .._version import __version__
from ..errors import Fault, printable

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = {**_ESCAPES, ":": "%3A", ",": "%2C"}


def github(faults: Iterable[Fault]) -> Iterator[str]:
    """A line for each fault that GitHub Actions turns into an annotation.

    >>> print(*github([Fault("key", "unknown key 'hed'", "hed", "write head", "net.yaml", 3, 1)]))
    ::error file=net.yaml,line=3,col=1,title=key::hed: unknown key 'hed'; write head
    """
    for fault in faults:
        places = {"file": fault.file, "line": fault.line, "col": fault.column, "title": fault.code}
        found = [f"{k}={_escaped(v, _IN_PROPERTIES)}" for k, v in places.items() if v is not None]
        yield f"::error {','.join(found)}::{_escaped(_text(fault), _ESCAPES)}"


def sarif(faults: Iterable[Fault]) -> dict[str, Any]:
    """The faults in the Static Analysis Results Interchange Format, version 2.1.0."""
    results = [_result(fault) for fault in faults]
    rules = [{"id": rule} for rule in sorted({result["ruleId"] for result in results})]
    driver = {"name": "resforge", "version": __version__, "rules": rules}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _result(fault: Fault) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": fault.file}}
    if fault.line:
        place["region"] = {"startLine": fault.line, "startColumn": fault.column or 1}
    return {
        "ruleId": fault.code,
        "level": "error",
        "message": {"text": _text(fault)},
        "locations": [{"physicalLocation": place}],
    }


def _text(fault: Fault) -> str:
    text = f"{fault.path}: {fault.message}" if fault.path else fault.message
    return printable(f"{text}; {fault.help}" if fault.help else text)


def _escaped(text: object, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in str(text))
