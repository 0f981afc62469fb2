"""A plan carried out on a model: all of it, or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..errors import Fault
from .errors import WeightsError, refuse
from .match import TensorPlan, WeightPlan, Wishes

#: Values that are looked at together, so that looking takes no memory to speak of.
_CHUNK = 1 << 22


def check_values(
    plan: WeightPlan, tensors: Mapping[str, Tensor], model: Mapping[str, Tensor] | None = None
) -> None:
    """Raises :class:`WeightsError` for NaN, infinity and variances below 0 in what is taken.

    Values are looked at as they will be in ``model``, whose precision is ``float32`` unless given.
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
    plan: WeightPlan, tensors: Mapping[str, Tensor], model: nn.Module, wishes: Wishes
) -> None:
    """Copy what ``plan`` takes of ``tensors`` into ``model``, in place.

    Whatever can fail is done before the first copy. Raises :class:`WeightsError`.
    """
    state = model.state_dict(keep_vars=True)
    if any(tensor.is_meta for tensor in state.values()):
        raise refuse(plan.file, "cannot be loaded into a model on 'meta'", "build it on a device")
    check_values(plan, tensors, state)
    copies = [
        (state[entry.name], _fitted(entry, tensors[entry.source], wishes))
        for entry in plan.tensors
        if entry.source is not None
    ]
    with torch.no_grad():
        for mine, theirs in copies:
            mine.copy_(theirs)


def _fitted(entry: TensorPlan, given: Tensor, wishes: Wishes) -> Tensor:
    """What of ``given`` goes into the tensor; a view of it, but for the few that are computed."""
    if entry.action == "adapted":
        return _adapt_input(given, entry.shape[1])
    if entry.action == "sliced":
        if entry.unit == "head" and not isinstance(wishes.head, str) and wishes.head is not None:
            return given[torch.tensor(wishes.head)]
        return given[tuple(slice(size) for size in entry.shape)]
    return given


def _adapt_input(weight: Tensor, channels: int) -> Tensor:
    """A first convolution for another number of channels: summed to one, else repeated and scaled.

    What the channels bring together then stays as large. As timm's ``adapt_input_conv``, which
    does it from 3.
    """
    before = weight.shape[1]
    weight = weight.float()
    if channels == 1:
        return weight.sum(dim=1, keepdim=True)
    repeated = weight.repeat(1, math.ceil(channels / before), 1, 1)[:, :channels]
    return repeated * (before / channels)


def _wrong_values(entry: TensorPlan, values: Tensor, dtype: torch.dtype) -> tuple[str, str] | None:
    """What is wrong, and the mend."""
    if not values.is_floating_point():
        return None
    infinite = large = below = 0
    for part in _chunks(values):
        # A finite sum has finite terms; it is much the quicker question.
        if not math.isfinite(part.to(dtype).sum()):
            here = int((~torch.isfinite(part)).sum())
            infinite += here
            large += int((~torch.isfinite(part.to(dtype))).sum()) - here
        if entry.name.endswith("running_var"):
            below += int((part < 0).sum())
    failed = "the training that wrote it failed: take an earlier checkpoint"
    if infinite:
        return f"NaN or infinity in {infinite:,}", failed
    if below:
        return f"a variance below 0 in {below:,}", failed
    precision = str(dtype).removeprefix("torch.")
    mend = "build the model in a wider one, or take an earlier checkpoint"
    return (f"too large for {precision} in {large:,}", mend) if large else None


def _chunks(values: Tensor) -> Sequence[Tensor]:
    """Views of ``values``, along its first dimension."""
    if not values.ndim:
        return [values]
    return values.tensor_split(1 + values.numel() // _CHUNK)
