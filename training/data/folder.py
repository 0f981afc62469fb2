"""A folder of pictures, with a folder for each class."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from ...errors import Fault, SpecError
from ..pictures.decode import PictureError, cut, decode, decode_whole
from ..pictures.folder import TEST, TRAIN, VAL, PictureFolder, first_folder, read_folder
from ..pictures.loader import ahead
from ..pictures.overlap import Picture, identical, report_identical
from ..pictures.view import IMAGENET_MEAN, IMAGENET_STD, View, default_crop
from .augmentation import FolderAugmentation, RandomCrops
from .normal import Normal, normalised
from .pictures import GreyChannels, LocalFiles
from .random_crops import REDUCED, Cache, CroppedPictures, room
from .source import MAX_IMAGES, Arrays
from .split import set_aside

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BYTES = 2**33  # of floats in memory, in one worker
#: Folders of pictures to test on; the first that is there counts.
_HELD = (TEST, VAL)
_BATCH = 64  # pictures that are decoded at a time


class FolderSpec(LocalFiles):
    """Pictures of any sizes in a folder for each class: ``flowers/rose/1.jpg``.

    ``path`` holds the class folders, or ``train/`` with them and ``test/`` or ``val/`` with the
    pictures to test on. Needs Pillow.
    """

    kind: Literal["folder"] = "folder"
    size: Annotated[int, Field(ge=1, le=4096)] = 64
    """Height and width to which pictures are scaled."""
    channels: GreyChannels = 3
    """3 for colour, 1 for grey."""
    test_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    """Fraction of each class that is held out to test on, where there is no ``test/`` and no
    ``val/``; drawn by ``split`` and the names of the pictures."""
    train: Annotated[int, Field(ge=2, le=MAX_IMAGES)] | None = None
    """Training pictures, of each class in proportion; by default all."""
    test: Annotated[int, Field(ge=1, le=MAX_IMAGES)] | None = None
    """Test pictures, of each class in proportion; by default all."""
    normalize: Literal["channel", "imagenet", "none"] = "channel"
    """``channel``: each channel to mean 0 and standard deviation 1 over the training pictures;
    ``imagenet``: mean and deviation of ImageNet's; ``none``: values of 0 to 1."""
    augment: FolderAugmentation = RandomCrops()  # type: ignore[assignment]  # a wider union
    """Augmentation of each batch of training pictures; by default the random crops of ``resforge
    train``, half of them mirrored."""

    @property
    def stamp(self) -> tuple[int, ...]:
        folder = self._folder()
        digest = hashlib.sha256()
        for picture in (*folder.train, *folder.val):
            digest.update(f"{picture.name}\0{picture.file}".encode(errors="surrogateescape"))
        return (int.from_bytes(digest.digest()[:8]),)

    def check(self) -> None:
        folder = self._folder()
        for part, asked, present in (
            ("train", self.train, folder.train),
            ("test", self.test, folder.val),
        ):
            if (asked or 0) > len(present):
                message = f"{part} is {asked}, and {self.path} has {len(present)} pictures for it"
                raise SpecError(Fault("data", message, part, f"write {part}: {len(present)}"))
        if self.trained < 2:
            message = f"{self.trained + self.validation} training pictures, of which validation"
            message += f" {self.validation} leaves fewer than 2"
            raise SpecError(
                Fault("data", message, "validation", "add pictures, or set fewer aside")
            )
        held = self.tested + self.validation
        held += 0 if isinstance(self.augment, RandomCrops) else self.trained
        if held * self._floats > MAX_BYTES:
            message = f"{held:,} pictures of {self.size}x{self.size} take"
            message += f" {held * self._floats:,} bytes, over the limit of {MAX_BYTES:,}"
            raise SpecError(Fault("data", message, "size", "use a smaller size, or write test: N"))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (self.channels, self.size, self.size)

    @property
    def num_classes(self) -> int:
        return len(self._folder().class_names)

    @property
    def trained(self) -> int:
        return (self.train or len(self._folder().train)) - self.validation

    @property
    def tested(self) -> int:
        return self.test or len(self._folder().val)

    @property
    def default_batch(self) -> int:
        return 32  # as `resforge train`

    @property
    def _floats(self) -> int:
        return 4 * self.channels * self.size**2

    def arrays(self) -> Arrays:
        self.check()
        folder = self._folder()
        chosen = self._some(folder.train, self.train)
        left, aside = set_aside(_labels(chosen), self.validation, self.split)
        pictures = [chosen[row] for row in left]
        held = [chosen[row] for row in aside]
        tested = self._some(folder.val, self.test)
        try:
            read = self._read(pictures)
            test, validation = self._views(tested, read.normal), self._views(held, read.normal)
        except PictureError as error:
            help_ = "repair the picture, or move it out of the folder"
            fault = Fault("data", f"{error.path}: {error.why}", "path", help_)
            raise SpecError(fault) from None
        return Arrays(
            train_x=read.views,
            train_y=_labels(pictures),
            test_x=test,
            test_y=_labels(tested),
            validation=(validation, _labels(held)) if held else None,
            augment=self.augment,
            cropped=read.cropped,
        )

    def warnings(self) -> tuple[str, ...]:
        notes: list[str] = []
        folder = read_folder(self.path, self.test_share, self.split, notes.append, held=_HELD)
        unused = first_folder(Path(self.path), VAL)
        if unused and first_folder(Path(self.path), TEST):
            notes.append(f"{unused} is not used: validation: N takes N of the training pictures")
        pairs = identical(folder.train, folder.val)
        if pairs:
            notes.append(report_identical(pairs, "testing"))
        return tuple(notes)

    def _folder(self) -> PictureFolder:
        try:
            return _listing(self.path, self.test_share, self.split, tuple(_times(self.path)))
        except SpecError as error:
            faults = [dataclasses.replace(fault, path="path") for fault in error.faults]
            raise SpecError(faults, error.more) from None

    def _some(self, pictures: Sequence[Picture], count: int | None) -> list[Picture]:
        """So many of the pictures, of each class in proportion; all by default."""
        if count is None or count == len(pictures):
            return [*pictures]
        return [pictures[row] for row in set_aside(_labels(pictures), count, self.split)[1]]

    @property
    def _view(self) -> View:
        shift, scale = (0.0,) * self.channels, (1.0,) * self.channels
        return View(size=self.size, crop=default_crop(self.size), mean=shift, std=scale)

    def _read(self, pictures: Sequence[Picture]) -> _Training:
        """Read the training pictures, normalised by their own statistics."""
        whole = isinstance(self.augment, RandomCrops)
        cache, views, sums = Cache(room()), [], _Sums(self.channels)
        for pixels in self._decoded(pictures, whole):
            height, width, _ = pixels.shape
            view = cut(pixels, self.size, self._view.choose(width, height)) if whole else pixels
            sums.add(view)
            if whole:
                cache.add(pixels)
            else:
                views.append(view)
        normal = self._normal(sums)
        if not isinstance(self.augment, RandomCrops):
            return _Training(normalised(_planes(views), *normal), normal, None)
        paths = [picture.path for picture in pictures]
        cropped = CroppedPictures(
            paths, self.size, self.augment, normal, cache.pictures, cache.digest
        )
        return _Training(np.empty((0, *self.input_shape), np.float32), normal, cropped)

    def _views(self, pictures: Sequence[Picture], normal: Normal) -> NDArray[np.float32]:
        """The middle squares of pictures, as ``resforge train`` validates them."""
        if not pictures:
            return np.empty((0, *self.input_shape), np.float32)
        return normalised(_planes([*self._decoded(pictures, whole=False)]), *normal)

    def _decoded(self, pictures: Sequence[Picture], whole: bool) -> Iterator[NDArray[np.uint8]]:
        """Pixels ``(height, width, channels)`` of whole pictures, or of their middle squares."""
        view = self._view

        def job(picture: Picture) -> NDArray[np.uint8]:
            if whole:
                return decode_whole(picture.path, REDUCED * self.size, self.channels)
            return decode(picture.path, self.size, self.channels, view.choose)

        starts = range(0, len(pictures), _BATCH)
        for batch in ahead(([*pictures[start : start + _BATCH]] for start in starts), job):
            yield from batch

    def _normal(self, sums: _Sums) -> Normal:
        if self.normalize == "channel":
            mean, deviation = sums.normal()
        elif self.normalize == "imagenet":
            grey = self.channels == 1
            both = (np.array(values) for values in (IMAGENET_MEAN, IMAGENET_STD))
            mean, deviation = (v.mean(keepdims=True) if grey else v for v in both)
        else:
            mean, deviation = np.zeros(self.channels), np.ones(self.channels)
        shift, scale = (v.astype(np.float32)[:, None, None] for v in (mean, deviation))
        return shift, scale


