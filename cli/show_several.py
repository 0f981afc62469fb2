"""Several networks side by side: a table with a row for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..drawing.numbers import grouped, shape_text, short
from ..planner.plan import Plan, check_size
from ..specs.axes import sides_text
from .options import STDIN, InputSize, load_source, plan_at
from .output import columns, tell_json, tell_table

_HEADER = (
    "network", "input", "blocks", "widths", "params", "MACs", "activations", "depth",
    "receptive field", "digest",
)  # fmt: skip
_DIGITS = 12  # of a digest
#: Width of a terminal from which numbers are printed in full.
WIDE = 140


def show_several(
    sources: Sequence[str],
    size: InputSize | None,
    json: bool,
    max_params: int | None,
    max_activations: int | None,
) -> None:
    """Print the costs of networks as one table, or as a JSON list with ``source`` in each item."""
    plans = []
    for source in sources:
        plan = plan_at(load_source(source), size)
        check_size(plan, max_params, max_activations)
        plans.append(plan)
    names = ["-" if source == STDIN else source for source in sources]
    pairs = zip(names, plans, strict=True)
    if json:
        tell_json([{"source": source, **summary_of(plan)} for source, plan in pairs])
        return
    number = grouped if columns() >= WIDE else short
    tell_table(_HEADER, [_row(source, plan, number) for source, plan in pairs], 4, 1)


def summary_of(plan: Plan) -> dict[str, Any]:
    """The name, the shapes and the costs of a network."""
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
    }


def _row(source: str, plan: Plan, number: Callable[[int], str]) -> tuple[str, ...]:
    stages = plan.spec.stages
    return (
        source,
        shape_text(plan.input_shape),
        "-".join(str(stage.size) for stage in stages),
        "-".join("?" if stage.width is None else str(stage.width) for stage in stages),
        number(plan.params),
        number(plan.macs),
        number(plan.activations),
        str(plan.depth),
        sides_text(plan.receptive_field, plan.spec.dims),
        plan.spec.digest[:_DIGITS],
    )
