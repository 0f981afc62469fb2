"""What a network computes beside its tensors: all that names and shapes do not show.

A file of weights fits every network whose tensors have its names and shapes; another activation,
stride, pool, padding or order is another function of the same tensors. A file that resforge wrote
says its spec, and the code behind the names of some projects computes one function only. Both are
compared with the spec of the model.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import Fault, SpecError
from ..planner.plan import Plan, lay_out
from ..reading.diff import Change, diff
from ..specs.attention import AttentionSpec
from ..specs.layout import with_drop_path
from ..specs.network import ResNetSpec
from ..specs.operation import computed
from .assumed import assumptions, value_text
from .errors import REGISTER, WeightsError, refuse
from .layouts import LAYOUTS
from .match import WeightPlan, unit_of
from .misfits import grouped
from .options import LoadOptions
from .read import WeightFile

SHOWN = 5


def functions(plan: Plan) -> dict[str, list[Any]]:
    """What each part of a network computes in evaluation, by the names of :func:`unit_of`."""
    ends = plan.modules
    parts: dict[str, list[Any]] = {
        "stem": computed(ends.stem),
        "norm": computed(ends.closing),
        "head": computed(ends.head),
    }
    for number, chain in enumerate(plan.before, start=1):
        if chain:
            parts[f"before{number}"] = computed(chain)
    for block in (block for stage in plan.stages for block in stage):
        modules = block.modules
        attention = [m for m in modules.branch if isinstance(m.op, AttentionSpec)]
        if block.resolved.drop_rate:
            modules = with_drop_path(modules, block.resolved)
        branch = [m for m in modules.branch if not isinstance(m.op, AttentionSpec)]
        parts[block.name] = [computed(chain) for chain in (modules.entry, branch, modules.exit)]
        if attention:
            parts[f"{block.name}.se"] = computed(attention)
        join = {"join": "none"} if block.shortcut.absent else modules.join.evaluated()
        parts[f"{block.name}.downsample"] = [computed(modules.path), join]
    return parts


def settled(
    plan: WeightPlan, spec: ResNetSpec, source: WeightFile, options: LoadOptions
) -> WeightPlan:
    """``plan``, once it is known that the file means the network ``spec``.

    Raises :class:`WeightsError` where the tensors fit, but the file is of a network that computes
    something else from them (unless ``options`` allow that), and where a file contradicts the
    spec that it holds.
    """
    if not options.allow_other_function:
        check_seal(source)
    if source.spec is not None and source.spec.digest == spec.digest:
        _check_own(plan, source, options)
        return plan
    theirs, whose = source.spec, "it holds another network, which"
    if theirs is None:
        theirs = LAYOUTS[plan.layout].implied(spec)
        whose = f"its names are {LAYOUTS[plan.layout].words}, whose code"
    elif theirs.name:
        whose = f"it holds the network {theirs.name!r}, which"
    parts = functions(lay_out(spec))
    changes = changes_to(theirs, spec, _taken(plan, parts, options))
    found = _other_function(whose, changes, source.path, guessed=source.spec is None)
    faults = [fault for fault in (found, _blur(plan, source.path)) if fault is not None]
    if faults and not options.allow_other_function:
        raise WeightsError(faults)
    notes = (*_adapted(plan), *(fault.message for fault in faults))
    assumed = () if source.spec is not None else assumptions(lay_out(spec))
    return replace(plan, notes=plan.notes + notes, assumed=assumed)


def check_seal(
    source: WeightFile,
    help: str = f"{REGISTER}; or, if the function here is meant, pass "
    "allow_other_function=True (--allow-other-function)",
) -> None:
    """Raise :class:`WeightsError` where a file says its network in words that are unknown here."""
    if source.unread:
        message = f"says its network, but not so that it can be read here: {source.unread}"
        raise refuse(source.path, message, help, "function")


def check_layout(layout: str, spec: ResNetSpec, file: str | os.PathLike[str]) -> None:
    """Refuse names whose code would compute another function than ``spec``.

    Raises :class:`WeightsError`.
    """
    theirs = LAYOUTS[layout].written(spec)
    whose = f"the code whose names are {LAYOUTS[layout].words}"
    fault = _other_function(whose, changes_to(theirs, spec), file, guessed=True)
    if fault is not None:
        raise WeightsError(fault)


def _adapted(plan: WeightPlan) -> Iterator[str]:
    for tensor in plan.tensors:
        if tensor.action == "adapted":
            yield f"{tensor.name}: {tensor.why}"


def _check_own(plan: WeightPlan, source: WeightFile, options: LoadOptions) -> None:
    """Refuse a file whose tensors are not those of the spec that it holds."""
    for tensor in plan.tensors:
        asked = tensor.unit == "head" and options.head is not None
        if tensor.action != "copied" and not asked:
            raise refuse(
                source.path,
                f"contradicts the spec that it holds: {tensor.name} would be {tensor.action} "
                f"({tensor.why})",
                "it was saved from an edited network: name the spec of its tensors (--spec)",
                "contradiction",
            )


def changes_to(
    theirs: ResNetSpec, spec: ResNetSpec, parts: Collection[str] | None = None
) -> list[Change]:
    """The changes that make of the function of ``spec`` that of ``theirs``, in ``parts``."""
    if theirs.digest == spec.digest:
        return []
    plans = [lay_out(each) for each in (spec, theirs)]
    here, there = map(functions, plans)
    # What has other tensors does not come from the file: a shortcut of another kind, say.
    own, other = map(_tensors, plans)
    alike = {part for part in here if own.get(part) == other.get(part)}
    parts = alike & there.keys() & set(here if parts is None else parts)
    if all(here[part] == there[part] for part in parts):
        return []
    changes = [change for change in diff(spec, theirs) if not _is_idle(change)]
    # Several may be one change, such as the activation and a block that names its own.
    return [each for each in changes if _matters(each, spec, here, parts)] or changes


def _is_idle(change: Change) -> bool:
    """Whether a change is of the name or of initial values."""
    return change.path.partition(".")[0] in ("name", "init")


def _tensors(plan: Plan) -> dict[str, set[str]]:
    """Names of the tensors of each part that has some."""
    found: dict[str, set[str]] = {}
    for name in plan.state_dict:
        found.setdefault(unit_of(name), set()).add(name)
    return found


def _matters(
    change: Change, spec: ResNetSpec, here: Mapping[str, Any], parts: Collection[str]
) -> bool:
    try:
        there = functions(lay_out(spec.replace({change.path: change.after})))
    except SpecError:  # not legal without the others
        return True
    return any(here[part] != there.get(part) for part in parts)


def _taken(plan: WeightPlan, parts: Mapping[str, Any], options: LoadOptions) -> set[str]:
    """The parts of the network that come from the file, and those without tensors beside them."""
    fresh = {tensor.unit for tensor in plan.tensors if tensor.action == "fresh" and tensor.shape}
    if options.head == "fresh":
        fresh.add("head")
    # A shortcut without tensors goes with its block.
    return {part for part in parts if fresh.isdisjoint({part, part.removesuffix(".downsample")})}


def _other_function(
    whose: str, changes: list[Change], file: str | os.PathLike[str], *, guessed: bool
) -> Fault | None:
    """The fault of a network that computes something else; None where nothing differs.

    Where the function is ``guessed`` from names, other code may have the same names: the spec is
    then the last to be changed.
    """
    if not changes:
        return None
    told = [
        f"{c.path} is {value_text(c.after)} there, {value_text(c.before)} here" for c in changes
    ]
    fixes = [f"{change.path}: {value_text(change.after)}" for change in changes]
    for texts in (told, fixes):
        if len(texts) > SHOWN:
            texts[SHOWN:] = [f"and {len(texts) - SHOWN} more"]
    flag = "allow_other_function=True (--allow-other-function)"
    help_ = f"use {', '.join(fixes)}; or, if the function here is meant, {flag}"
    if guessed:
        help_ = (
            f"if the function here is meant, since other code has these names too, pass {flag}; "
            f"for the function of that code, use {', '.join(fixes)}"
        )
    return Fault(
        "function",
        f"{whose} computes another function of the same tensors: {'; '.join(told)}",
        help=help_,
        file=os.fspath(file),
    )


def _blur(plan: WeightPlan, file: Path) -> Fault | None:
    """The fault of an anti-aliased network's file in a network without blur filters."""
    filters = [name for name in plan.unused if name.endswith(".filt")]
    if not filters:
        return None
    return Fault(
        "function",
        "it holds the blur filters of an anti-aliased network (Zhang 2019, arXiv 1904.11486), "
        f"which the model lacks: {grouped(filters)}",
        help="the weights alone compute another function; to take them all the same, pass "
        "allow_other_function=True (--allow-other-function)",
        file=os.fspath(file),
    )
