"""A network as text: its table and its sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import printable
from ..planner.plan import Plan, plan
from ..reading.load import SpecLike, as_spec
from ..specs.axes import sides_text
from ..specs.layer import Size
from ..text.table import table_text
from .fold import drop_text
from .numbers import grouped, percent, shape_text
from .table import Row, rows

if TYPE_CHECKING:
    from rich.console import Console

_HEADINGS = ("what", "shortcut", "output", "params", "share", "MACs", "share")


def show(
    spec: SpecLike | Plan, input_size: int | Size | None = None, *, every_layer: bool = False
) -> None:
    """Print the table of a network and its sums, as ``resforge show`` does.

    ``spec`` is a spec, a catalogue name, a file, a mapping or a plan; of a module give
    ``resforge.spec_of(model)``. Without ``input_size`` (a side, or one for each axis) it is the
    size that the network is for. ``every_layer`` has a row for each layer instead of each stage.
    Raises :class:`SpecError` for a wrong spec or size.

    >>> show("digits_resnet8")
    digits_resnet8, 1x32x32 -> 10
    <BLANKLINE>
    part    what                  shortcut  output    params  share       MACs  share
    stem    conv 3x3                        8x32x32       88   0.5%     73,728   2.4%
    layer1  basic, 8              identity  8x32x32    1,184   6.2%  1,179,648  39.0%
    layer2  basic, 8 -> 16, /2    zero_pad  16x16x16   3,520  18.5%    884,736  29.3%
    layer3  basic, 16 -> 32, /2   zero_pad  32x8x8    13,952  73.1%    884,736  29.3%
    head    average pool, linear            10           330   1.7%        320  <0.1%
    <BLANKLINE>
    19,074 params, 3,023,168 MACs, 36,874 activations
    depth 8, receptive field 25x25
    digest 862f170e6e5593e71d27e49d89a1cd1a91dee6cf6592014b003496f1b1993fb8
    """
    if isinstance(spec, Plan) and input_size is None:
        laid = spec
    else:
        read = spec.spec if isinstance(spec, Plan) else as_spec(spec, "show")
        laid = plan(read, read.natural_input_size if input_size is None else input_size)
    print(to_text(laid, every_layer))


def to_text(
    plan: Plan,
    every_layer: bool = False,
    number: Callable[[int], str] = grouped,
    console: Console | None = None,
) -> str:
    """The table of ``plan`` and its sums, its counts as ``number`` writes them.

    It is laid out for ``console``, or for none.
    """
    shapes = f"{shape_text(plan.input_shape)} -> {shape_text(plan.output_shape)}"
    cells = table_rows(plan, every_layer, number)
    table = table_text(header(every_layer), cells, text_columns=4, console=console)
    field = sides_text(plan.receptive_field, plan.spec.dims)
    drop = drop_text(plan.spec.stochastic_depth)
    return (
        f"{printable(plan.spec.name) or 'a network without a name'}, {shapes}\n\n{table}\n\n"
        f"{grouped(plan.params)} params, {grouped(plan.macs)} MACs, "
        f"{grouped(plan.activations)} activations\n"
        f"depth {plan.depth}, receptive field {field}{drop and f', {drop}'}\n"
        f"digest {plan.spec.digest}"
    )


def header(every_layer: bool = False) -> tuple[str, ...]:
    """The titles of the table's columns."""
    return ("layer" if every_layer else "part", *_HEADINGS)


def table_rows(
    plan: Plan, every_layer: bool = False, number: Callable[[int], str] = grouped
) -> list[tuple[str, ...]]:
    """The cells of the table of ``plan``: a row for each part, or for each layer.

    >>> import resforge as rf
    >>> table_rows(rf.plan("digits_resnet8"))[0]
    ('stem', 'conv 3x3', '', '8x32x32', '88', '0.5%', '73,728', '2.4%')
    """
    return [_cells(row, number) for row in rows(plan, every_layer)]


def _cells(row: Row, number: Callable[[int], str]) -> tuple[str, ...]:
    return (
        row.name,
        row.what,
        row.shortcut,
        shape_text(row.output),
        number(row.params),
        percent(row.share_of_params),
        number(row.macs),
        percent(row.share_of_macs),
    )
