"""Loads a file of weights into a model: read, choose, plan, check, copy."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from ..builder.edits import spec_of
from ..builder.network import unwrap
from ..planner.plan import lay_out
from ..reading.load import SpecLike, as_spec
from ..specs.layer import Shape
from ..specs.network import ResNetSpec
from .apply import apply, check_values
from .cover import NetworkCover
from .functions import settled
from .match import WeightPlan, match
from .options import Head, LoadOptions
from .read import WeightFile, Weights, read
from .select import select


def load_weights(
    model: nn.Module,
    file: Weights,
    *,
    layout: str | None = None,
    entry: str | None = None,
    strip: str = "",
    head: Head = None,
    allow_extra: bool = False,
    allow_missing: float | None = None,
    partial: bool = False,
    slice_wider: bool = False,
    allow_other_function: bool = False,
) -> WeightPlan:
    """Copy the weights in ``file`` into ``model``, which resforge built; the plan that was applied.

    The file is a ``.safetensors`` file or one of ``torch.save``; a mapping of tensors, or one that
    contains it, is taken too. Its names are those of any of :data:`LAYOUTS`, the one that covers
    most of the model unless ``layout`` is given. So is the mapping in a training checkpoint that
    holds the weights, at any depth; ``entry`` is the dotted path of another one, such as
    ``state_dict_ema``. With ``strip``, a prefix such as ``module.``, only names count that begin
    with it. ``head="fresh"`` keeps the model's head, whatever the file has for one; a list of rows
    fills it with those classes of the file's head.

    ``allow_extra`` leaves out what the model has no place for. ``allow_missing`` keeps each part
    that does not fit (the stem, a block's branch, its shortcut, its attention) as it was built, as
    long as the file fills at least this fraction of the model's tensors. ``partial`` is both, with
    a fraction of 0. ``slice_wider`` fills a narrower layer with the first channels of a wider one.
    A first convolution for another number of channels is summed or repeated.

    Names and shapes do not show all of a network. Where the file says its spec, or its names are
    those of code that computes one function, and that is not the model's, the file is refused
    unless ``allow_other_function`` is given; else the plan lists what is ``assumed``.

    All weights are copied or none: after an error the model is bitwise unchanged. Raises
    :class:`WeightsError` for a file that is broken or holds code, for tensors that do not fit, for
    one that could mean two networks, and for NaN, infinity and negative variances;
    :class:`ResforgeError` for a model that resforge did not build.

    >>> import resforge as rf
    >>> model = rf.build("digits_resnet8")
    >>> state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    >>> plan = rf.load_weights(model, {"model": state}, strip="module.")
    >>> plan.share, plan.notes
    (1.0, ("the tensors come from its entry 'model'",))
    """
    inner, spec = unwrap(model), spec_of(model)
    options = LoadOptions(
        layout, strip, head, slice_wider, entry, allow_extra, allow_missing, allow_other_function
    )
    options = options.partial() if partial else options
    shapes = {name: tuple(tensor.shape) for name, tensor in inner.state_dict().items()}
    plan, tensors = prepared(read(file), spec, shapes, options)
    apply(plan, tensors, inner, options)
    return plan


def plan_weights(
    spec: SpecLike,
    file: Weights,
    *,
    layout: str | None = None,
    entry: str | None = None,
    strip: str = "",
    head: Head = None,
    allow_extra: bool = False,
    allow_missing: float | None = None,
    partial: bool = False,
    slice_wider: bool = False,
    allow_other_function: bool = False,
) -> WeightPlan:
    """The plan of :func:`load_weights` for a model of ``spec``, without building the model.

    The values in the file are checked too. Raises as :func:`load_weights` does, and
    :class:`SpecError` for a wrong spec.
    """
    spec = as_spec(spec, "plan_weights")
    options = LoadOptions(
        layout, strip, head, slice_wider, entry, allow_extra, allow_missing, allow_other_function
    )
    options = options.partial() if partial else options
    shapes = lay_out(spec).state_dict
    plan, tensors = prepared(read(file), spec, shapes, options)
    check_values(plan, tensors)
    return plan


def prepared(
    source: WeightFile, spec: ResNetSpec, shapes: Mapping[str, Shape], options: LoadOptions
) -> tuple[WeightPlan, dict[str, Tensor]]:
    """How ``source`` fills a model of ``spec`` whose tensors have ``shapes``, and its tensors.

    Raises :class:`WeightsError` where it does not fit, or means another network.
    """
    options.check(source.path)
    network = lay_out(spec)
    chosen = select(source, options, NetworkCover(shapes, network, options.layout))
    plan = match(shapes, network, chosen, options)
    return settled(plan, spec, source, options), chosen.tensors
