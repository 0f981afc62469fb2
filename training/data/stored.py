"""Conversion of any data set of PyTorch to a file that a sweep can name."""

from __future__ import annotations

import io
import operator
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from ...errors import Fault, ResforgeError, SpecError, wrong_type
from ...files import write_whole
from ...npz import MAX_BYTES, shape_text
from .npz import Layout, NpzSpec, layout_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Items(Protocol):
    """A map-style data set of pairs of an image and its label."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def store_dataset(
    path: str | os.PathLike[str],
    *,
    train: Items,
    test: Items,
    classes: int | None = None,
    progress: bool = True,
) -> NpzSpec:
    """Write the images of two data sets to the file ``path``, and return its data spec.

    ``train`` and ``test`` are map-style data sets, such as torchvision's, or lists, of pairs of an
    image and a label from 0. An image is a tensor ``(C, H, W)`` or ``(H, W)``, an array
    ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``, or a picture of Pillow in grey or colour; bytes, or
    floats, which are stored as float32. All have one shape. A progress bar is shown on a terminal,
    unless ``progress`` is false.

    A sweep needs the same images in every worker, on every machine and after every restart, and a
    fingerprint of them. Python code promises none of that; a file does. Each item is read once, so
    that a random transform would be frozen: use ``augment`` of the spec in its place.

    Raises :class:`~resforge.SpecError` with the position of an item of any other form,
    :class:`~resforge.ResforgeError` where the folder of ``path`` is missing, and ``StoreError``
    where the file cannot be written; an older file then stays as it was.

    >>> import tempfile
    >>> from resforge.training import load_data
    >>> items = [(torch.full((3, 8, 8), 0.1 * i), i % 2) for i in range(6)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     spec = store_dataset(f"{folder}/pictures.npz", train=items, test=items[:2])
    ...     spec.num_classes, load_data(spec).train_x.shape
    (2, torch.Size([6, 3, 8, 8]))
    """
    path = Path(path).absolute()
    if not path.parent.is_dir():
        raise ResforgeError(
            f"{path.parent} is not a folder: make it, then store the data set again"
        )
    arrays: dict[str, NDArray[Any]] = {}
    like = None
    for part, items in (("train", train), ("test", test)):
        x, y = _materialised(items, part, like, progress)
        arrays[f"x_{part}"], arrays[f"y_{part}"], like = x, y, x
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # which NumPy's stubs take for a flag
    write_whole(path, buffer.getbuffer())
    # Named explicitly: images of 3 rows or columns would be ambiguous.
    spec = NpzSpec(path=str(path), classes=classes, layout="NCHW")
    spec.check()
    return spec


def _materialised(
    items: Items, part: str, like: NDArray[Any] | None, progress: bool
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Read images ``(N, C, H, W)``, with the shape and type of ``like``, and labels."""
    from rich.console import Console
    from rich.progress import track

    try:
        count = len(items)
    except TypeError:
        raise wrong_type(
            f"store_dataset(..., {part})",
            "a data set with a length",
            items,
            "use a list of the pairs",
        ) from None
    if not count:
        raise SpecError(Fault("data", "there are no images", part, "give at least one"))
    images, labels = None, np.empty(count, np.int64)
    numbers: Iterable[int] = range(count)
    if progress and sys.stderr.isatty():
        # Not by `disable`, with which rich before 15 prints an empty line.
        numbers = track(numbers, part, console=Console(stderr=True))
    for number in numbers:
        pixels, labels[number] = _pair(items[number], f"{part}[{number}]")
        if images is None:
            like = pixels[None] if like is None else like
            if count * like[0].nbytes > MAX_BYTES:
                message = f"{count:,} images take {count * like[0].nbytes:,} bytes"
                raise SpecError(Fault("data", message, part, f"at most {MAX_BYTES:,} can be read"))
            images = np.empty((count, *like.shape[1:]), like.dtype)
        if pixels.shape != images.shape[1:] or pixels.dtype != images.dtype:
            this, others = (f"{shape_text(x.shape)} of {x.dtype}" for x in (pixels, images[0]))
            raise SpecError(
                Fault(
                    "data",
                    f"the image is {this}, and those before it {others}",
                    f"{part}[{number}]",
                    "make all images alike, by a transform of the data set",
                )
            )
        images[number] = pixels
    assert images is not None  # there is at least one
    return images, labels


def _pair(item: Any, place: str) -> tuple[NDArray[Any], int]:
    try:
        image, label = item
    except (TypeError, ValueError):
        message = f"expected an image and a label, not {type(item).__name__}"
        raise SpecError(Fault("data", message, place, "give pairs")) from None
    try:
        number = operator.index(label)
    except TypeError:
        number = -1
    if not 0 <= number < 2**31:
        message = "the label is not a whole number from 0"
        raise SpecError(Fault("data", message, place, "number the classes from 0"))
    return _pixels(image, place), number


def _pixels(image: Any, place: str) -> NDArray[Any]:
    """``(C, H, W)``, bytes or float32."""
    pixels: NDArray[Any]
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu()
        pixels = (image.float() if image.is_floating_point() else image).numpy()
        layout: Layout | None = "NHW" if pixels.ndim == 2 else "NCHW"
    else:
        mode = getattr(image, "mode", None)
        if mode not in (None, "L", "RGB", "RGBA"):
            message = f"a picture of mode {mode} has no grey or colour values"
            raise SpecError(Fault("data", message, place, "convert it: image.convert('RGB')"))
        pixels = np.asarray(image)
        layout = layout_of((1, *pixels.shape)) if pixels.ndim in (2, 3) else None
        if mode is not None:  # Pillow's
            layout = "NHW" if pixels.ndim == 2 else "NHWC"
    if pixels.ndim not in (2, 3) or layout is None or 0 in pixels.shape:
        message = f"the image is {shape_text(pixels.shape)}"
        raise SpecError(Fault("data", message, place, "give tensors (C, H, W)"))
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
        if not np.isfinite(pixels).all():
            message = "the image holds values that are not finite in float32"
            raise SpecError(Fault("data", message, place))
    elif pixels.dtype != np.uint8:
        message = f"the image is of {pixels.dtype}"
        raise SpecError(Fault("data", message, place, "give bytes of 0 to 255, or floats"))
    if layout == "NHW":
        return pixels[None]
    return pixels.transpose(2, 0, 1) if layout == "NHWC" else pixels
