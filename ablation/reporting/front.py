"""Test error against cost, and the Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan, nan
from typing import TYPE_CHECKING

from ...training.cost import Latency
from ..comparing.rows import ArmRow
from .chart import INK, PAPER, Chart, draw, log_ticks, series_colour
from .table import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class CostOf:
    """A cost of arms: ``of`` gives an arm's cost with its lower and upper bound, None where it is
    not known."""

    name: str
    label: str
    """Label of its axis."""
    unit: str
    of: Callable[[ArmRow], tuple[float, float, float] | None]
    text: Callable[[float], str]


def _counted(row: ArmRow) -> tuple[float, float, float]:
    return (row.macs, row.macs, row.macs)


def _latency_of(what: str, field: str) -> CostOf:
    """The median of a measured latency, a field of a measured cost, between its quartiles."""
    label = f"latency of one {what}"
    return CostOf(f"the {label}", label, "s", partial(_quartiles, field), _milliseconds)


def _quartiles(field: str, row: ArmRow) -> tuple[float, float, float] | None:
    found: Latency | None = getattr(row.measured, field) if row.measured else None
    return (found.median, found.low, found.high) if found else None


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"


def _memory(row: ArmRow) -> tuple[float, float, float] | None:
    found = row.measured.training_memory if row.measured else None
    return (found, found, found) if found is not None else None


def _mebibytes(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"


MACS = CostOf("MACs", "MACs for one image", "", _counted, "{:,.0f} MACs".format)
SINGLE = _latency_of("image", "single")
BATCH = _latency_of("batch", "batch")
MEMORY = CostOf("the memory of training", "peak memory of training", "B", _memory, _mebibytes)


def pareto_front(rows: Sequence[ArmRow], cost: CostOf = MACS) -> tuple[ArmRow, ...]:
    """Arms on the Pareto front of a cost and mean test error, from the cheapest on.

    No other arm is better in one of the two and at least as good in the other. Arms without a test
    error, or of unknown cost, are left out.
    """
    placed = [(place, row) for row in rows if (place := _place(row, cost))]
    front: list[ArmRow] = []
    best: tuple[float, float] | None = None
    for place, row in sorted(placed, key=lambda pair: pair[0]):
        if best is None or place[1] < best[1] or place == best:
            front.append(row)
            best = place
    return tuple(front)


def cost_charts(rows: Sequence[ArmRow]) -> list[tuple[Chart, list[tuple[str, str, str]]]]:
    """Charts of each arm's test error against its MACs, and against its measured costs.

    Each comes with its Pareto front: names of arms, their costs and errors in percent. Empty where
    no arm has a test error. Needs matplotlib.
    """
    drawn = []
    for cost in (MACS, SINGLE, BATCH, MEMORY):
        chart = cost_chart(rows, cost)
        if chart is not None:
            front = pareto_front(rows, cost)
            listed = [
                (row.arm, cost.text(_known(row, cost)[0]), percent(row.test_error)) for row in front
            ]
            drawn.append((chart, listed))
    return drawn


def cost_chart(rows: Sequence[ArmRow], cost: CostOf = MACS) -> Chart | None:
    """Chart of mean and sample deviation of each arm's test error against a cost.

    The Pareto front is joined, and points are named. None where no arm has a test error and a known
    cost. Needs matplotlib.
    """
    shown = [row for row in rows if _place(row, cost)]
    if not shown:
        return None
    places = [(row.arm, *_known(row, cost)) for row in pareto_front(rows, cost)]
    front = "; ".join(f"{arm} {cost.text(at)}, {error:.1f}%" for arm, at, error in places)
    return draw(
        f"test error against {cost.name}",
        f"{len(shown)} arms; on the Pareto front: {front}.",
        (5.0, 3.1),
        partial(_paint, shown, cost),
    )


#: Most points whose names stand beside them; of more, those on the front are named.
_NAMED = 12
_LONGEST = 26  # characters of a name


def _paint(rows: Sequence[ArmRow], cost: CostOf, axes: Axes) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    front = pareto_front(rows, cost)
    colour = series_colour(1)
    places = [_known(row, cost) for row in front]
    axes.step(*zip(*places, strict=True), where="post", color=colour, linewidth=1.2)
    _points(axes, [row for row in rows if row not in front], cost, INK, PAPER)
    _points(axes, front, cost, colour, colour)
    costs = [_known(row, cost)[0] for row in rows]
    if max(costs) > 3 * min(costs):
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(cost.unit, sep=" " if cost.unit else ""))
    axes.set(xlabel=cost.label, ylabel="test error, %")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.08)
    _name_points(axes, rows if len(rows) <= _NAMED else front, cost)


def _points(axes: Axes, rows: Sequence[ArmRow], cost: CostOf, edge: str, inside: str) -> None:
    """Draw arms with their deviations, all at once: a call for each would take most of the time of
    a report of a thousand arms."""
    if not rows:
        return
    xs, ys = zip(*(_known(row, cost) for row in rows), strict=True)
    ranges = [cost.of(row) or (x, x, x) for row, x in zip(rows, xs, strict=True)]
    below = [x - low if low < high else nan for x, low, high in ranges]
    above = [high - x if low < high else nan for x, low, high in ranges]
    errors = [row.test_error for row in rows if row.test_error]
    spread = [100 * (error.deviation or nan) for error in errors]
    axes.errorbar(
        xs,
        ys,
        xerr=None if all(map(isnan, below)) else (below, above),
        yerr=None if all(map(isnan, spread)) else spread,
        fmt="o",
        markersize=5.5,
        color=edge,
        markerfacecolor=inside,
        elinewidth=0.8,
    )


def _name_points(axes: Axes, rows: Sequence[ArmRow], cost: CostOf) -> None:
    """Write the names of arms beside their points, each above the last where they would meet.

    Points right of the middle have their names to the left, so that none leaves the chart.
    """
    height, wide = 10.0, 4.8  # points, of a line of text and of a character
    taken: list[tuple[float, float, float]] = []
    for row in sorted(rows, key=lambda row: _known(row, cost)[1]):
        place = _known(row, cost)
        across = axes.transAxes.inverted().transform(axes.transData.transform(place))[0]
        x, y = axes.transData.transform(place) * 72 / axes.figure.dpi
        left, name = across > 0.5, _short(row.arm)
        ends = sorted((x, x + (-1 if left else 1) * (7 + wide * len(name))))
        middle = y
        while any(
            ends[0] < end and start < ends[1] and abs(middle - beside) < height
            for start, end, beside in taken
        ):
            middle += height / 4
        taken.append((*ends, middle))
        axes.annotate(
            name,
            place,
            xytext=(-7 if left else 7, middle - y),
            textcoords="offset points",
            fontsize=8,
            horizontalalignment="right" if left else "left",
            verticalalignment="center",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
            in_layout=False,
        )


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _place(row: ArmRow, cost: CostOf) -> tuple[float, float] | None:
    """Cost and mean test error in percent; None where one of them is not known."""
    at = cost.of(row)
    return (at[0], 100 * row.test_error.mean) if at and row.test_error else None


def _known(row: ArmRow, cost: CostOf) -> tuple[float, float]:
    place = _place(row, cost)
    assert place is not None
    return place
