"""Whether a network takes the sweep's pictures and tells its classes apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ...errors import Fault, SpecError
from ...specs.network import ResNetSpec

if TYPE_CHECKING:
    from .blame import Change
    from .sweep import Sweep


def check_fit(spec: ResNetSpec, sweep: Sweep, changes: Sequence[Change]) -> None:
    """Raises :class:`SpecError` with all that keeps ``spec``, the sweep's base with ``changes``
    made, from the data; each with the change that mends it."""
    channels, classes = sweep.data.input_shape[0], sweep.data.num_classes
    mends: dict[str, str] = {}
    faults = []
    if spec.in_channels != channels:
        mends["in_channels"] = f"in_channels: {channels}"
        message = f"the network takes {spec.in_channels} channels, the data has {channels}"
        faults.append(Fault("data", message, "in_channels"))
    if spec.head is None or spec.head.num_classes != classes:
        mends["head"] = f"head: {{num_classes: {classes}}}"
        given = "no head" if spec.head is None else f"{spec.head.num_classes} classes"
        message = f"the network has {given}, the data has {classes} classes"
        faults.append(Fault("data", message, "head"))
    if not faults:
        return
    said = any(change.path.startswith(tuple(mends)) for change in changes)
    help_ = _mend(sweep, list(mends.values()), said)
    if "in_channels" in mends and _data_can_have(sweep, spec.in_channels):
        kind = sweep.data.kind
        help_ += f"; or data: {{kind: {kind}, channels: {spec.in_channels}}}"
    raise SpecError(Fault(fault.code, fault.message, fault.path, help_) for fault in faults)


def _mend(sweep: Sweep, mends: list[str], said: bool) -> str:
    if said or not isinstance(sweep.base, str):
        return f"set {' and '.join(mends)}"
    return f"write base: {{base: {sweep.base}, {', '.join(mends)}}}"


def _data_can_have(sweep: Sweep, channels: int) -> bool:
    """Whether the data set has pictures of so many channels, too."""
    if "channels" not in type(sweep.data).model_fields:
        return False
    try:
        type(sweep.data)(**{**sweep.data.model_dump(), "channels": channels})
    except ValidationError:
        return False
    return True
