"""``resforge generate``, ``generate size`` and ``generate check``."""

from __future__ import annotations

from dataclasses import dataclass
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
    from ..generation import Space
    from ..generation.shards import Shard


def _one_way(ways: ArgumentCollection) -> None:
    given = [argument.name for argument in ways.filter_by(has_tokens=True)]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} exclude each other: leave one out.")


#: Of the longest number of a shard.
_DIGITS = 18
_WHICH = Group("Which networks", validator=_one_way)
Source = Annotated[
    str, Parameter(name="SPACE", help="A shipped space, or a .yaml or .json file that holds one.")
]
Seed = Annotated[int, Parameter(help="Seed of the draws.")]


@dataclass(frozen=True, kw_only=True)
class GenerateOptions:
    """Options of ``resforge generate``."""

    count: Annotated[
        int | None,
        Parameter(
            ("--count", "-n"),
            metavar="N",
            validator=Number(gte=1),
            group=_WHICH,
            help="How many are drawn; by default 10.",
        ),
    ] = None
    all: Annotated[
        bool,
        Parameter(
            "--all",
            group=_WHICH,
            negative="",
            show_default=False,
            help="List every network of the space in its order instead of drawing some.",
        ),
    ] = False
    cover: Annotated[
        Literal["options", "pairs"] | None,
        Parameter(
            group=_WHICH,
            help="Give few small networks in which every option of the space, or every pair of its"
            " options, stands.",
        ),
    ] = None
    seed: Seed = 0
    tries: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=1),
            help="Points to look at before a draw (10,000) or a pair of options (300) is given up:"
            " more where networks are rare.",
        ),
    ] = None
    shard: Annotated[
        str | None,
        Parameter(
            metavar="K/N",
            help="The draws K, K + N, K + 2N, ... alone, or with --all these points: so that N"
            " machines, K from 0 to N - 1, share a space.",
        ),
    ] = None
    guided: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Go from random points towards the limits, for networks too rare for chance. They"
            " are not drawn with the declared probabilities.",
        ),
    ] = False
    workers: Annotated[
        int,
        Parameter(
            metavar="N",
            validator=Number(gte=1),
            help="Processes that draw, or list with --all; their number changes no network.",
        ),
    ] = 1
    out: Annotated[
        Path | None,
        Parameter(
            metavar="DIR",
            help="Folder to write to; by default lines of JSON, or with --format csv a table, are"
            " printed.",
        ),
    ] = None
    format: Annotated[
        Literal["yaml", "jsonl", "csv"] | None,
        Parameter(
            help="With --out: one file per network (yaml, the default), or networks.jsonl or"
            " networks.csv for all."
        ),
    ] = None
    figure: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="Draw the MACs of the networks against each of their choices, as .svg, .png or"
            " .pdf.",
        ),
    ] = None
    export: Annotated[
        Literal["onnx", "torch-export", "code"] | None,
        Parameter(
            help="With --out: also write each network as a program, with fresh weights, and beside"
            " it a .npz with input pictures and the expected outputs."
        ),
    ] = None

    def check(self) -> None:
        """Raise ``CycloptsError`` for options that exclude each other."""
        if self.out is None and self.format == "yaml":
            raise CycloptsError(msg="--format yaml is for --out only.")
        if self.export is not None:
            check_export(self.export, self.out, self.format)
        if self.figure is not None:
            check_format(self.figure)
        if self.shard is not None and self.cover:
            raise CycloptsError(msg="--shard is for draws and --all: leave out --cover.")
        self.part()
        if self.guided and (self.all or self.cover):
            raise CycloptsError(msg="--guided is for draws: leave out --all and --cover.")

        if self.workers > 1 and self.cover:
            raise CycloptsError(msg="--workers is for draws and --all: leave out --cover.")

    def part(self) -> Shard:
        """The part of the space. Raises ``CycloptsError`` for one that cannot be."""
        from ..generation.shards import Shard

        number, _, count = (self.shard or "0/1").partition("/")
        if all(part.isdecimal() and len(part) <= _DIGITS for part in (number, count)):
            shard = Shard(int(number), int(count))
            if shard.number < shard.of:
                return shard
        message = (
            f"--shard {self.shard:.40} is no part of a space: write K/N, with K from 0 to N - 1"
        )
        raise CycloptsError(msg=f"{message}, such as 0/64 to 63/64.")

    @property
    def asked(self) -> int | None:
        """Number of networks to draw; None where they are listed."""
        return None if self.all or self.cover else self.count or 10

    def select(self, space: Space) -> Selection:
        """The networks of ``space`` that the options ask for."""
        if self.asked is not None:
            return Drawn(
                space, self.asked, self.seed, self.tries, self.guided, self.workers, self.part()
            )
        if self.cover is not None:
            return covering(space, self.cover, self.seed, self.tries)
        return every(space, self.workers, self.part())


def generate(
    source: Source,
    /,
    *,
    options: Annotated[GenerateOptions, Parameter(name="*")] = GenerateOptions(),
    json: Json = False,
) -> Exit:
    """Draw different networks of a design space, all legal and within its limits.

    With --out the same command resumes an interrupted one, and a larger -n
    adds networks to the folder. With --all and --cover, files are named after
    the choices.
    """
    from ..generation import draw_costs, load_space

    options.check()
    space = load_space(source)
    found = options.select(space)
    given = _give(space, found, options, json)
    _say_how_many(given, options.asked, found.summary.get("repeated", 0))
    if options.guided:
        say("drawn towards the limits, and not with the declared probabilities")
    if options.figure is not None:
        draw_costs(options.figure, space, [*found.networks()])
        say(f"wrote {printable(str(options.figure))}")
    if options.export is not None and options.out is not None:
        return export_folder(options.out, options.export, space.pictures)
    return Exit.OK


def _give(space: Space, found: Selection, options: GenerateOptions, json: bool) -> int:
    """Write or print the networks; how many there are."""
    if options.out is None:
        return _tell_lines(space, found, options.format or "jsonl")
    given = found.write(options.out, options.format or "yaml")
    if json:
        asked = options.asked
        tell_json({"out": str(options.out), "networks": given, "asked": asked, **found.summary})
    else:
        tell(f"{_networks(given)} in {printable(str(options.out))}")
    return given


def _say_how_many(given: int, asked: int | None, repeated: int) -> None:
    if repeated:
        verb = "is" if repeated == 1 else "are"
        say(f"{repeated:,} of them {verb} the same network as another, by digest")
    if asked is not None and given < asked:
        say(f"the space has no more: {_networks(given)} of {asked:,}")


def size(source: Source, /, *, json: Json = False) -> None:
    """Print the number of points of a space, computed without listing them."""
    from ..generation import load_space

    space = load_space(source)
    if json:
        tell_json({"size": space.size, "fields": space.fields})
        return
    tell("1 point" if space.size == 1 else f"{space.size:,} points")
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


def _tell_lines(space: Space, found: Selection, format: str) -> int:
    from ..generation.lines import LINES

    lines = LINES[format](space)
    if lines.header:
        tell(lines.header.rstrip("\n"))
    given = 0
    for line in found.lines(lines):
        tell(line.rstrip("\n"))
        given += 1
    return given


def _networks(count: int) -> str:
    return f"{count:,} network{'s' * (count != 1)}"
