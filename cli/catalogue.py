"""``resforge list``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any

from cyclopts import Parameter

from ..drawing.numbers import grouped
from ..errors import Fault, SpecError
from ..planner.catalogue import list_specs
from ..reading.load import load
from ..specs import OPERATIONS
from ..specs.catalogue import Entry, entry
from ..specs.operation import meaning_of
from .options import Json, plan_at
from .output import tell, tell_json, tell_table

Pattern = Annotated[str, Parameter(help="Pattern of names, such as 'resnet*'.")]
Family = Annotated[str | None, Parameter(help="Only networks of this family.")]
Project = Annotated[str | None, Parameter(help="Only networks of this project, or 'paper'.")]
Params = Annotated[
    str | None,
    Parameter(metavar="RANGE", help="Only so many parameters: 10M..30M, ..5M or 1G.."),
]
Families = Annotated[
    bool,
    Parameter(negative="", show_default=False, help="One line for each family and source."),
]
Operations = Annotated[
    bool,
    Parameter(
        negative="",
        show_default=False,
        help="The operations that a chain may hold, with what each computes.",
    ),
]
Long = Annotated[
    bool,
    Parameter(
        ("--long", "-l"),
        negative="",
        show_default=False,
        help="Also show family, source and cost of each network.",
    ),
]


def list_names(
    pattern: Pattern = "*",
    /,
    *,
    family: Family = None,
    source: Project = None,
    params: Params = None,
    families: Families = False,
    operations: Operations = False,
    long: Long = False,
    json: Json = False,
) -> None:
    """List the networks of the catalogue, one name per line; or the operations of the language."""
    if operations:
        _tell_operations(pattern, json=json)
        return
    names = _names(pattern, family=family, source=source, params=params)
    if families:
        _tell_families([entry(name) for name in names], json=json)
    elif json:
        tell_json([_entry(name) for name in names])
    elif long:
        _tell_costs(names)
    else:
        for name in names:
            tell(name)


def _names(pattern: str, **filters: str | None) -> list[str]:
    """The names that match. Raises :class:`SpecError` where none does."""
    names = list_specs(pattern, **filters)
    if not names:
        asked = [f" of {key} {value}" for key, value in filters.items() if value is not None]
        raise SpecError(
            Fault(
                "catalogue",
                f"no name matches {pattern!r}{','.join(asked)}",
                help="`resforge list` shows every name; quote patterns: 'resnet*'",
            )
        )
    return names


def _tell_costs(names: list[str]) -> None:
    tell_table(
        ("name", "family", "source", "depth", "params", "MACs", "input"),
        [
            (
                *(found[key] for key in ("name", "family", "source")),
                *(grouped(found[key]) for key in ("depth", "params", "macs")),
                "x".join(map(str, found["input_shape"])),
            )
            for found in map(_entry, names)
        ],
        text_columns=3,
    )


def _tell_operations(pattern: str, *, json: bool) -> None:
    rows = [
        {"kind": kind, "meaning": meaning_of(model)}
        for kind, model in OPERATIONS.items()
        if fnmatchcase(kind, pattern)
    ]
    if not rows:
        help_ = "`resforge list --operations` shows all"
        raise SpecError(Fault("operation", f"no operation matches {pattern!r}", help=help_))
    if json:
        tell_json(rows)
    else:
        cells = [(row["kind"], row["meaning"]) for row in rows]
        tell_table(("operation", "meaning"), cells, 1, note_columns=1)


def _entry(name: str) -> dict[str, Any]:
    spec = load(name)
    plan = plan_at(spec, None)
    return {
        "name": name,
        "family": entry(name).family,
        "source": entry(name).source,
        "depth": plan.depth,
        "params": plan.params,
        "macs": plan.macs,
        "input_shape": plan.input_shape,
        "digest": spec.digest,
    }


def _tell_families(found: list[Entry], *, json: bool) -> None:
    rows = list(_families(found))
    if json:
        tell_json(rows)
    else:
        cells = [
            (row["family"], row["source"], str(len(row["names"])), _few(row["names"]))
            for row in rows
        ]
        tell_table(("family", "source", "networks", "names"), cells, 2, note_columns=1)


def _families(found: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    place = itemgetter(1, 2)
    for (family, source), members in groupby(sorted(found, key=place), key=place):
        yield {"family": family, "source": source, "names": [member.name for member in members]}


def _few(names: list[str]) -> str:
    """The first names and the last."""
    return ", ".join(names if len(names) <= 4 else [*names[:2], "...", names[-1]])
