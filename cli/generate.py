"""``resforge generate``, ``generate size`` and ``generate check``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import ArgumentCollection, CycloptsError, Group, Parameter
from cyclopts.validators import Number

from ..drawing.canvas import check_format
from ..drawing.numbers import grouped, percent
from ..errors import printable
from .exits import Exit
from .export_folder import check_export, export_folder
from .options import Json
from .output import say, tell, tell_json, tell_table
from .selections import Drawn, Selection, covering, every

if TYPE_CHECKING:
    from ..generation import Architecture, Space


def _one_way(ways: ArgumentCollection) -> None:
    given = [argument.name for argument in ways.filter_by(has_tokens=True)]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} exclude each other: leave one out.")


_WHICH = Group("Which networks", validator=_one_way)
Source = Annotated[
    str, Parameter(name="SPACE", help="A shipped space, or a .yaml or .json file that holds one.")
]
Seed = Annotated[int, Parameter(help="Seed of the draws.")]


def generate(
    source: Source,
    /,
    *,
    count: Annotated[
        int | None,
        Parameter(
            ("--count", "-n"),
            metavar="N",
            validator=Number(gte=1),
            group=_WHICH,
            help="How many are drawn; by default 10.",
        ),
    ] = None,
    all: Annotated[
        bool,
        Parameter(
            "--all",
            group=_WHICH,
            negative="",
            show_default=False,
            help="List every network of the space in its order instead of drawing some.",
        ),
    ] = False,
    cover: Annotated[
        Literal["options", "pairs"] | None,
        Parameter(
            group=_WHICH,
            help="Give few small networks in which every option of the space, or every pair of its"
            " options, stands.",
        ),
    ] = None,
    seed: Seed = 0,
    tries: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=1),
            help="Points to look at before a draw (10,000) or a pair of options (300) is given up:"
            " more where networks are rare.",
        ),
    ] = None,
    guided: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Go from random points towards the limits, for networks too rare for chance. They"
            " are not drawn with the declared probabilities.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        Parameter(
            metavar="DIR",
            help="Folder to write to; by default lines of JSON, or with --format csv a table, are"
            " printed.",
        ),
    ] = None,
    format: Annotated[
        Literal["yaml", "jsonl", "csv"] | None,
        Parameter(
            help="With --out: one file per network (yaml, the default), or networks.jsonl or"
            " networks.csv for all."
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="Draw the MACs of the networks against each of their choices, as .svg, .png or"
            " .pdf.",
        ),
    ] = None,
    export: Annotated[
        Literal["onnx", "torch-export", "code"] | None,
        Parameter(
            help="With --out: also write each network as a program, with fresh weights, and beside"
            " it a .npz with input pictures and the expected outputs."
        ),
    ] = None,
    json: Json = False,
) -> Exit:
    """Draw different networks of a design space, all legal and within its limits.

    With --out the same command resumes an interrupted one, and a larger -n
    adds networks to the folder. With --all and --cover, files are named after
    the choices.
    """
    from ..generation import draw_costs, load_space

    if out is None and format == "yaml":
        raise CycloptsError(msg="--format yaml is for --out only.")
    if export is not None:
        check_export(export, out, format)
    if figure is not None:
        check_format(figure)
    if guided and (all or cover):
        raise CycloptsError(msg="--guided is for draws: leave out --all and --cover.")
    space = load_space(source)
    asked = None if all or cover else count or 10
    found = _select(space, asked, cover, seed, tries, guided)
    if out is None:
        given = _tell_lines(space, found.networks(), format or "jsonl")
    else:
        given = found.write(out, format or "yaml")
        if json:
            tell_json({"out": str(out), "networks": given, "asked": asked, **found.summary})
        else:
            tell(f"{_networks(given)} in {printable(str(out))}")
    _say_how_many(given, asked, found.summary.get("repeated", 0))
    if figure is not None:
        draw_costs(figure, space, [*found.networks()])
        say(f"wrote {printable(str(figure))}")
    if export is not None and out is not None:
        return export_folder(out, export, space.pictures)
    return Exit.OK


def _say_how_many(given: int, asked: int | None, repeated: int) -> None:
    if repeated:
        verb = "is" if repeated == 1 else "are"
        say(f"{repeated:,} of them {verb} the same network as another, by digest")
    if asked is not None and given < asked:
        say(f"the space has no more: {_networks(given)} of {asked:,}")


def _select(
    space: Space,
    count: int | None,
    cover: Literal["options", "pairs"] | None,
    seed: int,
    tries: int | None,
    guided: bool,
) -> Selection:
    if count is not None:
        return Drawn(space, count, seed, tries, guided)
    return every(space) if cover is None else covering(space, cover, seed, tries)


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


def _tell_lines(space: Space, found: Iterator[Architecture], format: str) -> int:
    from ..generation.lines import LINES

    lines = LINES[format](space)
    if lines.header:
        tell(lines.header.rstrip("\n"))
    given = 0
    for each in found:
        tell(lines.line(each).rstrip("\n"))
        given += 1
    return given


def _networks(count: int) -> str:
    return f"{count:,} network{'s' * (count != 1)}"
