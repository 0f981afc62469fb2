"""``resforge diff``."""

from __future__ import annotations

from ..planner.plan import Plan
from ..reading.diff import Change, diff
from ..specs.network import ResNetSpec
from ..text.inline import in_words
from .exits import Exit
from .options import Input, InputSize, Json, Source, load_source, plan_at
from .output import say, tell, tell_json


def compare(a: Source, b: Source, /, *, input: Input = None, json: Json = False) -> Exit:
    """Show the differences of two networks, in the spec and in cost.

    Exits with 1 if they differ and with 0 if both are the same network,
    whatever their spelling and their names.
    """
    one, two = load_source(a), load_source(b)
    if input is None and one.dims == two.dims:
        side = max(one.natural_input_size, two.natural_input_size)
        input = InputSize((side,))
    plans = plan_at(one, input), plan_at(two, input)
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
    for title, before, after in (
        ("params", plans[0].params, plans[1].params),
        ("MACs", plans[0].macs, plans[1].macs),
    ):
        tell(f"{title}: {before:,} -> {after:,} ({_difference(before, after)})")


def _difference(before: int, after: int) -> str:
    if before == after:
        return "unchanged"
    return f"{after - before:+,}, {100 * (after - before) / before:+.2f} %"


def _summary(spec: ResNetSpec, plan: Plan) -> dict[str, object]:
    return {
        "name": spec.name,
        "digest": spec.digest,
        "params": plan.params,
        "macs": plan.macs,
        "input_shape": plan.input_shape,
    }
