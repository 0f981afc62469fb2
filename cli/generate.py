"""``resforge generate``, ``generate size`` and ``generate check``."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ..drawing.numbers import grouped, percent
from ..errors import printable
from .exits import Exit
from .options import Json
from .output import followed, say, tell, tell_json, tell_table

if TYPE_CHECKING:
    from ..generation import Architecture, Space

Source = Annotated[
    str, Parameter(name="SPACE", help="A shipped space, or a .yaml or .json file that holds one.")
]
Seed = Annotated[int, Parameter(help="Seed of the draws.")]


def generate(
    source: Source,
    /,
    *,
    count: Annotated[
        int,
        Parameter(("--count", "-n"), metavar="N", validator=Number(gte=1), help="How many."),
    ] = 10,
    seed: Seed = 0,
    tries: Annotated[
        int,
        Parameter(
            metavar="N",
            validator=Number(gte=1),
            help="Points that a draw looks at before it gives up: more where networks are rare.",
        ),
    ] = 10_000,
    out: Annotated[
        Path | None,
        Parameter(metavar="DIR", help="Folder to write to; by default lines of JSON are printed."),
    ] = None,
    format: Annotated[
        Literal["yaml", "jsonl"],
        Parameter(help="With --out: one file per network, or networks.jsonl for all."),
    ] = "yaml",
    json: Json = False,
) -> Exit:
    """Draw different networks of a design space, all legal and within its limits.

    With --out the same command resumes an interrupted one, and a larger -n
    adds networks to the folder.
    """
    from ..generation import NetworkFolder, load_space

    space = load_space(source)
    if out is None:
        given = _tell_lines(space, islice(space.sample(seed, tries), min(count, sys.maxsize)))
    else:
        folder = NetworkFolder(out, space, seed, format, tries)
        for _ in followed(folder.fill(count), max(0, count - folder.count), "networks"):
            pass
        given = folder.count
        if json:
            tell_json({"out": str(out), "networks": given, "asked": count})
        else:
            tell(f"{_networks(given)} in {printable(str(out))}")
    if given < count:
        say(f"the space has no more: {_networks(given)} of {count:,}")
    return Exit.OK


def size(source: Source, /, *, json: Json = False) -> None:
    """Print the number of points of a space, computed without listing them."""
    from ..generation import load_space

    space = load_space(source)
    if json:
        tell_json({"size": space.size, "fields": space.fields})
        return
    tell(f"{space.size:,} points")
    tell_table(("field", "values"), [(path, grouped(n)) for path, n in space.fields.items()])


def check(
    source: Source,
    /,
    *,
    points: Annotated[
        int, Parameter(metavar="N", validator=Number(gte=1), help="Number of points.")
    ] = 1000,
    seed: Seed = 0,
    json: Json = False,
) -> Exit:
    """Count how many random points of a space are legal, within the limits, and different.

    Exits with 3 where there is no such network, and reports how near the points came.
    """
    from ..generation import load_space, survey

    space = load_space(source)
    found = survey(space, points, seed)
    if json:
        tell_json({"size": space.size, **found.as_dict()})
    else:
        name = printable(space.name) or "the space"
        tell(f"{name}: {space.size:,} points, of which {found.points:,} were looked at")
        for count, kind in (
            (found.networks, "legal networks"),
            (found.within, "within the limits"),
            (found.distinct, "different networks"),
        ):
            tell(f"  {count:,} {kind} ({percent(count / found.points)})")
        if found.ranges:
            tell("")
            rows = [(name, *map(grouped, spread)) for name, spread in found.ranges.items()]
            tell_table(("", "least", "median", "most"), rows)
        for fault, count in found.faults[:5]:
            inside = f"{fault.path}: " if fault.path else ""
            say(f"{count:,} are illegal: {printable(inside + fault.message)}")
    if not found.within:
        raise found.misses.error()
    return Exit.OK


def _tell_lines(space: Space, found: Iterator[Architecture]) -> int:
    from ..generation import record_of

    given = 0
    for each in found:
        tell(json_text.dumps(record_of(each, space)))
        given += 1
    return given


def _networks(count: int) -> str:
    return f"{count:,} network{'s' * (count != 1)}"
