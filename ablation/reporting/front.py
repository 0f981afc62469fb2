"""Test error against cost, and the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..comparing.rows import ArmRow
from .chart import INK, PAPER, Chart, draw, log_ticks, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pareto_front(rows: Sequence[ArmRow]) -> tuple[ArmRow, ...]:
    """Arms on the Pareto front of MACs and mean test error, from the cheapest on.

    No other arm is better in one of the two and at least as good in the other. Arms without a test
    error are left out.
    """
    front: list[ArmRow] = []
    for row in sorted((r for r in rows if r.test_error), key=lambda r: (r.macs, _error(r))):
        if not front or _error(row) < _error(front[-1]) or _same(row, front[-1]):
            front.append(row)
    return tuple(front)


def cost_chart(rows: Sequence[ArmRow]) -> Chart | None:
    """Chart of mean and sample deviation of each arm's test error against its MACs.

    The Pareto front is joined and numbered. None where no arm has a test error. Needs matplotlib.
    """
    shown = [row for row in rows if row.test_error]
    if not shown:
        return None
    front = "; ".join(
        f"{row.arm} {row.macs:,} MACs, {100 * _error(row):.1f}%" for row in pareto_front(rows)
    )
    return draw(
        "test error against MACs",
        f"{len(shown)} arms; on the Pareto front: {front}.",
        (4.4, 3.1),
        lambda axes: _paint(axes, shown),
    )


def _paint(axes: Axes, rows: Sequence[ArmRow]) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    front = pareto_front(rows)
    colour = series_colour(1)
    axes.step(
        [row.macs for row in front],
        [100 * _error(row) for row in front],
        where="post",
        color=colour,
        linewidth=1.2,
    )
    for row in rows:
        spread = row.test_error
        deviation = spread.deviation if spread else None
        best = row in front
        axes.errorbar(
            [row.macs],
            [100 * _error(row)],
            yerr=[100 * deviation] if deviation else None,
            fmt="o",
            markersize=5.5,
            color=colour if best else INK,
            markerfacecolor=colour if best else PAPER,
            elinewidth=0.8,
        )
    for number, row in enumerate(front, start=1):
        place = (row.macs, 100 * _error(row))
        axes.annotate(str(number), place, xytext=(5, 5), textcoords="offset points")
    macs = [row.macs for row in rows]
    if max(macs) > 3 * min(macs):
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set(xlabel="MACs for one image", ylabel="test error, %")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.08)


def _same(a: ArmRow, b: ArmRow) -> bool:
    return (a.macs, _error(a)) == (b.macs, _error(b))


def _error(row: ArmRow) -> float:
    assert row.test_error is not None
    return row.test_error.mean
