"""Networks that follow the data of a sweep: their classes and input channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from ...errors import Fault, SpecError
from ...reading.start import start_from
from ...specs.network import ResNetSpec
from .blame import Change, replaced
from .sweep import Sweep

_CHANNELS, _CLASSES = "in_channels", "head.num_classes"


def fitted(base: ResNetSpec, sweep: Sweep, changes: Sequence[Change] = ()) -> ResNetSpec:
    """``base`` with ``changes``, and with the classes and input channels of the sweep's data.

    What the file says itself, in its base or in these changes, stays. Raises :class:`SpecError`.
    """
    spec = replaced(base, changes)
    wanted = {
        path: value for path, value in _wanted(spec, sweep) if not _is_told(path, sweep, changes)
    }
    return spec.replace(wanted) if wanted else spec


def adaptation(sweep: Sweep) -> str:
    """What :func:`fitted` changes of the sweep's base, in a sentence; empty where it fits."""
    base = start_from(sweep.base)
    try:
        spec = fitted(base, sweep)
    except SpecError:  # which the arms report
        return ""
    words = []
    if spec.in_channels != base.in_channels:
        channels = f"{spec.in_channels} input channel{'s' * (spec.in_channels != 1)}"
        words.append(f"takes {channels} instead of {base.in_channels}")
    if spec.head and base.head and spec.head.classes != base.head.classes:
        words.append(f"has {spec.head.classes} classes instead of {base.head.classes}")
    return f"the base {' and '.join(words)}, as the data" if words else ""


def _wanted(spec: ResNetSpec, sweep: Sweep) -> Iterator[tuple[str, int]]:
    (channels, *_), classes = sweep.data.input_shape, sweep.data.num_classes
    if spec.in_channels != channels:
        yield _CHANNELS, channels
    head = spec.head
    if head is not None and "num_classes" in type(head).model_fields and head.classes != classes:
        yield _CLASSES, classes


def _is_told(path: str, sweep: Sweep, changes: Sequence[Change]) -> bool:
    """Whether the file says the value at ``path``."""
    written: dict[str, Any] = {change.path: change.value for change in changes}
    if isinstance(sweep.base, dict):
        written = {**sweep.base, **written}
    name, _, field = path.partition(".")
    inside = written.get(name)
    return path in written or (
        name in written and (not field or (isinstance(inside, dict) and field in inside))
    )


def check_fit(spec: ResNetSpec, sweep: Sweep, changes: Sequence[Change]) -> None:
    """Raise :class:`SpecError` if ``spec`` does not fit the channels or classes of the data.

    ``spec`` is the sweep's base with ``changes``. Each fault names the change that fixes it.
    """
    (channels, *sides), classes = sweep.data.input_shape, sweep.data.num_classes
    if spec.dims != len(sides):
        raise SpecError(_other_axes(spec, len(sides)))
    fixes: dict[str, str] = {}
    faults = []
    if spec.in_channels != channels:
        fixes["in_channels"] = f"in_channels: {channels}"
        message = f"the network takes {spec.in_channels} channels, the data has {channels}"
        faults.append(Fault("data", message, "in_channels"))
    if spec.head is None or spec.head.classes != classes:
        fixes["head"] = f"head: {{num_classes: {classes}}}"
        outputs = "no head" if spec.head is None else f"{spec.head.classes} classes"
        message = f"the network has {outputs}, the data has {classes} classes"
        faults.append(Fault("data", message, "head"))
    if not faults:
        return
    changed = any(change.path.startswith(tuple(fixes)) for change in changes)
    help_ = _fix(sweep, list(fixes.values()), changed)
    if "in_channels" in fixes and _data_offers(sweep, spec.in_channels):
        kind = sweep.data.kind
        help_ += f"; or data: {{kind: {kind}, channels: {spec.in_channels}}}"
    raise SpecError(Fault(fault.code, fault.message, fault.path, help_) for fault in faults)


def _other_axes(spec: ResNetSpec, axes: int) -> Fault:
    message = f"the network has dims: {spec.dims}, the maps of the data {axes} ax"
    message += "is" if axes == 1 else "es"
    help_ = f"set dims: {axes}"
    if spec.dims == 1 and axes == 2:
        help_ += "; or write layout: NCL in data, where its files hold signals"
    if spec.dims == 3 and axes == 2:
        help_ += "; or write layout: NDHW in data, where its files hold volumes"
    return Fault("data", message, "dims", help_)


def _fix(sweep: Sweep, fixes: list[str], changed: bool) -> str:
    if changed or not isinstance(sweep.base, str):
        return f"set {' and '.join(fixes)}"
    return f"write base: {{base: {sweep.base}, {', '.join(fixes)}}}"


def _data_offers(sweep: Sweep, channels: int) -> bool:
    """Whether the data set is also available with so many channels."""
    if "channels" not in type(sweep.data).model_fields:
        return False
    try:
        type(sweep.data)(**{**sweep.data.model_dump(), "channels": channels})
    except ValidationError:
        return False
    return True
