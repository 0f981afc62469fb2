"""The cost of networks against each of their choices, as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..drawing.canvas import BLUE, SOFT, write_figure
from ..errors import Fault, SpecError, path_text
from ..text.inline import in_words
from .choices import Same
from .names import text_of
from .points import Architecture
from .space import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Most panels of a figure, and most options that a panel names.
MAX_PANELS, _MAX_NAMED = 24, 40
_ACROSS = 3
_LONGEST = 24  # letters of an option
_LINE = 30  # letters of all options that fit side by side
_FEW = 6  # numbers that are named one by one
#: Quantities of a network that a figure can show, with the label of their axis.
QUANTITIES = {"params": "parameters", "macs": "MACs of one image"}


def draw_costs(
    path: Path, space: Space, networks: Sequence[Architecture], quantity: str = "macs"
) -> None:
    """Write a figure of the ``params`` or ``macs`` of networks of ``space`` against their choices.

    Each free place that differs between them has a panel, with a point for each network and a line
    through the medians. ``path`` ends in ``.svg``, ``.png`` or ``.pdf``. Needs matplotlib. Raises
    :class:`SpecError` where the networks do not differ, and the errors of
    :func:`~resforge.drawing.canvas.write_figure`.
    """
    if quantity not in QUANTITIES:
        raise SpecError(Fault("value", f"{quantity!r} is no cost", help="use params or macs"))
    values = _varying(space, networks)
    costs = [getattr(found, quantity) for found in networks]
    down = ceil(len(values) / _ACROSS)
    across = min(_ACROSS, len(values))

    def paint(figure: Figure) -> None:
        panels = figure.subplots(down, across, squeeze=False).flat
        for number, (axes, place) in enumerate(zip(panels, values, strict=False)):
            _paint(axes, values[place], costs)
            axes.set_xlabel(place)
            if number % across == 0:
                axes.set_ylabel(QUANTITIES[quantity])
        for axes in [*figure.axes][len(values) :]:
            axes.set_visible(False)

    write_figure(path, (2.9 * across + 0.4, 2.5 * down), paint)


def _varying(space: Space, networks: Sequence[Architecture]) -> Mapping[str, list[Any]]:
    """The values of all networks at each free place where they differ; one place for those that
    are the same everywhere."""
    rows = [space.values(found) for found in networks]
    varying = {}
    for free in space.template.free:
        same = isinstance(free.choices, Same)
        for place in map(path_text, free.places[:1] if same else free.places):
            column = [row[place] for row in rows]
            if len(set(map(in_words, column))) > 1:
                varying[free.path if same else place] = column
    if not varying:
        message = f"{len(rows)} networks have no choice in which they differ: nothing to draw"
        raise SpecError(Fault("space", message, "free", "draw more networks, or free more fields"))
    return dict([*varying.items()][:MAX_PANELS])


def _paint(axes: Axes, column: list[Any], costs: list[int]) -> None:
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator

    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in column)
    at = column if numeric else [*map(_label, column)]
    # Words in the order of the space, which is that in which they first appear in a full list.
    names = sorted(set(at)) if numeric else [*dict.fromkeys(at)]
    where = at if numeric else [names.index(word) for word in at]
    ordered = sorted(set(where))
    medians = [_median([c for x, c in zip(where, costs, strict=True) if x == p]) for p in ordered]
    axes.scatter(where, costs, s=14, color=BLUE, alpha=0.5, linewidth=0, clip_on=False)
    line = "-" if numeric else "none"
    axes.plot(ordered, medians, color=SOFT, marker="_", markersize=14, linewidth=1, linestyle=line)
    if max(costs) > 10 * min(costs):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.margins(x=0.08)
    axes.grid(axis="y")
    if numeric and len(names) > _FEW:
        whole = all(isinstance(value, int) for value in column)
        axes.xaxis.set_major_locator(MaxNLocator(_FEW, integer=whole))
    elif numeric:
        axes.set_xticks(names)
    elif len(names) <= _MAX_NAMED:
        labels = [_shortened(name) for name in names]
        turned: Any = {"rotation": 20, "ha": "right"} if sum(map(len, labels)) > _LINE else {}
        axes.set_xticks(range(len(names)), labels, **turned)
        axes.set_xlim(-0.5, len(names) - 0.5)


def _label(value: Any) -> str:
    """The name of an option: of a list, such as blocks, that which is shorter than its words."""
    return text_of(value) if isinstance(value, list) else in_words(value)


def _shortened(name: str) -> str:
    name = name.strip("{}").replace("kind: ", "")
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2]
