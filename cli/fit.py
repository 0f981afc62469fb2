"""``resforge fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import ArgumentCollection, Group, Parameter
from cyclopts.validators import Number

from .author import MODELINE
from .options import COUNT, Input, Json, Source, load_source, plan_at
from .output import say, tell, tell_json

if TYPE_CHECKING:
    from ..generation.fit import Fitted


def _one_budget(budgets: ArgumentCollection) -> None:
    given = [argument.name for argument in budgets.filter_by(has_tokens=True)]
    if len(given) != 1:
        raise ValueError("Give one budget: --params N or --macs N.")


_BUDGET = Group("Budget", validator=_one_budget)


def fit(
    source: Source,
    /,
    *,
    params: Annotated[
        int | None, COUNT, Parameter(group=_BUDGET, help="Parameters, such as 5e6 or 5M.")
    ] = None,
    macs: Annotated[
        int | None,
        COUNT,
        Parameter(group=_BUDGET, help="Multiply-accumulates of one image, such as 1e9 or 1G."),
    ] = None,
    by: Annotated[
        Literal["width", "depth", "compound"],
        Parameter(help="What is scaled; compound scales both."),
    ] = "width",
    step: Annotated[
        int, Parameter(metavar="N", validator=Number(gte=1), help="Widths are multiples of it.")
    ] = 1,
    input: Input = None,
    name: Annotated[
        str | None, Parameter("--name", metavar="LABEL", help="The new network's label.")
    ] = None,
    json: Json = False,
) -> None:
    """Scale a network to a number of parameters or MACs, and print its spec.

    One factor scales all widths, or all depths. The result is the nearest
    network, however far it is; how far is printed after it.
    """
    from ..generation import fit as scale

    spec = load_source(source)
    size = None if input is None else plan_at(spec, input).input_shape[1:]
    if name is not None:
        spec = spec.replace({"name": name})
    fitted = scale(spec, params=params, macs=macs, by=by, step=step, input_size=size)
    if json:
        tell_json(_summary(fitted))
        return
    tell(f"{MODELINE}\n{fitted.spec.to_yaml()}".rstrip("\n"))
    say(
        f"{fitted.cost:,} {fitted.quantity} for {fitted.target:,} ({_apart(fitted.residual)}):"
        f" {fitted.width:.3g} times the width, {fitted.depth:.3g} times the depth"
    )


def _apart(residual: float) -> str:
    """How far a cost is from the budget.

    >>> _apart(0.0), _apart(-0.12345), _apart(-4e-6)
    ('exactly', '-12.35%', '<0.01%')
    """
    if not residual:
        return "exactly"
    return f"{residual:+.2%}" if abs(residual) >= 5e-5 else "<0.01%"


def _summary(fitted: Fitted) -> dict[str, Any]:
    return {
        "quantity": fitted.quantity,
        "target": fitted.target,
        "cost": fitted.cost,
        "residual": fitted.residual,
        "width": fitted.width,
        "depth": fitted.depth,
        "spec": fitted.spec.to_tree(),
    }
