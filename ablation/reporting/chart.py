"""Charts as SVG, with the colours of the page's style sheet."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ...drawing.plots import plotting
from ...drawing.svg import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: Number of series colours in the page's style sheet: ``--series-0`` and so on.
SERIES_COLOURS = 8
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
#: Markers of the series, so that they differ without colours, too.
_MARKERS = "osD^vP*X"
#: Most markers of a curve; more of them would hide it.
_MAX_MARKERS = 9
#: Number of series that colours, markers and dashes distinguish.
MAX_SERIES = SERIES_COLOURS * len(_DASHES)
_MAX_BANDS = 8  # series of a chart; the bands of more series would hide each other
# Placeholders, since matplotlib needs valid colours; the page's variables replace them.
INK, _GRID, PAPER = "#010203", "#040506", "#070809"
_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a label is text
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


#: A curve as pairs of x and y.
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: ``svg`` is an element for a page, ``title`` its caption, ``description`` its text
    alternative."""

    title: str
    description: str
    svg: str


class NotNeededError(Exception):
    """A page was given up while it was made."""


#: Called before each chart: whether its page is not needed any more. Threads have one each.
not_needed: ContextVar[Callable[[], bool]] = ContextVar("not_needed", default=lambda: False)

#: Charts as matplotlib wrote them, by what was drawn, in the order of their last use.
_drawn: dict[bytes, str] = {}
_MOST_KEPT = 256  # more than a page has


def draw(title: str, description: str, size: tuple[float, float], paint: partial[None]) -> Chart:
    """Chart that ``paint`` draws on axes, its last argument; ``size`` is in inches.

    ``paint`` is a function of a module with plain values: the report of a running sweep is written
    again and again, and a chart of the same values is not drawn again. Needs matplotlib.

    The output is deterministic. Titles on one page must differ, since ids are derived from them.
    Raises :class:`NotNeededError` where :data:`not_needed` returns true.
    """
    if not_needed.get()():
        raise NotNeededError(title)
    key = hashlib.sha256(pickle.dumps((title, size, paint))).digest()
    svg = _drawn.pop(key, None) or _svg(title, size, paint)
    _drawn[key] = svg  # at the end: the first is that whose last use is the longest ago
    if len(_drawn) > _MOST_KEPT:
        _drawn.pop(next(iter(_drawn)), None)
    return Chart(title, description, _inline(svg, title, description))


def _svg(title: str, size: tuple[float, float], paint: partial[None]) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with plotting({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=size, dpi=72, layout="constrained")
        axes = figure.add_subplot()
        paint(axes)
        for patch in (figure.patch, axes.patch):
            patch.set(facecolor="none", edgecolor="none")
        text = io.StringIO()
        # savefig writes the same, but draws everything twice, the first time for the layout.
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(text, metadata={"Date": None})
    return text.getvalue()


def draw_curves(axes: Axes, series: Mapping[int, Sequence[Points]]) -> None:
    """Draw the mean of each series' curves, and a band from the lowest to the highest.

    ``series`` is keyed by number. At each x, the curves that have a point there are averaged.
    """
    for index, curves in series.items():
        at = values_by_x(curves)
        colour = series_colour(index)
        if len(series) <= _MAX_BANDS:
            low, high = ([bound(ys) for ys in at.values()] for bound in (min, max))
            axes.fill_between([*at], low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            [*at],
            [fmean(ys) for ys in at.values()],
            color=colour,
            linewidth=1.7,
            **series_style(index),
            markevery=max(1, len(at) // _MAX_MARKERS),
            markersize=4,
        )


def values_by_x(curves: Sequence[Points]) -> dict[float, list[float]]:
    """Values of the curves at each x, in ascending order of x."""
    at: dict[float, list[float]] = {}
    for curve in curves:
        for x, y in curve:
            at.setdefault(x, []).append(y)
    return {x: at[x] for x in sorted(at)}


def log_ticks(axis: Axis) -> None:
    """Set ticks with plain numbers at 1, 2 and 5 of each decade of a logarithmic axis."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def series_colour(index: int) -> str:
    """Placeholder colour of a series, by its number."""
    return f"#0a0b{index % SERIES_COLOURS:02x}"


def series_style(index: int) -> dict[str, Any]:
    """Dashes and marker of a series, by its number, for matplotlib."""
    return {
        "linestyle": _DASHES[index // SERIES_COLOURS % len(_DASHES)],
        "marker": _MARKERS[index % len(_MARKERS)],
    }


def _inline(svg: str, title: str, description: str) -> str:
    """The ``<svg>`` element alone, scaled to its box, with the colours of the style sheet."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    # Ids of groups are the same in every chart; nothing refers to them.
    svg = re.sub(r'<g id="[^"]*"(/?)>', r"<g\1>", svg)
    svg = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = svg.replace(INK, "var(--ink-soft)").replace(_GRID, "var(--rule)")
    svg = svg.replace(PAPER, "var(--paper)")
    head, body = re.sub(r"#0a0b0([0-7])", r"var(--series-\1)", svg).split(">", 1)
    return f'{head} role="img"><title>{clean(title)}</title><desc>{clean(description)}</desc>{body}'