class _Training(NamedTuple):
    views: NDArray[np.float32]
    """Empty where pictures are cropped at random."""
    normal: Normal
    cropped: CroppedPictures | None


class _Sums:
    """Mean and deviation of each channel over bytes, exact: sums are of whole numbers."""

    def __init__(self, channels: int) -> None:
        self.total, self.squares = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
        self.count = 0

    def add(self, pixels: NDArray[np.uint8]) -> None:
        values = pixels.astype(np.int64)
        self.total += values.sum(axis=(0, 1))
        self.squares += np.square(values).sum(axis=(0, 1))
        self.count += pixels.shape[0] * pixels.shape[1]

    def normal(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation, of values of 0 to 1."""
        mean = self.total / self.count
        # A channel of a single grey is divided by one step of it, not by 0.
        deviation = np.sqrt(np.maximum(self.squares / self.count - mean**2, 0.0))
        return mean / 255, np.maximum(deviation, 1.0) / 255


def _labels(pictures: Sequence[Picture]) -> NDArray[np.int64]:
    return np.array([picture.label for picture in pictures], np.int64)


def _planes(pixels: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.stack(pixels).transpose(0, 3, 1, 2)


def _times(path: str) -> Iterator[int]:
    """Times of the folders with classes and parts, which change when a picture is added there."""
    folder = Path(path)
    homes = [folder, *filter(None, (first_folder(folder, part) for part in (TRAIN, TEST, VAL)))]
    for home in homes:
        try:
            yield os.stat(home).st_mtime_ns
            with os.scandir(home) as entries:
                yield from sorted(entry.stat().st_mtime_ns for entry in entries)
        except (OSError, ValueError):
            yield 0


@lru_cache(maxsize=8)
def _listing(path: str, share: float, split: int, times: tuple[int, ...]) -> PictureFolder:
    """The pictures of a folder; ``times`` are those of its present content."""
    return read_folder(path, share, split, held=_HELD)
