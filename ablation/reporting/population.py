"""Charts of a sample of a design space: the distribution of errors, and errors by field."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ...generation.edf import EDF, edf
from ...text.inline import in_words
from ..comparing.rows import ArmRow
from ..planning.sample import DRAWN
from ..results.records import Records
from .chart import Chart, draw, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Most fields with a chart.
MAX_FIELDS = 12
_RESAMPLES = 1000


def population(records: Records, rows: Sequence[ArmRow]) -> list[Chart]:
    """Charts of a sweep that is a sample or a search; empty for other sweeps.

    Empty, too, while fewer than two networks have ended. Needs matplotlib.

    The first chart is the fraction of networks below each error, as in Radosavovic et al. 2020
    (arXiv 2003.13678), with a bootstrap band; the others show the error against each field that
    varies. The error of a network is its mean over seeds, and 100% without any test error.
    """
    ended = [row for row in rows if row.test_error or (row.lost and not row.pending)]
    if not any(map(records.sweep.get, DRAWN)) or len(ended) < 2:
        return []
    errors = [row.test_error.mean if row.test_error else 1.0 for row in ended]
    distribution = edf(errors, resamples=_RESAMPLES)
    lost = sum(not row.test_error for row in ended)
    early = sum(bool(row.stopped) for row in rows)
    left_out = f" {early} that were stopped early are left out." if early else ""
    counted = f", {lost} of which gave no error and count as 100%" if lost else ""
    fractions = zip(distribution.errors, distribution.shares, strict=True)
    median = next(error for error, fraction in fractions if fraction >= 0.5)
    half = f"half of them have at most {100 * median:.1f}%"
    text = f"{len(ended)} networks{counted}; {half}.{left_out}"
    first = draw("error distribution", text, (4.4, 3.1), partial(_paint_edf, distribution))
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
        description = f"The error of {len(rows)} networks against {path}."
        yield draw(
            f"test error against {path}",
            description,
            (4.2, 2.7),
            partial(_paint_field, values, errors),
        )


def _paint_edf(distribution: EDF, axes: Axes) -> None:
    errors = [100 * error for error in distribution.errors]
    colour = series_colour(1)
    axes.fill_between(
        errors,
        distribution.low,
        distribution.high,
        step="post",
        color=colour,
        alpha=0.18,
        linewidth=0,
    )
    axes.step(errors, distribution.shares, where="post", color=colour, linewidth=1.7)
    axes.set(xlabel="test error, %", ylabel="fraction of networks")
    axes.set_ylim(0, 1)
    axes.margins(x=0.02)


def _paint_field(values: list[Any], errors: list[float], axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    percent = [100 * error for error in errors]
    dots: dict[str, Any] = {"s": 12, "color": series_colour(1), "alpha": 0.7, "clip_on": False}
    axes.margins(0.08)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        axes.scatter(values, percent, **dots)
        axes.set(ylabel="test error, %")
        axes.set_ylim(bottom=0)
        whole = all(isinstance(value, int) for value in values)
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=whole))
        return
    # Labels are stacked vertically, since they would overlap side by side.
    names = sorted({in_words(value) for value in values}, reverse=True)
    axes.scatter(percent, [names.index(in_words(value)) for value in values], **dots)
    axes.set_yticks(range(len(names)), [_two_lines(name) for name in names])
    axes.set(xlabel="test error, %", ylim=(-0.5, len(names) - 0.5))
    axes.set_xlim(left=0)


def _two_lines(name: str) -> str:
    """Wrap a label to at most two lines."""
    lines = textwrap.wrap(name.strip("{}"), 22)
    return "\n".join(lines[:2]) + ("..." if len(lines) > 2 else "")
