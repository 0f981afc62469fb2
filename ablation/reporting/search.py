"""The section of a search: its Pareto front, its history, and who was stopped."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..comparing.searched import (
    SHOWN,
    Searched,
    SearchResult,
    search_result,
    state_search,
    value_texts,
)
from ..results.records import Records
from .chart import INK, PAPER, Chart, draw, log_ticks, series_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


def search_section(records: Records) -> dict[str, Any] | None:
    """Values of the section for the template; None for a sweep that is no search."""
    found = search_result(records)
    if found is None:
        return None
    several = len(found.objectives) > 1
    heads = [SHOWN[name].heading for name in found.objectives]
    return {
        "sentences": state_search(records),
        "charts": front_charts(found) if several else [],
        "several": several,
        "front": _table(found, found.front, heads, numbered=False) if several else None,
        "history": _table(found, found.networks, heads, numbered=True),
    }


def _table(
    found: SearchResult, networks: Sequence[Searched], heads: list[str], numbered: bool
) -> tuple[list[str], list[list[str]], list[str]]:
    """Headings, rows, and the headings of figures. Numbers are those of the asking."""
    early = numbered and any(each.stopped_after for each in found.networks)
    columns = ["network", "made by", "from", *heads, *(["stopped"] if early else [])]
    numbers = {each.arm: str(number) for number, each in enumerate(found.networks, start=1)}
    rows = []
    for each in networks:
        parents = [f"{numbers.get(name, '?')}: {name}" for name in each.parents]
        stop = f"step {each.stopped_after:,}" if each.stopped_after else ""
        made = [each.arm, each.move or "drawn", ", ".join(parents)]
        rows.append(
            [numbers[each.arm], *made, *value_texts(found, each), *([stop] if early else [])]
        )
    return ["#", *columns], rows, ["#", *heads, "stopped"]


def front_charts(found: SearchResult) -> list[Chart]:
    """Validation error against each other objective, with the Pareto front of all. Needs
    matplotlib."""
    known = [each for each in found.networks if each.values is not None]
    if not known:
        return []
    error = found.objectives.index("error")
    charts = []
    for place, name in enumerate(found.objectives):
        if place == error:
            continue
        front = [f"{each.arm} {', '.join(value_texts(found, each))}" for each in found.front]
        charts.append(
            draw(
                f"validation error against {SHOWN[name].label}",
                f"{len(known)} networks; on the Pareto front: {'; '.join(front)}.",
                (5.0, 3.1),
                partial(_paint, found, known, place, error),
            )
        )
    return charts


def _paint(
    found: SearchResult, networks: Sequence[Searched], across: int, up: int, axes: Axes
) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    def place(network: Searched) -> tuple[float, float]:
        values = network.values or ()
        x, y = (SHOWN[found.objectives[i]].factor * values[i] for i in (across, up))
        return x, y

    colour = series_colour(1)
    front = sorted(place(each) for each in found.front)
    if len(found.objectives) == 2:
        axes.step(*zip(*front, strict=True), where="post", color=colour, linewidth=1.2)
    for network in networks:
        best = network.on_front
        axes.plot(
            *([value] for value in place(network)),
            "o",
            markersize=5.5 if best else 4.5,
            color=colour if best else INK,
            markerfacecolor=colour if best else PAPER,
        )
    for number, network in enumerate(found.networks, start=1):
        if network.on_front:
            axes.annotate(
                str(number),
                place(network),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=8,
                in_layout=False,
            )
    shown = SHOWN[found.objectives[across]]
    costs = [place(each)[0] for each in networks]
    if max(costs) > 3 * min(costs) > 0:
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(shown.unit, sep=" " if shown.unit else ""))
    axes.set(xlabel=shown.label, ylabel=SHOWN["error"].label)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.12)
