"""Tables of arms and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...drawing.numbers import percent as percent_of_all
from ...training.cost import Cost
from ..comparing.comparison import Comparison
from ..comparing.numbers import p_figure, signed
from ..comparing.rows import ArmRow, Spread
from ..published import PublishedTable, footnotes, printed

if TYPE_CHECKING:
    from rich.table import Table

_ALWAYS = ("params", "MACs", "seeds", "test error %", "failures", "time")
#: Measured latencies, and the peak memory of training, of sweeps that were measured.
MEASURED = ("1 image", "1 batch", "memory")
#: Steps to the threshold, of sweeps that name one.
STEPS_TO = "steps to"
#: Steps after which successive halving ended the trials of an arm.
STOPPED = "stopped"
#: Training error, of tables that have more room than a terminal.
TRAINING = "training error %"
FIGURES = (*_ALWAYS, TRAINING, STEPS_TO, STOPPED, *MEASURED)
PUBLISHED = "published"
COMPARED = (
    "comparison",
    "pairs",
    "difference",
    "interval",
    "p",
    "p Holm",
    "exact",
    "detectable",
    "separable",
)
#: Columns of the report, which has more room than a terminal.
PAIRED = (*COMPARED, "same start")


def headings(
    rows: Sequence[ArmRow], published: Sequence[PublishedTable] = (), training: bool = False
) -> tuple[str, ...]:
    """Headings: the axes, the figures, and ``published`` if there are published tables.

    With ``training`` the training error is beside the test error, if it is recorded.
    """
    axes = dict.fromkeys(axis for row in rows for axis, _ in row.labels)
    measured = MEASURED if any(row.measured for row in rows) else ()
    goal = [STEPS_TO] if any(row.threshold is not None for row in rows) else []
    early = [STOPPED] if any(row.stopped for row in rows) else []
    figures = [*_ALWAYS]
    if training and _has_training(rows):
        figures.insert(figures.index("test error %"), TRAINING)
    return (*axes, *figures, *goal, *early, *measured, *([PUBLISHED] if published else []))


def bodies(
    rows: Sequence[ArmRow], published: Sequence[PublishedTable] = (), training: bool = False
) -> list[tuple[str, ...]]:
    """Rows of the arms, one text for each of the headings; errors are in percent."""
    early = any(row.stopped for row in rows)
    training = training and _has_training(rows)
    return [cells(row, published, early, training) for row in rows]


def _has_training(rows: Sequence[ArmRow]) -> bool:
    return any(row.train_error for row in rows)


def cells(
    row: ArmRow,
    published: Sequence[PublishedTable] = (),
    early: bool = False,
    training: bool = False,
) -> tuple[str, ...]:
    """Row of an arm; ``early``: whether there is a column for trials that were stopped, and
    ``training``: whether there is one for the training error."""
    return (
        *(label for _, label in row.labels),
        f"{row.params:,}",
        f"{row.macs:,}",
        f"{row.done} of {row.done + row.pending + row.lost + row.stopped}",
        *([percent(row.train_error) if row.train_error else ""] if training else []),
        percent(row.test_error),
        failures(row) or "none",
        f"{row.seconds:.1f} s" if row.seconds is not None else "",
        *([_steps(row, row.threshold)] if row.threshold is not None else []),
        *([f"step {row.stopped_after:,}" if row.stopped else ""] if early else []),
        *(measured_cells(row.measured) if row.measured else ()),
        *([printed(published, row.arm)] if published else []),
    )


def _steps(row: ArmRow, threshold: float) -> str:
    """Mean steps to the threshold, and on how many seeds it was reached if not on all."""
    steps = f"{row.steps_to.mean:,.0f}" if row.steps_to else "none"
    seeds = "" if row.reached == row.done else f", {row.reached} of {row.done}"
    return f"{100 * threshold:g}%: {steps}{seeds}"


def measured_cells(cost: Cost) -> tuple[str, ...]:
    """Cells under :data:`MEASURED`: medians, and the peak memory of training; empty without one."""
    times = (cost.single, cost.batch)
    memory = cost.training_memory
    return (
        *(f"{1000 * time.median:.3g} ms" if time else "" for time in times),
        f"{memory / 2**20:,.0f} MiB" if memory is not None else "",
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
        comparison_name(c),
        f"{c.n} of {c.seeds}",
        signed(c.mean) if c.mean is not None else "",
        f"{signed(c.low)} to {signed(c.high)}" if c.low is not None and c.high is not None else "",
        *(p_figure(p, c.level) if p is not None else "" for p in (c.p, c.p_holm, c.exact)),
        f"{c.detectable:.2f}" if c.detectable is not None else "",
        "yes" if c.separable else "no",
    )


def comparison_name(comparison: Comparison) -> str:
    """Place and sides of a comparison, such as ``depth 8: A - plain``."""
    at = comparison.at
    return f"{at + ': ' if at else ''}{sides(comparison)}"


def sides(comparison: Comparison) -> str:
    """Both sides of a comparison, such as ``A - plain``."""
    c = comparison
    form = "({}) - ({})" if c.contrast == "interaction" else "{} - {}"
    return form.format(c.of_label, c.to_label)


def paired_cells(comparison: Comparison) -> tuple[str, ...]:
    """Row of a comparison under :data:`PAIRED`, with the initial weights that both arms share."""
    shared = comparison.shared
    if shared is None:
        return (*comparison_cells(comparison), "")
    fraction = "100%" if shared.share == 1 else percent_of_all(shared.share)
    return (*comparison_cells(comparison), f"{shared.tensors}/{shared.of} {fraction}")


#: Why a column can be empty in every row.
_REASONS = {
    "difference": "a difference needs a pair of seeds",
    "interval": "an interval needs three pairs",
    "p": "a test needs a pair of seeds",
    "p Holm": "a test needs a pair of seeds",
    "exact": "sign flips need six pairs",
    "detectable": "the deviation needs three pairs",
    "same start": "both sides must be arms of this version's language",
}


def without_empty(
    heads: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]], list[str]]:
    """A table without its empty columns, and a reason for each of them.

    >>> without_empty(("pairs", "exact"), [("3 of 3", "")])
    (['pairs'], [['3 of 3']], ['exact: sign flips need six pairs'])
    >>> without_empty(("pairs", "exact"), [])
    (['pairs', 'exact'], [], [])
    """
    if not rows:
        return [*heads], [], []
    kept = [i for i in range(len(heads)) if any(row[i] for row in rows)]
    reasons = [f"{head}: {_REASONS[head]}" for i, head in enumerate(heads) if i not in kept]
    return [heads[i] for i in kept], [[row[i] for i in kept] for row in rows], reasons


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
    for row in bodies(rows, published):
        table.add_row(*map(Text, row))
    return table
