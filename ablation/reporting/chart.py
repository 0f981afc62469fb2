"""Charts as SVG that takes its colours from the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ...drawing.svg import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: Colours of the page's style sheet that a series can have: ``--series-0`` and on.
SERIES_COLOURS = 8
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
#: Series that colour and dashes tell apart.
MAX_SERIES = SERIES_COLOURS * len(_DASHES)
_MAX_BANDS = 8  # series of a chart; the bands of more would only be a fog
# Stand-ins, since matplotlib wants colours it knows; the page's variables take their place.
INK, _GRID, PAPER = "#010203", "#040506", "#070809"
_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label's dollars are dollars
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": _GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.5,
}


#: A curve: pairs of x and y.
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """One small chart; ``svg`` is an element to stand in a page, ``title`` its caption.

    ``told`` says what is in it, for those who do not see it.
    """

    title: str
    told: str
    svg: str


def draw(title: str, told: str, size: tuple[float, float], paint: Callable[[Axes], None]) -> Chart:
    """What ``paint`` draws, ``size`` in inches; the same text each time. Needs matplotlib.

    Titles of one page differ: they keep the ids of its charts apart.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": title}):
        canvas = Figure(figsize=size, layout="constrained")
        paint(canvas.add_subplot())
        text = io.StringIO()
        canvas.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return Chart(title, told, _inline(text.getvalue(), title, told))


def draw_curves(axes: Axes, series: Mapping[int, Sequence[Points]]) -> None:
    """For each series, by its number: the mean of its curves, in a band from the lowest to the
    highest. Where not all curves reach a place, it is that of those that do.
    """
    for index, curves in series.items():
        at = meeting(curves)
        colour = series_colour(index)
        if len(series) <= _MAX_BANDS:
            low, high = ([end(ys) for ys in at.values()] for end in (min, max))
            axes.fill_between([*at], low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            [*at],
            [fmean(ys) for ys in at.values()],
            color=colour,
            linewidth=1.7,
            linestyle=_DASHES[index // SERIES_COLOURS % len(_DASHES)],
            marker="." if len(at) < 20 else "",
        )


def meeting(curves: Sequence[Points]) -> dict[float, list[float]]:
    """What the curves have at each place, from the first place on."""
    at: dict[float, list[float]] = {}
    for curve in curves:
        for x, y in curve:
            at.setdefault(x, []).append(y)
    return {x: at[x] for x in sorted(at)}


def log_ticks(axis: Axis) -> None:
    """Plain numbers at 1, 2 and 5 of each decade of a logarithmic axis."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def series_colour(index: int) -> str:
    """The colour of the series of that number."""
    return f"#0a0b{index % SERIES_COLOURS:02x}"


def _inline(svg: str, title: str, told: str) -> str:
    """The ``<svg>`` element alone, scaling to its box, colours given to the style sheet."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    # Ids of groups are plain names and would stand once for each chart; nothing points at them.
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = svg.replace(INK, "var(--ink-soft)").replace(_GRID, "var(--rule)")
    svg = svg.replace(PAPER, "var(--paper)")
    head, body = re.sub(r"#0a0b0([0-7])", r"var(--series-\1)", svg).split(">", 1)
    return f'{head} role="img"><title>{clean(title)}</title><desc>{clean(told)}</desc>{body}'
