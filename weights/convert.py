"""Rewrites a file of weights under the names of another project."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from ..planner.plan import Plan, lay_out
from ..reading.load import SpecLike, as_spec
from ..specs.layer import Shape
from ..specs.network import ResNetSpec
from .apply import check_values
from .errors import refuse
from .functions import check_layout, check_seal
from .infer import infer_spec
from .layouts import LAYOUTS
from .load import prepared
from .match import COUNTER, TensorPlan, WeightPlan, without_sides
from .options import LoadOptions
from .read import WeightFile, Weights, read
from .select import select
from .write import write_tensors


def convert_weights(
    file: Weights,
    out: str | os.PathLike[str],
    *,
    to: str | None = None,
    spec: SpecLike | None = None,
    layout: str | None = None,
    entry: str | None = None,
    strip: str = "",
    allow_other_function: bool = False,
) -> WeightPlan:
    """Write the weights in ``file`` to ``out`` under other names, every value bitwise equal.

    ``to`` is one of :data:`LAYOUTS`; without it the names are resforge's own. ``spec`` is the spec
    of the network; only a file that resforge wrote contains it. Names and shapes alone fit several
    networks, and what is written says its network: so another file needs ``spec``, and the error
    names the networks that fit. ``out`` ends in ``.safetensors``, which then holds the spec and a
    SHA-256, or in ``.pth`` or ``.pt``. ``file``, ``layout``, ``entry`` and ``strip`` are as
    :func:`load_weights` takes them.

    Raises :class:`WeightsError` for a file that is broken, does not hold the whole network, holds
    one that computes another function than ``spec`` (unless ``allow_other_function``), or has a
    layer without a name in ``to``, where the code behind the names of ``to`` would compute another
    function, and :class:`StoreError` if ``out`` cannot be written.
    """
    source = read(file)
    options = LoadOptions(layout, strip, entry=entry, allow_other_function=allow_other_function)
    options.check(source.path)
    known = _spec_of(source, spec, options)
    plan = lay_out(known)
    matched, tensors = prepared(source, known, plan.state_dict, options)
    _check_whole(matched)
    check_values(matched, tensors)
    names = names_in(to, plan, out)
    if to is not None and not allow_other_function:
        check_layout(to, known, out)
    write_tensors(
        {
            names[entry.name]: torch.zeros((), dtype=torch.int64)
            if entry.source is None
            else tensors[entry.source].reshape(_shape_in(to, entry))
            for entry in matched.tensors
        },
        Path(out),
        known,
    )
    return matched


def _shape_in(layout: str | None, tensor: TensorPlan) -> Shape:
    """The shape that a tensor has in a layout."""
    layer = tensor.name.rpartition(".")[0]
    if layout is None or not tensor.name.endswith(("weight", "bias")):
        return tensor.shape
    if layer in LAYOUTS[layout].convolutions and len(tensor.shape) == 2:
        return (*tensor.shape, 1, 1)
    if layer.endswith(LAYOUTS[layout].numbers) and tensor.shape == (1,):
        return ()
    if layer.endswith(LAYOUTS[layout].flat):
        return without_sides(tensor.shape)
    return tensor.shape


def names_in(layout: str | None, plan: Plan, file: str | os.PathLike[str]) -> dict[str, str]:
    """The name of each tensor of a network in ``layout``.

    Raises :class:`WeightsError` where the layout has no name for one.
    """
    if layout is None:
        return {name: name for name in plan.state_dict}
    if layout not in LAYOUTS:
        raise refuse(file, f"layout {layout!r} is unknown", f"known: {', '.join(LAYOUTS)}")
    if arrays := LAYOUTS[layout].arrays:
        text = f"{layout} is the naming of {arrays}, which are read and not written"
        raise refuse(file, text, "choose another --to")
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


def _check_whole(plan: WeightPlan) -> None:
    """Raise :class:`WeightsError` where a tensor would not be written as it is in the file."""
    for tensor in plan.tensors:
        if tensor.action != "copied" and not tensor.name.endswith(COUNTER):
            raise refuse(
                plan.file,
                f"is not of this network: {tensor.name} would be {tensor.action} ({tensor.why})",
                "name the spec of the file's network (--spec), or load it and save the model",
            )


def _spec_of(source: WeightFile, spec: SpecLike | None, options: LoadOptions) -> ResNetSpec:
    """The spec of the network in a file. Raises :class:`WeightsError` where nobody says it."""
    if spec is not None:
        return as_spec(spec, "convert_weights")
    if source.spec is not None:
        return source.spec
    check_seal(source)
    found = infer_spec(select(source, options).tensors)
    fitting = [each.name for each in (found.spec, *found.certificate.alternatives) if each.name]
    some = f"they fit {', '.join(fitting)}, and more" if fitting else "they fit several"
    name = found.spec.name or "FILE, with the spec in FILE"
    raise refuse(
        source.path,
        f"does not say which network it holds, and names and shapes do not show it: {some}",
        f"name it: spec={found.spec.name!r} (--spec {name}), if it has "
        f"{', '.join(found.certificate.assumed)}",
        "network",
    )
