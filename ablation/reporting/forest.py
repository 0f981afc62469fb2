"""Forest plot: the differences of all comparisons on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..comparing.comparison import Comparison, signed
from .chart import INK, PAPER, Chart, draw, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Most comparisons that are drawn; the table has all of them.
MAX_DRAWN = 40
_ROW, _FOOT = 0.38, 0.55  # inches
_LONGEST = 46  # characters of a label


def forest_plot(comparisons: Sequence[Comparison]) -> Chart | None:
    """Chart of the mean difference and the 95% interval of each comparison with at least one pair.

    None where no comparison has a pair. Needs matplotlib.
    """
    drawn = [(c, c.mean) for c in comparisons if c.mean is not None][:MAX_DRAWN]
    if not drawn:
        return None
    size = (4.4, _FOOT + _ROW * len(drawn))
    differences = "; ".join(f"{_label(c)} {signed(mean)}" for c, mean in drawn)
    return draw(
        "paired differences",
        f"Mean differences in points of test error: {differences}.",
        size,
        lambda axes: _paint(axes, drawn),
    )


def _paint(axes: Axes, drawn: Sequence[tuple[Comparison, float]]) -> None:
    axes.axvline(0, color=INK, linewidth=0.9)
    for row, (c, mean) in enumerate(drawn):
        colour = series_colour(1) if c.separable else INK
        if c.low is not None and c.high is not None:
            axes.plot([c.low, c.high], [row, row], color=colour, linewidth=1.4)
        inside = colour if c.separable else PAPER
        axes.plot([mean], [row], marker="o", markersize=5.5, color=colour, markerfacecolor=inside)
        for text, x, side in ((_label(c), 0, "left"), (f"n = {c.n}", 1, "right")):
            axes.annotate(
                text,
                (x, row),
                xytext=(0, 7),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                horizontalalignment=side,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
                in_layout=False,  # a long label may leave the picture, but not shrink the plot
            )
    axes.set(ylim=(len(drawn) - 0.6, -0.85), yticks=[], xlabel="difference, points of test error")
    axes.margins(x=0.06)
    axes.spines["left"].set_visible(False)


def _label(c: Comparison) -> str:
    text = f"{c.at + ': ' if c.at else ''}{c.of_label} - {c.to_label}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
