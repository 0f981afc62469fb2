"""Loads a file of weights into a model: read, plan, check, copy."""

from __future__ import annotations

import os

from torch import nn

from ..builder.edits import spec_of
from ..builder.network import unwrap
from ..planner.plan import lay_out
from ..reading.load import SpecLike, as_spec
from .apply import apply, check_values
from .errors import refuse
from .functions import settled
from .layouts import LAYOUTS
from .match import Head, LoadOptions, WeightPlan, match, stripped
from .read import WeightFile, read


def load_weights(
    model: nn.Module,
    file: str | os.PathLike[str],
    *,
    layout: str | None = None,
    strip: str = "",
    head: Head = None,
    partial: bool = False,
    slice_wider: bool = False,
    allow_other_function: bool = False,
) -> WeightPlan:
    """Copy the weights in ``file`` into ``model``, which resforge built; the plan that was applied.

    The file is a ``.safetensors`` file or one of ``torch.save``. Its names are those of any of
    :data:`LAYOUTS`, recognised unless ``layout`` is given; ``strip`` is a prefix to remove from
    them. ``head="fresh"`` keeps the model's head; a list of rows fills it with those classes of the
    file's head. ``partial`` keeps each part that does not fit (the stem, a block's branch, its
    shortcut, its attention) as it was built; ``slice_wider`` fills a narrower layer with the first
    channels of a wider one. A first convolution for another number of channels is summed or
    repeated.

    Names and shapes do not show all of a network. Where the file says its spec, or its names are
    those of code that computes one function, and that is not the model's, the file is refused
    unless ``allow_other_function`` (or ``partial``) is given; else the plan lists what is
    ``assumed``.

    All weights are copied or none: after an error the model is bitwise unchanged. Raises
    :class:`WeightsError` for a file that is broken or holds code, for tensors that do not fit, and
    for NaN, infinity and negative variances; :class:`ResforgeError` for a model that resforge did
    not build.
    """
    inner, spec = unwrap(model), spec_of(model)
    source, options = _open(
        file, LoadOptions(layout, strip, head, partial, slice_wider, allow_other_function)
    )
    shapes = {name: tuple(tensor.shape) for name, tensor in inner.state_dict().items()}
    plan = settled(match(shapes, lay_out(spec, (1, 1)), source, options), spec, source, options)
    apply(plan, stripped(source, strip), inner, options)
    return plan


def plan_weights(
    spec: SpecLike,
    file: str | os.PathLike[str],
    *,
    layout: str | None = None,
    strip: str = "",
    head: Head = None,
    partial: bool = False,
    slice_wider: bool = False,
    allow_other_function: bool = False,
) -> WeightPlan:
    """The plan of :func:`load_weights` for a model of ``spec``, without building the model.

    The values in the file are checked too. Raises as :func:`load_weights` does, and
    :class:`SpecError` for a wrong spec.
    """
    spec = as_spec(spec, "plan_weights")
    plan = lay_out(spec, (1, 1))
    source, options = _open(
        file, LoadOptions(layout, strip, head, partial, slice_wider, allow_other_function)
    )
    planned = settled(match(plan.state_dict, plan, source, options), spec, source, options)
    check_values(planned, stripped(source, strip))
    return planned


def _open(file: str | os.PathLike[str], options: LoadOptions) -> tuple[WeightFile, LoadOptions]:
    if options.layout is not None and options.layout not in LAYOUTS:
        raise refuse(file, f"layout {options.layout!r} is unknown", f"known: {', '.join(LAYOUTS)}")
    if isinstance(options.head, str) and options.head != "fresh":
        raise refuse(file, f"head={options.head!r} is unknown", "use 'fresh', or a list of classes")
    return read(file), options
