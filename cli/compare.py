"""``resforge diff``."""

from __future__ import annotations

from ..drawing.difference import cost_lines, planned_alike
from ..planner.plan import Plan
from ..reading.diff import Change, diff
from ..specs.network import ResNetSpec
from ..text.inline import in_words
from .exits import Exit
from .options import Input, Json, Source, load_source, plan_at
from .output import say, tell, tell_json


def compare(a: Source, b: Source, /, *, input: Input = None, json: Json = False) -> Exit:
    """Show the differences of two networks, in the spec and in cost.

    Exits with 1 if they differ and with 0 if both are the same network,
    whatever their spelling and their names.
    """
    one, two = load_source(a), load_source(b)
    plans = planned_alike(one, two) if input is None else (plan_at(one, input), plan_at(two, input))
    changes = diff(one, two)
    same = one.digest == two.digest
    if json:
        tell_json(
            {
                "same": same,
                "changes": [change._asdict() for change in changes],
                "a": _summary(one, plans[0]),
                "b": _summary(two, plans[1]),
            }
        )
    else:
        _print_changes(changes, plans, same)
    return Exit.OK if same else Exit.DIFFERENT


def _print_changes(changes: tuple[Change, ...], plans: tuple[Plan, Plan], same: bool) -> None:
    for change in changes:
        if change.path != "name":
            tell(str(change))
    for change in changes:
        if change.path == "name":
            say(f"note: the names are {in_words(change.before)} and {in_words(change.after)}")
    if same:
        tell("the same network")
        return
    for line in cost_lines(*plans):
        tell(line)


def _summary(spec: ResNetSpec, plan: Plan) -> dict[str, object]:
    return {
        "name": spec.name,
        "digest": spec.digest,
        "params": plan.params,
        "macs": plan.macs,
        "input_shape": plan.input_shape,
    }
