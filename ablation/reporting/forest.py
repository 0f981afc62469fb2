"""Forest plots: the differences of the comparisons, those of one size on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from ..comparing.comparison import Comparison
from ..comparing.numbers import signed
from .chart import INK, PAPER, Chart, draw, series_colour
from .table import comparison_name, sides

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Most comparisons that are drawn; the table has all of them.
MAX_DRAWN = 40
_WIDTH, _ROW, _LINE, _FOOT = 5.0, 0.26, 0.15, 0.62  # inches
_LONGEST, _LINES = 26, 3  # characters of a line of a label, and its most lines
#: Places whose differences are within this factor share a chart.
_ALIKE = 8.0


class Row(NamedTuple):
    """One comparison of a chart, with its mean difference and the lines of its label."""

    comparison: Comparison
    mean: float
    label: tuple[str, ...]

    @property
    def height(self) -> float:
        """In inches."""
        return _ROW + _LINE * (len(self.label) - 1)


def forest_plots(comparisons: Sequence[Comparison]) -> list[Chart]:
    """Charts of the mean difference and the interval of each comparison with at least one pair.

    Comparisons at one place, such as ``depth 8``, share a chart, whose scale fits them: differences
    of half a point are seen beside those of fifty. Where the places need much the same scale, all
    share one chart. Needs matplotlib.
    """
    drawn = [(c, c.mean) for c in comparisons if c.mean is not None][:MAX_DRAWN]
    places: dict[str, list[tuple[Comparison, float]]] = {}
    for c, mean in drawn:
        places.setdefault(c.at, []).append((c, mean))
    sizes = [max(_size(c, mean) for c, mean in some) for some in places.values()]
    if len(places) > 1 and max(sizes) <= _ALIKE * min(sizes):
        rows = [Row(c, mean, _lines(comparison_name(c))) for c, mean in drawn]
        return [_chart("", rows)]
    return [
        _chart(at, [Row(c, mean, _lines(sides(c))) for c, mean in some])
        for at, some in places.items()
    ]


def _size(c: Comparison, mean: float) -> float:
    """How far a scale must reach."""
    return max(abs(end) for end in (mean, c.low, c.high) if end is not None)


def _lines(text: str) -> tuple[str, ...]:
    lines = wrap(text, _LONGEST, max_lines=_LINES, placeholder="…", break_on_hyphens=False)
    return tuple(lines) or (text,)


def _chart(at: str, rows: Sequence[Row]) -> Chart:
    differences = "; ".join(f"{comparison_name(c)} {signed(mean)}" for c, mean, _ in rows)
    return draw(
        f"paired differences{at and f': {at}'}",
        f"Mean differences in points of test error: {differences}.",
        (_WIDTH, _FOOT + sum(row.height for row in rows)),
        partial(_paint, rows),
    )


def _paint(rows: Sequence[Row], axes: Axes) -> None:
    axes.axvline(0, color=INK, linewidth=0.9)
    tops = [sum(row.height for row in rows[:number]) for number in range(len(rows))]
    middles = [top + row.height / 2 for top, row in zip(tops, rows, strict=True)]
    for at, (c, mean, _) in zip(middles, rows, strict=True):
        colour = series_colour(1) if c.separable else INK
        if c.low is not None and c.high is not None:
            axes.plot([c.low, c.high], [at, at], color=colour, linewidth=1.4)
        inside = colour if c.separable else PAPER
        axes.plot([mean], [at], marker="o", markersize=5.5, color=colour, markerfacecolor=inside)
        axes.annotate(
            f"n = {c.n}",
            (1, at),
            xytext=(6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            verticalalignment="center",
        )
    axes.set_yticks(middles, ["\n".join(row.label) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(tops[-1] + rows[-1].height, 0), xlabel="difference, points of test error")
    axes.margins(x=0.06)
    axes.spines["left"].set_visible(False)
