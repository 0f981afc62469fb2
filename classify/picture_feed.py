"""Batches of pictures on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..errors import ResforgeError
from ..training.pictures.decode import Choose, Crop, PictureError, decode
from ..training.pictures.folder import PictureFolder
from ..training.pictures.loader import ahead
from ..training.pictures.view import RandomCrop, View
from ..training.streams import stream_seed
from .feed import LabelledBatch, Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

Unreadable = Literal["stop", "skip"]
#: Pictures in a batch of a validation or prediction.
BATCH = 64
Item = TypeVar("Item")
_HELP = "fix the file, or leave out unreadable pictures: unreadable='skip' (--unreadable skip)"


class PictureFeed:
    """The pictures of a folder. A random crop depends on seed, epoch and the picture's number.

    A picture that cannot be read raises :class:`PictureError`; with ``unreadable="skip"`` it is
    left out of its batch, and reported to ``note`` once.
    """

    def __init__(
        self,
        folder: PictureFolder,
        view: View,
        random_crop: RandomCrop | None = None,
        *,
        seed: int = 0,
        workers: int | None = None,
        device: torch.device | str = "cpu",
        unreadable: Unreadable = "stop",
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.folder = folder
        self.view = view
        self.random_crop = random_crop
        self.seed = seed
        self.workers = workers
        self.device = torch.device(device)
        self.unreadable = unreadable
        self.note = note
        self.noted: set[str] = set()
        self.class_names = folder.class_names
        self.train_labels = [picture.label for picture in folder.train]
        self.val_count = len(folder.val)

    def training(self, batches: Iterable[Rows]) -> Iterator[LabelledBatch]:
        jobs = ([(rows.epoch, number) for number in rows.numbers] for rows in batches)
        pictures = self.folder.train
        for read in ahead(jobs, self._read_crop, self.workers):
            batch = self._readable([(pictures[number].label, pixels) for number, pixels in read])
            if len(batch) < 2 <= len(read):
                raise ResforgeError(
                    f"of {len(read)} pictures in a batch, {len(read) - len(batch)} cannot be read:"
                    " fix them, or use a larger batch"
                )
            yield self._on_device(batch)

    def validation(self, part: slice) -> Iterator[LabelledBatch]:
        pictures = self.folder.val[part]
        jobs = split([(picture.label, picture.path) for picture in pictures])
        for read in ahead(jobs, self._read_view, self.workers):
            if batch := self._readable(read):
                yield self._on_device(batch)

    def _read_crop(self, job: tuple[int, int]) -> tuple[int, NDArray[np.uint8] | PictureError]:
        epoch, number = job
        picture, random_crop = self.folder.train[number], self.random_crop
        if random_crop is None:
            return number, read(picture.path, self.view)
        random = Random(stream_seed(self.seed, f"picture/{epoch}/{number}"))

        def choose(width: int, height: int) -> Crop:
            return random_crop.choose(width, height, random)

        return number, read(picture.path, self.view, choose)

    def _read_view(self, job: tuple[int, Path]) -> tuple[int, NDArray[np.uint8] | PictureError]:
        label, path = job
        return label, read(path, self.view)

    def _readable(
        self, batch: Sequence[tuple[int, NDArray[np.uint8] | PictureError]]
    ) -> list[tuple[int, NDArray[np.uint8]]]:
        """The pictures of a batch without the unreadable ones."""
        readable: list[tuple[int, NDArray[np.uint8]]] = []
        for label, pixels in batch:
            if isinstance(pixels, PictureError):
                self._handle(pixels)
            else:
                readable.append((label, pixels))
        return readable

    def _on_device(self, batch: Sequence[tuple[int, NDArray[np.uint8]]]) -> LabelledBatch:
        labels = torch.tensor([label for label, _ in batch], device=self.device)
        return normalised([pixels for _, pixels in batch], self.view, self.device), labels

    def _handle(self, error: PictureError) -> None:
        if self.unreadable == "stop":
            raise PictureError(error.path, error.why, _HELP)
        if error.path not in self.noted:
            self.noted.add(error.path)
            self.note(f"left out: {error}")


def read(path: Path, view: View, choose: Choose | None = None) -> NDArray[np.uint8] | PictureError:
    """Pixels of the part of a picture that ``choose``, or else ``view``, returns; or the error."""
    try:
        return decode(path, view.size, view.channels, choose or view.choose)
    except PictureError as error:
        return error


def normalised(pixels: Sequence[NDArray[np.uint8]], view: View, device: torch.device) -> Tensor:
    """Batch ``(N, channels, size, size)`` on a device, from pixels ``(size, size, channels)``."""
    batch = torch.from_numpy(np.stack(pixels))
    if device.type == "cuda":
        batch = batch.pin_memory()
    # Bytes are copied to the device, which are a quarter of the floats.
    planes = batch.to(device, non_blocking=True).permute(0, 3, 1, 2)
    x = planes.to(torch.float32, memory_format=torch.contiguous_format)
    shift, scale = (
        (255 * torch.tensor(values, device=device))[:, None, None]
        for values in (view.mean, view.std)
    )
    return x.sub_(shift).div_(scale)


def split(items: Sequence[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Split ``items`` into lists of ``size``; the last may be shorter."""
    return ([*items[start : start + size]] for start in range(0, len(items), size))
