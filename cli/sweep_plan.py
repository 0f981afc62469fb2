"""``resforge sweep plan``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..drawing.numbers import grouped, percent, scientific, short
from ..errors import Fault, printable
from ..text.inline import in_words
from .exits import Exit
from .options import Json
from .output import columns, say, tell, tell_json, tell_table

if TYPE_CHECKING:
    from ..ablation import ArmPreview, Preview
    from ..ablation.planning.sample import SearchSpec


def plan_file(
    file: Annotated[str, Parameter(help="The sweep's .yaml or .json file.")],
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(
            metavar="DIR",
            help="A folder that the sweep was run into, for the time that the rest takes.",
        ),
    ] = None,
    json: Json = False,
) -> Exit:
    """Show what a sweep would train, and in what its arms differ; train nothing.

    Each arm's cost is held against the first arm's: what differs beside the
    change that is studied can explain a result as well as the change. Exits
    with 3 where arms are illegal or the budget is exceeded.
    """
    from ..ablation import preview_sweep, read_sweep

    preview = preview_sweep(read_sweep(file), out)
    if json:
        tell_json(preview.as_dict())
    else:
        _tell(preview, file, out)
    if preview.error is not None:
        say(str(preview.error))
        return Exit.BAD_INPUT
    return Exit.OK


def _tell(preview: Preview, file: str, out: Path | None) -> None:
    arms = preview.arms
    if arms:
        _tell_arms(arms)
        tell("")
        _tell_figures(arms)
        tell(
            "\nvs 1: against arm 1; same start: tensors, and their share of the parameters,"
            "\nthat start bit for bit as in arm 1 with the same seed"
        )
    if preview.illegal:
        tell(f"\n{_count(len(preview.illegal), 'illegal arm')}:")
        for arm in preview.illegal:
            tell(f"  {printable(arm.name)}: {_where(arm.faults)}")
    tell(f"\n{_total(preview)}")
    if preview.search is not None:
        tell(_searched(preview, preview.search))
    tell(_time(preview, file, out))
    for warning in preview.warnings:
        say(f"warning: {printable(warning)}")


def _where(faults: Sequence[Fault]) -> str:
    """The places of an arm's faults, which are told in full on stderr."""
    if not faults:
        return "not looked into"
    places = [
        f"{fault.line}:{fault.column}" if fault.line else printable(fault.path) for fault in faults
    ]
    return " and ".join(dict.fromkeys(places))


def _tell_arms(arms: Sequence[ArmPreview]) -> None:
    numbers = {arm.arm: str(number) for number, arm in enumerate(arms, start=1)}
    axes = [axis for axis, _ in arms[0].labels]
    tell_table(
        ("#", *axes, "differs from arm 1 in"),
        [
            (numbers[arm.arm], *(label for _, label in arm.labels), _differs(arm, numbers))
            for arm in arms
        ],
        text_columns=1 + len(axes),
        note_columns=1,
    )


def _differs(arm: ArmPreview, numbers: dict[str, str]) -> str:
    told = [
        f"{said.path} as the base" if said.by_base else f"{said.path}: {in_words(said.value)}"
        for said in arm.said
    ]
    if arm.matched is not None and arm.matched.factor != 1:
        told.append(f"{arm.matched.by}s x {arm.matched.factor:.3g}")
    same = f" (the network of {numbers[arm.same_as]})" if arm.same_as else ""
    return ", ".join(told) + same if told else "nothing" if numbers[arm.arm] != "1" else ""


def _tell_figures(arms: Sequence[ArmPreview]) -> None:
    header, rows = _figures_table(arms, wide=True)
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    wide = sum(widths) + 2 * len(widths) <= columns()
    if not wide:
        header, rows = _figures_table(arms, wide=False)
    tell_table(header, rows, text_columns=1 + len(arms[0].labels) * wide)


def _figures_table(arms: Sequence[ArmPreview], wide: bool) -> tuple[list[str], list[list[str]]]:
    """With every digit and the axes, or without."""
    number = grouped if wide else short
    axes = [axis for axis, _ in arms[0].labels if wide]
    heads = ["params", "vs 1", "MACs", "vs 1", "activations" if wide else "activ.", "vs 1"]
    rest = ["depth", "vs 1", "field", "vs 1"] if wide else ["depth", "field"]
    rows = [
        [str(index), *(label for _, label in arm.labels if wide), *_figures(arm, number, wide)]
        for index, arm in enumerate(arms, start=1)
    ]
    return ["#", *axes, *heads, *rest, "same start"], rows


def _figures(arm: ArmPreview, number: Callable[[int], str], wide: bool) -> list[str]:
    found = []
    for name in ("params", "macs", "activations"):
        found += [number(getattr(arm, name)), _relative(arm.relative[name])]
    for name in ("depth", "receptive_field"):
        found += [str(getattr(arm, name)), *([_relative(arm.relative[name])] if wide else [])]
    alike = arm.shared
    share = "100%" if alike.share == 1 else percent(alike.share)
    return [*found, f"{alike.tensors}/{alike.of} {share:>5}"]


def _relative(share: float) -> str:
    """How far a figure is above the first arm's; from twice as much on, how many times it is.

    >>> _relative(0.0), _relative(-0.0001), _relative(0.0386), _relative(10.24)
    ('=', '-<0.1%', '+3.9%', 'x11.2')
    """
    if share == 0:
        return "="
    if abs(share) < 0.0005:
        return "+<0.1%" if share > 0 else "-<0.1%"
    if share < 0.9995:
        return f"{100 * share:+.1f}%"
    factor = 1 + share
    return f"x{factor:.{max(0, 2 - (factor >= 9.995) - (factor >= 99.95))}f}"


def _total(preview: Preview) -> str:
    arms = len(preview.arms) + len(preview.illegal)
    return (
        f"{_count(arms, 'arm')}, {_count(preview.networks, 'network')} x"
        f" {_count(preview.seeds, 'seed')} = {_count(preview.trials, 'trial')},"
        f" {scientific(preview.macs)} MACs of training"
    )


def _searched(preview: Preview, search: SearchSpec) -> str:
    most = f"{_count(search.n, 'network')} x {_count(preview.seeds, 'seed')}"
    return (
        f"search by {search.method} in {printable(search.space)}: this is the first batch; at most"
        f" {most} = {_count(search.n * preview.seeds, 'trial')}"
    )


def _time(preview: Preview, file: str, out: Path | None) -> str:
    found = preview.expected
    time = "time of the first batch" if preview.search is not None else "time"
    if found is None:
        return f"{time}: known once some trials are recorded; then name their folder with --out"
    told = f"{time}: {found.recorded} of {_count(preview.trials, 'trial')} recorded"
    if not found.missing:
        return told
    if found.seconds is None:
        return f"{told}; none there to tell the time of the rest by"
    by = f", {found.scaled} of them told from other networks by MACs" if found.scaled else ""
    return f"{told}; the other {found.missing} take one worker about {_clock(found.seconds)}{by}"


def _clock(seconds: float) -> str:
    """
    >>> _clock(4.2), _clock(600.0), _clock(9000.0), _clock(200_000.0)
    ('4 s', '10 min', '2.5 h', '2.3 days')
    """
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return (
                f"{seconds / size:.1f} {unit}"
                if seconds < 10 * size
                else f"{seconds / size:.0f} {unit}"
            )
    return f"{seconds:.0f} s"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
