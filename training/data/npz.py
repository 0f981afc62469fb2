"""Any pictures, signals or volumes, from a NumPy archive of four arrays."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

import numpy as np
from pydantic import Field

from ...errors import Fault, SpecError
from ...npz import Archive, open_archive, shape_text
from .augmentation import AS_THEY_ARE
from .files import FileError, errors_at_path, path_fault
from .pictures import PictureFiles, Pictures
from .source import MAX_IMAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

Layout = Literal["NHW", "NCHW", "NHWC", "NL", "NCL", "NLC", "NDHW", "NCDHW", "NDHWC"]
PARTS = ("train", "test")
_CHANNELS = (1, 3, 4)  # axes of these lengths are taken for channels
_HELP = (
    "write one with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...), or from"
    " torch data sets with resforge.training.store_dataset"
)


class NpzSpec(PictureFiles):
    """Pictures and labels from a file of ``numpy.savez`` or ``savez_compressed``.

    ``path`` is that file. ``x_train`` and ``x_test`` are bytes of 0 to 255 or floats: ``NHW`` in
    grey, ``NCHW`` or ``NHWC``, signals such as ``NCL``, volumes such as ``NCDHW``; ``y_train`` and
    ``y_test`` are whole numbers from 0, ``(N,)`` or ``(N, 1)``. Nothing in the file is unpickled.
    """

    kind: Literal["npz"] = "npz"
    train: Annotated[int, Field(ge=2, le=MAX_IMAGES)] | None = None
    """Training images, the first of the file; by default all."""
    test: Annotated[int, Field(ge=1, le=MAX_IMAGES)] | None = None
    """Test images, the first of the file; by default all."""
    classes: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Number of classes; by default one more than the largest label."""
    layout: Layout | None = None
    """Order of the axes of the images; by default the axis of length 1, 3 or 4 is the channels.
    Signals of several channels (``NCL``, ``NLC``) and volumes of one (``NDHW``) say it, since they
    look like pictures."""

    @property
    def stamp(self) -> tuple[int, ...]:
        try:
            status = os.stat(self.path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise path_fault(f"{self.path} cannot be read ({reason})", _HELP) from None
        if not os.path.isfile(self.path):
            raise path_fault(f"{self.path} is not a file", _HELP)
        return (status.st_size, status.st_mtime_ns)

    def check(self) -> None:
        contents = self._contents()
        axes = len(self.input_shape) - 1
        if axes != 2 and self.augment != AS_THEY_ARE:
            message = f"{self.augment.kind} is for pictures, and {self.path} holds maps of {axes} "
            message += "axis" if axes == 1 else "axes"
            raise SpecError(Fault("data", message, "augment", "leave augment out"))
        order, test_order = (self._ordered(contents.shapes[part], f"x_{part}") for part in PARTS)
        if order[1:] != test_order[1:]:
            one, other = shape_text(order[1:]), shape_text(test_order[1:])
            message = f"the training images of {self.path} are {one}, its test images {other}"
            raise path_fault(message, "make them of one size")
        for part, asked in (("train", self.train), ("test", self.test)):
            if (asked or 1) > contents.shapes[part][0]:
                count = contents.shapes[part][0]
                message = f"{part} is {asked}, and the file holds {count} images"
                raise SpecError(Fault("data", message, part, f"write {part}: {count}"))
        if self.trained < 2:
            message = f"validation {self.validation} leaves fewer than 2 images to train on"
            most = max(self.trained + self.validation - 2, 0)
            raise SpecError(Fault("data", message, "validation", f"set aside at most {most}"))
        if self.classes is not None and contents.largest >= self.classes:
            message = f"classes is {self.classes}, and the largest label is {contents.largest}"
            help = f"leave classes out, or write classes: {contents.largest + 1}; labels start at 0"
            raise SpecError(Fault("data", message, "classes", help))

        if self.num_classes < 2:
            message = f"{self.path} holds a single class: two or more are needed"
            raise path_fault(message, "labels start at 0")

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._ordered(self._contents().shapes["train"], "x_train")[1:]

    @property
    def num_classes(self) -> int:
        return self.classes or self._contents().largest + 1

    @property
    def trained(self) -> int:
        return (self.train or self._contents().shapes["train"][0]) - self.validation

    @property
    def tested(self) -> int:
        return self.test or self._contents().shapes["test"][0]

    def pictures(self) -> tuple[Pictures, Pictures]:
        self.check()
        file = Path(self.path)
        with errors_at_path(file, "pictures", _HELP), open_archive(file) as archive:
            train, test = (self._part(archive, part) for part in PARTS)
        return train, test

    def _part(self, archive: Archive, part: str) -> Pictures:
        pixels = archive.array(f"x_{part}")
        layout = self._layout(pixels.shape, f"x_{part}")
        pixels = pixels.transpose(_order(layout)) if "C" in layout else pixels[:, None]
        if pixels.dtype != np.uint8:
            pixels = pixels.astype(np.float32)
            if not np.isfinite(pixels).all():
                raise FileError(f"x_{part} holds values that are not finite in float32")
        return Pictures(np.ascontiguousarray(pixels), _labels(archive, part))

    def _contents(self) -> _Contents:
        return _inspect(self.path, self.stamp)

    def _ordered(self, shape: tuple[int, ...], name: str) -> tuple[int, ...]:
        layout = self._layout(shape, name)
        if "C" not in layout:
            return (shape[0], 1, *shape[1:])
        return tuple(shape[axis] for axis in _order(layout))

    def _layout(self, shape: tuple[int, ...], name: str) -> Layout:
        if self.layout is None:
            layout = layout_of(shape)
            if layout is None:
                message = f"{name} is {shape_text(shape)}: channels may come first or last"
                first, last = ("NCHW", "NHWC") if len(shape) == 4 else ("NCDHW", "NDHWC")
                help_ = f"write layout: {first}, or layout: {last}"
                raise SpecError(Fault("data", message, "path", help_))
            return layout
        if len(self.layout) != len(shape):
            message = f"{name} is {shape_text(shape)}, which is not {self.layout}"
            raise SpecError(Fault("data", message, "layout", "leave layout out"))
        return self.layout


def layout_of(shape: tuple[int, ...]) -> Layout | None:
    """Layout of an array of images; None where channels may come first or last.

    >>> layout_of((9, 28, 28)), layout_of((9, 3, 32, 32)), layout_of((9, 32, 32, 3))
    ('NHW', 'NCHW', 'NHWC')
    """
    if len(shape) < 4:
        return "NL" if len(shape) == 2 else "NHW"
    first, last = shape[1] in _CHANNELS, shape[-1] in _CHANNELS
    if first == last:
        return None
    if len(shape) == 4:
        return "NCHW" if first else "NHWC"
    return "NCDHW" if first else "NDHWC"


def _order(layout: Layout) -> tuple[int, ...]:
    """The axes of an array of that layout, channels moved behind the number of the image.

    >>> _order("NHWC"), _order("NCL")
    ((0, 3, 1, 2), (0, 1, 2))
    """
    place = layout.index("C")
    return 0, place, *(axis for axis in range(1, len(layout)) if axis != place)


class _Contents(NamedTuple):
    """Shapes of the images in a file, and the largest label."""

    shapes: dict[str, tuple[int, ...]]
    largest: int


@lru_cache(maxsize=16)
def _inspect(path: str, stamp: tuple[int, ...]) -> _Contents:
    """Check a file without reading its images; ``stamp`` is that of its present content."""
    file, shapes, largest = Path(path), {}, 0
    with errors_at_path(file, "pictures", _HELP), open_archive(file) as archive:
        for part in PARTS:
            shape, dtype, _ = archive.head(f"x_{part}")
            if len(shape) not in (2, 3, 4, 5) or min(shape) < 1:
                layouts = ", ".join(get_args(Layout))
                raise FileError(f"x_{part} is {shape_text(shape)}, which is none of {layouts}")
            if dtype != np.uint8 and dtype.kind != "f":
                raise FileError(f"x_{part} is of {dtype}: it should be of uint8 or of floats")
            labels = _labels(archive, part)
            if len(labels) != shape[0]:
                raise FileError(
                    f"x_{part} holds {shape[0]:,} images and y_{part} {len(labels):,} labels"
                )
            shapes[part], largest = shape, max(largest, int(labels.max()))
    return _Contents(shapes, largest)


def _labels(archive: Archive, part: str) -> NDArray[np.int64]:
    name = f"y_{part}"
    shape, dtype, _ = archive.head(name)
    if dtype.kind not in "iu" or shape not in (shape[:1], (*shape[:1], 1)):
        raise FileError(f"{name} is {shape_text(shape)} of {dtype}: it should be N whole numbers")
    labels: NDArray[Any] = archive.array(name).reshape(-1)
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < MAX_IMAGES:
        raise FileError(f"{name} holds labels from {labels.min()} to {labels.max()}")
    return labels.astype(np.int64)
