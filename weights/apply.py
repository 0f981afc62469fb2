"""Copies weights into a model by a plan, completely or not at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..errors import Fault
from .errors import WeightsError, refuse, shortened
from .match import TensorPlan, WeightPlan
from .options import LoadOptions

#: Number of values checked at a time, so that the check needs little memory.
_CHUNK = 1 << 22


def check_values(
    plan: WeightPlan, tensors: Mapping[str, Tensor], model: Mapping[str, Tensor] | None = None
) -> None:
    """Check the values that ``plan`` takes. Raises :class:`WeightsError` for NaN, infinity and
    variances below 0.

    Values are checked in the precision that they will have in ``model``, by default ``float32``.
    """
    faults = []
    for entry in plan.tensors:
        if entry.source is None:
            continue
        values = tensors[entry.source]
        if wrong := _wrong_values(entry, values, model[entry.name].dtype if model else torch.float):
            text = f"{entry.source}: {wrong[0]} of {values.numel():,} values"
            help_ = wrong[1]
            faults.append(Fault("values", text, help=help_, file=plan.file))
    if faults:
        raise WeightsError(faults[:10])


def apply(
    plan: WeightPlan, tensors: Mapping[str, Tensor], model: nn.Module, options: LoadOptions
) -> None:
    """Copy the tensors that ``plan`` takes into ``model``, in place.

    Everything that can fail is done before the first copy. Raises :class:`WeightsError`.
    """
    state = model.state_dict(keep_vars=True)
    if any(tensor.is_meta for tensor in state.values()):
        raise refuse(plan.file, "cannot be loaded into a model on 'meta'", "build it on a device")
    check_values(plan, tensors, state)
    copies = [
        (state[entry.name], _fitted(entry, tensors[entry.source], options))
        for entry in plan.tensors
        if entry.source is not None
    ]
    with torch.no_grad():
        for mine, theirs in copies:
            mine.copy_(theirs)


def _fitted(entry: TensorPlan, given: Tensor, options: LoadOptions) -> Tensor:
    """The values of ``given`` for one tensor of the model, as a view where nothing is computed."""
    if entry.action == "adapted":
        return _adapt_input(given, entry.shape[1])
    if given.ndim == len(entry.shape) + 2:
        given = given[..., 0, 0]
    if entry.action == "sliced":
        if entry.unit == "head" and not isinstance(options.head, str) and options.head is not None:
            return given[torch.tensor(options.head)]
        return given[tuple(slice(size) for size in entry.shape)]
    return given.reshape(entry.shape)


def _adapt_input(weight: Tensor, channels: int) -> Tensor:
    """The first convolution for another number of input channels: summed to one, or repeated and
    scaled.

    The scale preserves the sum over the channels. timm's ``adapt_input_conv`` does the same for
    weights of 3 channels.
    """
    before = weight.shape[1]
    weight = weight.float()
    if channels == 1:
        return weight.sum(dim=1, keepdim=True)
    repeated = weight.repeat(1, math.ceil(channels / before), 1, 1)[:, :channels]
    return repeated * (before / channels)


def _wrong_values(entry: TensorPlan, values: Tensor, dtype: torch.dtype) -> tuple[str, str] | None:
    """The fault in the values and its remedy, or None."""
    if not values.is_floating_point():
        return None
    infinite = large = below = 0
    try:
        for part in _chunks(values):
            ours = part.to(dtype)
            # A finite sum has finite terms, and is much faster to check.
            if not math.isfinite(ours.sum()):
                here = int((~torch.isfinite(part.to(torch.float64))).sum())
                infinite += here
                large += int((~torch.isfinite(ours)).sum()) - here
            if entry.name.endswith("running_var"):
                below += int((ours < 0).sum())
    except (RuntimeError, TypeError) as error:  # such as a type of number that is only stored
        reason = shortened(str(error).partition("\n")[0])
        return f"cannot be read ({reason}), none", "convert them to float32 where they are made"
    failed = "the training that wrote it failed: take an earlier checkpoint"
    if infinite:
        return f"NaN or infinity in {infinite:,}", failed
    if below:
        return f"a variance below 0 in {below:,}", failed
    precision = str(dtype).removeprefix("torch.")
    remedy = "build the model in a wider one, or take an earlier checkpoint"
    return (f"too large for {precision} in {large:,}", remedy) if large else None


def _chunks(values: Tensor) -> Sequence[Tensor]:
    """Views of ``values``, along its first dimension."""
    if not values.ndim:
        return [values]
    return values.tensor_split(1 + values.numel() // _CHUNK)
