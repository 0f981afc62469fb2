"""``resforge show``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import CycloptsError, Parameter
from cyclopts.validators import Number

from ..drawing.numbers import grouped, short
from ..drawing.text import to_text
from ..errors import ResforgeError, printable
from ..planner.plan import Plan, check_size
from ..reading.load import is_file
from ..specs.expand import expand as expand_words
from .options import (
    STDOUT,
    Input,
    Json,
    MaxActivations,
    MaxParams,
    Source,
    keep_inputs,
    load_source,
    plan_at,
)
from .output import columns, console, say, tell, tell_json
from .saved import weights_of
from .show_several import show_several, summary_of
from .watch import watch as again

if TYPE_CHECKING:
    from ..training.cost import Cost

#: Width of a terminal from which numbers are printed in full.
WIDE = 120


EveryLayer = Annotated[
    bool,
    Parameter(
        "--all", negative="", show_default=False, help="Show every layer instead of the stages."
    ),
]
Svg = Annotated[
    str | None,
    Parameter(
        "--svg",
        metavar="PATH",
        help="Also write a picture of the network; - prints only the picture.",
    ),
]
Expand = Annotated[
    bool,
    Parameter(
        "--expand",
        negative="",
        show_default=False,
        help="Print the spec with each word written out as its chain of operations.",
    ),
]
Measure = Annotated[
    bool,
    Parameter(
        "--measure",
        negative="",
        show_default=False,
        help="Also build the network, and measure its latency and the memory of training steps"
        " on one thread of this machine, where nothing else should run.",
    ),
]
Watch = Annotated[
    bool,
    Parameter(
        "--watch",
        negative="",
        show_default=False,
        help="Show the network again, and write --svg again, whenever its file is saved.",
    ),
]
BatchSize = Annotated[
    int, Parameter("--batch-size", metavar="N", validator=Number(gte=2), help="For --measure.")
]


def show(
    source: Source,
    /,
    *more: Source,
    input: Input = None,
    all: EveryLayer = False,
    svg: Svg = None,
    expand: Expand = False,
    measure: Measure = False,
    batch_size: BatchSize = 32,
    max_params: MaxParams = None,
    max_activations: MaxActivations = None,
    json: Json = False,
    watch: Watch = False,
) -> None:
    """Show the stages or layers of a network and their costs, without building it.

    Of several networks a table is shown, with a row for each.

    MACs are the multiply-accumulates of convolutions and linear layers for
    one image. Depth is the number of weighted layers on the longest path.
    """
    if watch:
        if more or not is_file(source):
            raise CycloptsError(msg="--watch is for one file.")
        options: dict[str, Any] = {
            **{"input": input, "all": all, "svg": svg, "expand": expand, "measure": measure},
            **{"batch_size": batch_size, "json": json},
            **{"max_params": max_params, "max_activations": max_activations},
        }
        again(source, lambda: show(source, **options))
    if more:
        given = {"--all": all, "--svg": svg, "--expand": expand, "--measure": measure}
        for name in (name for name, value in given.items() if value):
            raise CycloptsError(msg=f"{name} is for one network.")
        show_several([source, *more], input, json, max_params, max_activations)
        return
    if svg is not None:
        keep_inputs(svg, source, weights_of(source))
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
    _tell(plan, _measured(plan, batch_size) if measure else None, all, json)
    if svg is not None:
        Path(svg).write_text(plan.to_svg(), encoding="utf-8")
        say(f"wrote {printable(svg)}")


def _tell(plan: Plan, cost: Cost | None, every_layer: bool, json: bool) -> None:
    """Print a plan, and what was measured of it."""
    if json:
        measured = {"measured": asdict(cost)} if cost else {}
        tell_json({**_as_json(plan), **measured})
        return
    number = grouped if columns() >= WIDE else short
    tell(to_text(plan, every_layer, number, console()))
    if cost is not None:
        tell(_cost_text(cost))


def _measured(plan: Plan, batch_size: int) -> Cost:
    from ..ablation.running.measuring import measure_apart
    from ..training.recipe import Recipe

    recipe = Recipe(batch_size=batch_size)
    spec = plan.spec.to_json()
    cost = measure_apart(spec, plan.input_shape, recipe.model_dump_json())
    if cost is None:
        raise ResforgeError(
            "the network could not be measured: its process ended without a result; use a smaller"
            " --batch-size or --input"
        )
    return cost


def _cost_text(cost: Cost) -> str:
    times = [
        f"{_count(time.batch, 'image')} in {1000 * time.median:.3g} ms"
        f" ({1000 * time.low:.3g} to {1000 * time.high:.3g})"
        for time in cost.latencies
    ]
    memory = cost.training_memory
    steps = f"training steps of {cost.latencies[-1].batch} images take"
    held = [f"{steps} {memory / 2**20:,.0f} MiB"] if memory is not None else []
    machine = ", ".join(f"{name} {value}" for name, value in cost.environment)
    return f"measured: {', '.join([*times, *held])}; {machine}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _as_json(plan: Plan) -> dict[str, Any]:
    return {
        **summary_of(plan),
        "features": [feature._asdict() for feature in plan.features],
        "layers": [layer._asdict() for layer in plan.layers],
    }
