"""``resforge show``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ..drawing.fold import drop_text
from ..drawing.numbers import grouped, percent, shape_text, short
from ..drawing.table import Row, rows
from ..errors import printable
from ..planner.plan import Plan, check_size
from ..specs.expand import expand as expand_words
from .options import STDOUT, Input, Json, MaxActivations, MaxParams, Source, load_source, plan_at
from .output import columns, say, tell, tell_json, tell_table

#: Width of a terminal from which numbers are printed in full.
WIDE = 120
HEADINGS = ("what", "shortcut", "output", "params", "share", "MACs", "share")


def show(
    source: Source,
    /,
    *,
    input: Input = None,
    all: Annotated[
        bool,
        Parameter(
            "--all", negative="", show_default=False, help="Show every layer instead of the stages."
        ),
    ] = False,
    svg: Annotated[
        str | None,
        Parameter(
            "--svg",
            metavar="PATH",
            help="Also write a picture of the network; - prints only the picture.",
        ),
    ] = None,
    expand: Annotated[
        bool,
        Parameter(
            "--expand",
            negative="",
            show_default=False,
            help="Print the spec with each word written out as its chain of operations.",
        ),
    ] = False,
    max_params: MaxParams = None,
    max_activations: MaxActivations = None,
    json: Json = False,
) -> None:
    """Show the stages or layers of a network and their costs, without building it.

    MACs are the multiply-accumulates of convolutions and linear layers for
    one image. Depth is the number of weighted layers on the longest path.
    """
    spec = load_source(source)
    if expand:
        written = expand_words(spec)
        tell(written.to_json() if json else written.to_yaml().rstrip())
        return
    plan = plan_at(spec, input)
    check_size(plan, max_params, max_activations)
    if svg in ("-", STDOUT):
        tell(plan.to_svg().rstrip())
        return
    if json:
        tell_json(_as_json(plan))
    else:
        _tell(plan, all)
    if svg is not None:
        Path(svg).write_text(plan.to_svg(), encoding="utf-8")
        say(f"wrote {printable(svg)}")


def _tell(plan: Plan, every_layer: bool) -> None:
    shapes = f"{shape_text(plan.input_shape)} -> {shape_text(plan.output_shape)}"
    tell(f"{printable(plan.spec.name) or 'a network without a name'}, {shapes}\n")
    found = rows(plan, every_layer)
    number = grouped if columns() >= WIDE else short
    tell_table(
        ("layer" if every_layer else "part", *HEADINGS),
        [_cells(row, number) for row in found],
        text_columns=4,
    )
    field, drop = plan.receptive_field, drop_text(plan.spec.stochastic_depth)
    tell(
        f"\n{grouped(plan.params)} params, {grouped(plan.macs)} MACs, "
        f"{grouped(plan.activations)} activations\n"
        f"depth {plan.depth}, receptive field {field}x{field}{drop and f', {drop}'}\n"
        f"digest {plan.spec.digest}"
    )


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


def _as_json(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.spec.name,
        "digest": plan.spec.digest,
        "input_shape": plan.input_shape,
        "output_shape": plan.output_shape,
        "params": plan.params,
        "macs": plan.macs,
        "activations": plan.activations,
        "depth": plan.depth,
        "receptive_field": plan.receptive_field,
        "features": [feature._asdict() for feature in plan.features],
        "layers": [layer._asdict() for layer in plan.layers],
    }
