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
from .output import columns, complain, say, tell, tell_json, tell_table

if TYPE_CHECKING:
    from ..ablation import ArmPreview, Preview
    from ..ablation.planning.power import Power
    from ..ablation.planning.searching import SearchSpec


def plan_file(
    file: Annotated[str, Parameter(help="The sweep's .yaml or .json file.")],
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(
            metavar="DIR",
            help="A folder that the sweep was run into, to estimate the time of the rest.",
        ),
    ] = None,
    json: Json = False,
) -> Exit:
    """Show the arms of a sweep, their differences and their cost; train nothing.

    Each arm's cost is compared with the first arm's, since a difference in cost
    can explain a result as well as the change that is studied. Exits with 3 if
    arms are illegal or the budget is exceeded.
    """
    from ..ablation import preview_sweep, read_sweep

    preview = preview_sweep(read_sweep(file), out)
    if json:
        tell_json(preview.as_dict())
    else:
        _print_preview(preview, file, out)
    if preview.error is not None:
        complain(str(preview.error))
        return Exit.BAD_INPUT
    return Exit.OK


def _print_preview(preview: Preview, file: str, out: Path | None) -> None:
    arms = preview.arms
    if arms:
        _print_arms(arms)
        tell("")
        _print_figures(arms)
        tell(
            "\nvs 1: relative to arm 1; same start: tensors with the same initial values as in"
            "\narm 1 for the same seed, bit for bit, and their fraction of the parameters"
        )
    if preview.illegal:
        tell(f"\n{_count(len(preview.illegal), 'illegal arm')}:")
        for arm in preview.illegal:
            tell(f"  {printable(arm.name)}: {_where(arm.faults)}")
    tell(f"\n{_total(preview)}")
    if preview.looks:
        tell(_looks_text(preview))
    if preview.search is not None:
        tell(_search_text(preview, preview.search))
    if preview.power is not None and preview.power.smallest:
        _print_power(preview.power)
    tell(_time(preview, file, out))
    if preview.adaptation:
        say(printable(preview.adaptation))
    for warning in preview.warnings:
        say(f"warning: {printable(warning)}")


def _where(faults: Sequence[Fault]) -> str:
    """Places of an arm's faults, whose messages are printed to stderr."""
    if not faults:
        return "not checked"
    places = [
        f"{fault.line}:{fault.column}" if fault.line else printable(fault.path) for fault in faults
    ]
    return " and ".join(dict.fromkeys(places))


def _print_arms(arms: Sequence[ArmPreview]) -> None:
    numbers = {arm.arm: str(number) for number, arm in enumerate(arms, start=1)}
    axes = [axis for axis, _ in arms[0].labels]
    tell_table(
        ("#", *axes, "differs from arm 1 in"),
        [
            (numbers[arm.arm], *(label for _, label in arm.labels), _differences(arm, numbers))
            for arm in arms
        ],
        text_columns=1 + len(axes),
        note_columns=1,
    )


def _differences(arm: ArmPreview, numbers: dict[str, str]) -> str:
    differences = [
        f"{change.path} as in the base"
        if change.by_base
        else f"{change.path}: {in_words(change.value)}"
        for change in arm.file_changes
    ]
    if arm.matched is not None and arm.matched.factor != 1:
        differences.append(f"{arm.matched.by}s x {arm.matched.factor:.3g}")
    same = f" (the network of {numbers[arm.same_as]})" if arm.same_as else ""
    if differences:
        return ", ".join(differences) + same
    return "" if numbers[arm.arm] == "1" else "nothing"


def _print_figures(arms: Sequence[ArmPreview]) -> None:
    header, rows = _figures_table(arms, wide=True)
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    wide = sum(widths) + 2 * len(widths) <= columns()
    if not wide:
        header, rows = _figures_table(arms, wide=False)
    tell_table(header, rows, text_columns=1 + len(arms[0].labels) * wide)


