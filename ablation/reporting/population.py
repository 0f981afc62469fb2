"""What a sample of a design space came to: how its errors lie, and what they go with."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...generation.edf import EDF, edf
from ...text.inline import in_words
from ..comparing.comparison import ArmRow
from ..planning.sample import DRAWN
from ..results.records import Records
from .chart import Chart, draw, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Fields of a space that get a chart each.
MAX_FIELDS = 12
_RESAMPLES = 1000


def population(records: Records, rows: Sequence[ArmRow]) -> list[Chart]:
    """The charts of a sweep whose arms are a sample or a search; none of another, or while fewer
    than two of its networks have ended. Needs matplotlib.

    First the share of networks below each error, as in Radosavovic et al. 2020 (arXiv 2003.13678),
    section 3.1, then the error against each field that varies. A network counts by its mean error
    over seeds, and one that gave none in any seed as one that misses everything.
    """
    ended = [row for row in rows if row.test_error or (row.lost and not row.pending)]
    if not any(map(records.sweep.get, DRAWN)) or len(ended) < 2:
        return []
    errors = [row.test_error.mean if row.test_error else 1.0 for row in ended]
    found = edf(errors, resamples=_RESAMPLES)
    lost = sum(not row.test_error for row in ended)
    counted = f", {lost} of which gave no error and count as 100%" if lost else ""
    middle = next(e for e, share in zip(found.errors, found.shares, strict=True) if share >= 0.5)
    told = f"{len(ended)} networks{counted}; half of them miss at most {100 * middle:.1f}%."
    first = draw("error distribution", told, (4.4, 3.1), lambda axes: _paint_edf(axes, found))
    return [first, *_fields(records, ended, errors)]


def _fields(records: Records, rows: Sequence[ArmRow], errors: list[float]) -> Iterator[Chart]:
    arms = records.sweep["arms"]
    paths = list(arms[rows[0].arm]) if rows[0].arm in arms else []
    drawn = 0
    for path in paths:
        values = [arms.get(row.arm, {}).get(path) for row in rows]
        if len({in_words(value) for value in values}) < 2 or drawn == MAX_FIELDS:
            continue
        drawn += 1
        told = f"The error of {len(rows)} networks against {path}."
        yield draw(
            f"test error against {path}",
            told,
            (4.2, 2.7),
            lambda axes, values=values: _paint_field(axes, values, errors),  # type: ignore[misc]
        )


def _paint_edf(axes: Axes, found: EDF) -> None:
    errors = [100 * error for error in found.errors]
    colour = series_colour(1)
    axes.fill_between(
        errors, found.low, found.high, step="post", color=colour, alpha=0.18, linewidth=0
    )
    axes.step(errors, found.shares, where="post", color=colour, linewidth=1.7)
    axes.set(xlabel="test error, %", ylabel="share of networks at most")
    axes.set_ylim(0, 1)
    axes.margins(x=0.02)


def _paint_field(axes: Axes, values: list[Any], errors: list[float]) -> None:
    from matplotlib.ticker import MaxNLocator

    missed = [100 * error for error in errors]
    dots: dict[str, Any] = {"s": 12, "color": series_colour(1), "alpha": 0.7, "clip_on": False}
    axes.margins(0.08)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        axes.scatter(values, missed, **dots)
        axes.set(ylabel="test error, %")
        axes.set_ylim(bottom=0)
        whole = all(isinstance(value, int) for value in values)
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=whole))
        return
    # Words lie one above the other: they would meet side by side.
    names = sorted({in_words(value) for value in values}, reverse=True)
    axes.scatter(missed, [names.index(in_words(value)) for value in values], **dots)
    axes.set_yticks(range(len(names)), [_cut(name) for name in names])
    axes.set(xlabel="test error, %", ylim=(-0.5, len(names) - 0.5))
    axes.set_xlim(left=0)


def _cut(name: str) -> str:
    """At most two lines."""
    lines = textwrap.wrap(name.strip("{}"), 22)
    return "\n".join(lines[:2]) + ("..." if len(lines) > 2 else "")
