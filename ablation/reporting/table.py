"""Tables of arms and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...drawing.numbers import percent as percent_of_all
from ..comparing.comparison import Comparison, p_figure, signed
from ..comparing.rows import ArmRow, Spread
from ..published import PublishedTable, footnotes, printed

if TYPE_CHECKING:
    from rich.table import Table

FIGURES = ("params", "MACs", "seeds", "test error %", "failures", "time")
PUBLISHED = "published"
COMPARED = (
    "comparison",
    "pairs",
    "difference",
    "95% interval",
    "p",
    "p Holm",
    "detectable",
    "separable",
)
#: Columns of the report, which has more room than a terminal.
PAIRED = (*COMPARED, "same start")


def headings(rows: Sequence[ArmRow], published: Sequence[PublishedTable] = ()) -> tuple[str, ...]:
    """Headings: the axes, the figures, and ``published`` if there are published tables."""
    axes = dict.fromkeys(axis for row in rows for axis, _ in row.labels)
    return (*axes, *FIGURES, *([PUBLISHED] if published else []))


def cells(row: ArmRow, published: Sequence[PublishedTable] = ()) -> tuple[str, ...]:
    """Row of an arm, one text for each of the headings; errors are in percent."""
    return (
        *(label for _, label in row.labels),
        f"{row.params:,}",
        f"{row.macs:,}",
        f"{row.done} of {row.done + row.pending + row.lost}",
        percent(row.test_error),
        failures(row) or "none",
        f"{row.seconds:.1f} s" if row.seconds is not None else "",
        *([printed(published, row.arm)] if published else []),
    )


def failures(row: ArmRow) -> str:
    """Counts of trials without a test error, such as ``2 diverged, 1 failed``."""
    kinds = ("diverged", "failed", "crashed", "timed_out")
    counts = [(getattr(row, kind), kind.replace("_", " ")) for kind in kinds]
    return ", ".join(f"{count} {kind}" for count, kind in counts if count)


def percent(spread: Spread | None) -> str:
    """Mean and sample standard deviation in percent.

    >>> percent(Spread.of([0.02, 0.03, 0.04]))
    '3.0 ± 1.0'
    """
    if spread is None:
        return "none"
    middle = f" ± {100 * spread.deviation:.1f}" if spread.deviation is not None else ""
    return f"{100 * spread.mean:.1f}{middle}"


def comparison_cells(comparison: Comparison) -> tuple[str, ...]:
    """Row of a comparison under :data:`COMPARED`, in percentage points.

    A figure that does not exist is empty.
    """
    c = comparison
    return (
        f"{c.at + ': ' if c.at else ''}{c.of_label} - {c.to_label}",
        f"{c.n} of {c.seeds}",
        signed(c.mean) if c.mean is not None else "",
        f"{signed(c.low)} to {signed(c.high)}" if c.low is not None and c.high is not None else "",
        p_figure(c.p) if c.p is not None else "",
        p_figure(c.p_holm) if c.p_holm is not None else "",
        f"{c.detectable:.2f}" if c.detectable is not None else "",
        "yes" if c.separable else "no",
    )


def paired_cells(comparison: Comparison) -> tuple[str, ...]:
    """Row of a comparison under :data:`PAIRED`, with the initial weights that both arms share."""
    shared = comparison.shared
    if shared is None:
        return (*comparison_cells(comparison), "")
    fraction = "100%" if shared.share == 1 else percent_of_all(shared.share)
    return (*comparison_cells(comparison), f"{shared.tensors}/{shared.of} {fraction}")


def comparison_table(
    rows: Sequence[ArmRow],
    title: str | None = None,
    published: Sequence[PublishedTable] = (),
) -> Table:
    """Table of the arms for ``rich.print``, with mean and sample deviation over seeds.

    ``published`` are the published tables of a sweep or of its records; sources are the caption.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    # Narrow enough for 80 columns with two axes.
    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption=Text("\n".join(footnotes(published))) if published else None,
        caption_justify="left",
    )
    for heading in headings(rows, published):
        table.add_column(
            Text(heading),
            justify="right" if heading in FIGURES else "left",
            no_wrap=heading in FIGURES,
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in cells(row, published)))
    return table
