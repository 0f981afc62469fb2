"""From a file to a model: read, plan, check, copy."""

from __future__ import annotations

import os

from torch import nn

from ..builder.network import spec_of, unwrap
from ..planner.plan import lay_out
from ..reading.load import as_spec
from ..specs.network import ResNetSpec
from .apply import apply, check_values
from .errors import refuse
from .layouts import LAYOUTS
from .match import Head, WeightPlan, Wishes, match, stripped
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
) -> WeightPlan:
    """Copy the weights in ``file`` into ``model``, which resforge built, and say what was done.

    The file is a ``.safetensors`` or one of ``torch.save``; its names are torchvision's, timm's,
    or those of another of :data:`LAYOUTS`, which is recognised unless ``layout`` names it.
    ``strip`` is a prefix to take off the names. ``head="fresh"`` leaves the model's head as it
    is; a list of rows fills it with those classes of the file's. ``partial`` leaves as it is
    each part that does not fit (the stem, a block's branch, its shortcut, its attention);
    ``slice_wider`` fills a narrower layer with the first channels. A first convolution for
    another number of channels is summed or repeated.

    Nothing is copied unless all of it can be: where this raises, the model is bitwise as it was.
    Raises :class:`WeightsError` for a file that is broken or holds code, for what does not fit
    as asked, and for values that no training leaves; :class:`ResforgeError` for a model that
    resforge did not build.
    """
    inner, spec = unwrap(model), spec_of(model)
    source, wishes = _open(file, Wishes(layout, strip, head, partial, slice_wider))
    shapes = {name: tuple(tensor.shape) for name, tensor in inner.state_dict().items()}
    plan = match(shapes, lay_out(spec, (1, 1)), source, wishes)
    apply(plan, stripped(source, strip), inner, wishes)
    return plan


def plan_weights(
    spec: ResNetSpec | str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    layout: str | None = None,
    strip: str = "",
    head: Head = None,
    partial: bool = False,
    slice_wider: bool = False,
) -> WeightPlan:
    """What :func:`load_weights` would do to a model of ``spec``, without making one.

    The values in the file are looked at too. Raises as :func:`load_weights` does, and
    :class:`SpecError` for a wrong spec.
    """
    plan = lay_out(as_spec(spec, "plan_weights"), (1, 1))
    source, wishes = _open(file, Wishes(layout, strip, head, partial, slice_wider))
    planned = match(plan.state_dict, plan, source, wishes)
    check_values(planned, stripped(source, strip))
    return planned


def _open(file: str | os.PathLike[str], wishes: Wishes) -> tuple[WeightFile, Wishes]:
    if wishes.layout is not None and wishes.layout not in LAYOUTS:
        raise refuse(file, f"layout {wishes.layout!r} is unknown", f"known: {', '.join(LAYOUTS)}")
    if isinstance(wishes.head, str) and wishes.head != "fresh":
        raise refuse(file, f"head={wishes.head!r} is unknown", "use 'fresh', or a list of classes")
    return read(file), wishes
