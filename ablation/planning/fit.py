"""Networks that follow the data of a sweep: their classes and input channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ...errors import SpecError
from ...reading.start import start_from
from ...specs.network import ResNetSpec
from ...training.data.network import misfits
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
    found = [*misfits(spec, sweep.data.input_shape, sweep.data.num_classes)]
    if not found:
        return
    paths, settings = [fault.path for fault, _ in found], [setting for _, setting in found]
    if paths == ["dims"]:
        help_ = f"set {settings[0]}{_other_layout(spec, sweep)}"
    else:
        changed = any(change.path.startswith(tuple(paths)) for change in changes)
        help_ = _fix(sweep, settings, changed)
    if "in_channels" in paths and _data_offers(sweep, spec.in_channels):
        kind = sweep.data.kind
        help_ += f"; or data: {{kind: {kind}, channels: {spec.in_channels}}}"
    raise SpecError(replace(fault, help=help_) for fault, _ in found)


def _other_layout(spec: ResNetSpec, sweep: Sweep) -> str:
    """The layout with which files of maps of two axes hold what the network takes."""
    if len(sweep.data.input_shape) == 3 and spec.dims == 1:
        return "; or write layout: NCL in data, where its files hold signals"
    if len(sweep.data.input_shape) == 3 and spec.dims == 3:
        return "; or write layout: NDHW in data, where its files hold volumes"
    return ""


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
