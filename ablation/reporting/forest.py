"""Forest plots: the differences of the comparisons, those at one place on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..comparing.comparison import Comparison
from ..comparing.numbers import signed
from .chart import INK, PAPER, Chart, draw, series_colour
from .table import comparison_name, sides

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Most comparisons that are drawn; the table has all of them.
MAX_DRAWN = 40
_WIDTH, _ROW, _FOOT = 6.4, 0.26, 0.62  # inches
_LONGEST = 34  # characters of a label

_Drawn = Sequence[tuple[Comparison, float]]


def forest_plots(comparisons: Sequence[Comparison]) -> list[Chart]:
    """Charts of the mean difference and the interval of each comparison with at least one pair.

    Comparisons at one place, such as ``depth 8``, share a chart, whose scale fits them: differences
    of half a point are seen beside those of fifty. Needs matplotlib.
    """
    drawn = [(c, c.mean) for c in comparisons if c.mean is not None][:MAX_DRAWN]
    groups: dict[str, list[tuple[Comparison, float]]] = {}
    for c, mean in drawn:
        groups.setdefault(c.at, []).append((c, mean))
    return [_chart(at, group) for at, group in groups.items()]


def _chart(at: str, drawn: _Drawn) -> Chart:
    differences = "; ".join(f"{comparison_name(c)} {signed(mean)}" for c, mean in drawn)
    return draw(
        f"paired differences{at and f': {at}'}",
        f"Mean differences in points of test error: {differences}.",
        (_WIDTH, _FOOT + _ROW * len(drawn)),
        partial(_paint, drawn),
    )


def _paint(drawn: _Drawn, axes: Axes) -> None:
    axes.axvline(0, color=INK, linewidth=0.9)
    for row, (c, mean) in enumerate(drawn):
        colour = series_colour(1) if c.separable else INK
        if c.low is not None and c.high is not None:
            axes.plot([c.low, c.high], [row, row], color=colour, linewidth=1.4)
        inside = colour if c.separable else PAPER
        axes.plot([mean], [row], marker="o", markersize=5.5, color=colour, markerfacecolor=inside)
        axes.annotate(
            f"n = {c.n}",
            (1, row),
            xytext=(6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            verticalalignment="center",
        )
    axes.set_yticks(range(len(drawn)), [_label(c) for c, _ in drawn])
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(len(drawn) - 0.4, -0.6), xlabel="difference, points of test error")
    axes.margins(x=0.06)
    axes.spines["left"].set_visible(False)


def _label(c: Comparison) -> str:
    """Both sides of a comparison, whose place is the chart's."""
    text = sides(c)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
