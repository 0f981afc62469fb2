"""Rewrites a file of weights under the names of another project."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import torch

from ..planner.plan import Plan, lay_out
from ..reading.load import as_spec
from ..specs.network import ResNetSpec
from .apply import check_values
from .errors import refuse
from .infer import infer_spec
from .layouts import LAYOUTS
from .match import LoadOptions, WeightPlan, match, stripped
from .read import WeightFile, read
from .write import write_tensors


def convert_weights(
    file: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    to: str | None = None,
    spec: ResNetSpec | str | os.PathLike[str] | None = None,
    layout: str | None = None,
    strip: str = "",
) -> WeightPlan:
    """Write the weights in ``file`` to ``out`` under other names, every value bitwise equal.

    ``to`` is one of :data:`LAYOUTS`; without it the names are resforge's own. ``spec`` is the spec
    of the network; a file that resforge wrote contains it, and for other files it is inferred with
    :func:`infer_spec`. ``out`` ends in ``.safetensors``, which then holds the spec and a SHA-256,
    or in ``.pth`` or ``.pt``.

    Raises :class:`WeightsError` for a file that is broken, does not hold the whole network, or has
    a layer without a name in ``to``, and :class:`StoreError` if ``out`` cannot be written.
    """
    source = read(file)
    known, assumed = _spec_of(source, spec, strip)
    plan = lay_out(known, (1, 1))
    matched = match(plan.state_dict, plan, source, LoadOptions(layout, strip))
    tensors = stripped(source, strip)
    check_values(matched, tensors)
    names = names_in(to, plan, out)
    write_tensors(
        {
            names[entry.name]: torch.zeros((), dtype=torch.int64)
            if entry.source is None
            else tensors[entry.source]
            for entry in matched.tensors
        },
        Path(out),
        known,
    )
    return replace(matched, notes=matched.notes + assumed)


def names_in(layout: str | None, plan: Plan, file: str | os.PathLike[str]) -> dict[str, str]:
    """The name of each tensor of a network in ``layout``.

    Raises :class:`WeightsError` where the layout has no name for one.
    """
    if layout is None:
        return {name: name for name in plan.state_dict}
    if layout not in LAYOUTS:
        raise refuse(file, f"layout {layout!r} is unknown", f"known: {', '.join(LAYOUTS)}")
    missing = f"a stem of {plan.spec.stem.kind}"
    for form in LAYOUTS[layout].forms:
        if not form.suits(plan):
            continue
        table = form.table(plan.state_dict, plan)
        names = {ours: theirs for ours, theirs in table.items() if theirs is not None}
        if len(set(names.values())) == len(table):
            return names
        missing = next((name for name in table if name not in names), "all of its layers")
    raise refuse(file, f"{layout} has no name for {missing}", "choose another --to")


def _spec_of(
    source: WeightFile, spec: ResNetSpec | str | os.PathLike[str] | None, strip: str
) -> tuple[ResNetSpec, tuple[str, ...]]:
    """The spec of the network in a file, and notes on what was assumed."""
    if spec is not None:
        return as_spec(spec, "convert_weights"), ()
    if source.spec is not None:
        return source.spec, ()
    found = infer_spec(stripped(source, strip))
    return found.spec, (f"the spec is inferred: {found.certificate}",)