def _figures_table(arms: Sequence[ArmPreview], wide: bool) -> tuple[list[str], list[list[str]]]:
    """Headings and rows; ``wide`` ones have every digit and the axes."""
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
    texts = []
    for name in ("params", "macs", "activations"):
        texts += [number(getattr(arm, name)), _relative(arm.relative[name])]
    for name in ("depth", "receptive_field"):
        texts += [str(getattr(arm, name)), *([_relative(arm.relative[name])] if wide else [])]
    shared = arm.shared
    fraction = "100%" if shared.share == 1 else percent(shared.share)
    return [*texts, f"{shared.tensors}/{shared.of} {fraction:>5}"]


def _relative(difference: float) -> str:
    """Relative difference to the first arm in percent, from twice its figure on as a factor.

    >>> _relative(0.0), _relative(-0.0001), _relative(0.0386), _relative(10.24)
    ('=', '-<0.1%', '+3.9%', 'x11.2')
    """
    if difference == 0:
        return "="
    if abs(difference) < 0.0005:
        return "+<0.1%" if difference > 0 else "-<0.1%"
    if difference < 0.9995:
        return f"{100 * difference:+.1f}%"
    factor = 1 + difference
    return f"x{factor:.{max(0, 2 - (factor >= 9.995) - (factor >= 99.95))}f}"


def _total(preview: Preview) -> str:
    arms = len(preview.arms) + len(preview.illegal)
    own = any(arm.recipe_changes for arm in preview.arms)
    trained = _count(preview.networks, "network") + " with their recipes" * own
    return (
        f"{_count(arms, 'arm')}, {trained} x"
        f" {_count(preview.seeds, 'seed')} = {_count(preview.trials, 'trial')},"
        f" {scientific(preview.macs)} MACs of training"
    )


def _print_power(power: Power) -> None:
    heads, rows = ["seeds"], [[str(seeds)] for seeds, _ in power.smallest]
    heads.append("SD")
    for row, (_, size) in zip(rows, power.smallest, strict=True):
        row.append(f"{size:.2f}")
        if power.spread is not None:
            points = dict.fromkeys(f"{size * deviation:.2g}" for deviation in power.spread)
            row.append(" to ".join(points))
    if power.spread is not None:
        heads.append("points")
    strictest = " for the strictest" if power.comparisons > 1 else ""
    tell(
        f"\n{_count(power.comparisons, 'comparison')}: the smallest difference found four times in"
        f" five{strictest}, in\nstandard deviations of the differences over seeds"
        + (", and in points with those recorded" if power.spread else "")
    )
    tell_table(heads, rows)
    tell("")


def _looks_text(preview: Preview) -> str:
    most = preview.looks[-1]
    trials = _count(preview.networks * most, "trial")
    looks = ", ".join(map(str, preview.looks))
    return (
        f"looks at {looks} seeds, until every comparison is separable: this is the first; at most"
        f" {_count(preview.networks, 'network')} x {_count(most, 'seed')} = {trials}"
    )


def _search_text(preview: Preview, search: SearchSpec) -> str:
    most = f"{_count(search.n, 'network')} x {_count(preview.seeds, 'seed')}"
    text = (
        f"search by {search.method} in {printable(search.space)}: this is the first batch; at most"
        f" {most} = {_count(search.n * preview.seeds, 'trial')}"
    )
    if search.stop is not None:
        *steps, last = [f"{step:,}" for step in preview.rungs]
        after = f"{', '.join(steps)} and {last}" if steps else last
        text += f"; about one in {search.stop.eta}\ngoes on after {after} steps"
    return text


def _time(preview: Preview, file: str, out: Path | None) -> str:
    expected = preview.expected
    time = "time of the first batch" if preview.search is not None else "time"
    if expected is None:
        return f"{time}: unknown until trials are recorded; then give their folder with --out"
    recorded = f"{time}: {expected.recorded} of {_count(preview.trials, 'trial')} recorded"
    if not expected.missing:
        return recorded
    if expected.seconds is None:
        return f"{recorded}; none of them gives an estimate of the rest"
    scaled = f", {expected.scaled} of them by the MACs of other networks" if expected.scaled else ""
    clock = _clock(expected.seconds)
    return f"{recorded}; the other {expected.missing} take one worker about {clock}{scaled}"


def _clock(seconds: float) -> str:
    """A duration with its unit.

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
