"""The input of the network of a run, from the options of its request."""

from __future__ import annotations

from dataclasses import fields
from math import isfinite

from ...errors import Fault, SpecError, printable
from ...specs.explain import shown
from ...training.data.source import DataSource
from ...training.pictures.colours import measure
from ...training.pictures.folder import PictureFolder
from ...training.pictures.view import IMAGENET_MEAN, IMAGENET_STD, MAX_SIZE, View, default_crop
from .request import RunRequest

_HELP = "use imagenet, channel, or MEAN/STD of values from 0 to 1, such as 0.5/0.5"
#: Fields of a request that say how a picture of a file is seen.
_OF_PICTURES = ("size", "resize", "normalize", "augment", "min_area", "unreadable")
Values = tuple[float, ...]


def view_of(request: RunRequest, data: PictureFolder) -> View:
    """The view of a request. Raises :class:`~resforge.SpecError` for a network of other channels
    than pictures have, a size that is out of range, and an unknown normalisation."""
    channels = request.network.in_channels
    if channels not in (1, 3):
        message = f"the network has {channels} input channels; pictures have 3, or 1 in grey"
        raise SpecError(Fault("data", message, "in_channels", "write in_channels: 3"))
    size = request.size or request.network.natural_input_size
    if not 1 <= size <= MAX_SIZE:
        message = f"size is {size}, of at most {MAX_SIZE} pixels"
        raise SpecError(Fault("range", message, "size", f"use a size from 1 to {MAX_SIZE}"))
    if request.normalize == "channel":
        mean, std = measure(data.train, channels, request.workers)
    else:
        mean, std = read_normalization(request.normalize, channels)
    if request.resize not in ("crop", "squash"):
        message = f"{shown(request.resize)} is no way to resize"
        raise SpecError(Fault("value", message, "resize", "use crop or squash"))
    crop = 1.0 if request.resize == "squash" else default_crop(size)
    return View(size=size, resize=request.resize, crop=crop, mean=mean, std=std)


def refuse_view(request: RunRequest, data: DataSource) -> None:
    """Raise :class:`~resforge.SpecError` for a request that says how picture files are seen, where
    the data are images in memory, which nothing of it would change."""
    defaults = {field.name: field.default for field in fields(request)}
    found = [name for name in _OF_PICTURES if getattr(request, name) != defaults[name]]
    if not found:
        return
    options = ", ".join(f"--{name.replace('_', '-')}" for name in found)
    message = f"{options}: for picture files, and {printable(request.data)} has images in memory"
    help_ = f"leave {'it' if len(found) == 1 else 'them'} out"
    kept = [name for name in found if name in type(data).model_fields]
    if kept:
        help_ += f"; data: {{kind: {data.kind}, ...}} of a sweep takes {' and '.join(kept)}"
    raise SpecError(Fault("data", message, found[0], help_))


def read_normalization(text: str, channels: int) -> tuple[Values, Values]:
    """Mean and deviation of each channel: ``imagenet``, or ``MEAN/STD`` of one value or of one for
    each channel. Raises :class:`~resforge.SpecError` for any other text.

    >>> read_normalization("0.5/0.25", 3)
    ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    >>> read_normalization("0.4,0.5,0.6/1", 3)
    ((0.4, 0.5, 0.6), (1.0, 1.0, 1.0))
    """
    if text == "imagenet":
        if channels == 3:
            return IMAGENET_MEAN, IMAGENET_STD
        return (sum(IMAGENET_MEAN) / 3,), (sum(IMAGENET_STD) / 3,)
    parts = text.split("/")
    try:
        mean, std = (tuple(float(word) for word in part.split(",")) for part in parts)
    except ValueError:
        raise _wrong(f"{shown(text)} is no normalisation") from None
    for values in (mean, std):
        if len(values) not in (1, channels):
            inputs = f"{channels} input channel{'s' if channels > 1 else ''}"
            raise _wrong(f"{shown(text)} has {len(values)} values, and the network {inputs}")
    if not all(isfinite(value) and abs(value) <= 1 for value in (*mean, *std)) or min(std) <= 0:
        raise _wrong(f"{shown(text)} has values outside 0 to 1, or a deviation of 0")
    one_each = tuple(values * channels if len(values) == 1 else values for values in (mean, std))
    return one_each[0], one_each[1]


def _wrong(message: str) -> SpecError:
    return SpecError(Fault("value", message, "normalize", _HELP))
