"""MNIST and Fashion-MNIST from local files. Nothing is downloaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from .files import FileError, errors_at_path, path_fault
from .idx import read_idx
from .pictures import GreyChannels, PictureFiles, Pictures, as_colour, not_true

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 28
_CLASSES = 10
_TRAIN, _TEST = 60_000, 10_000
_IMAGES, _LABELS = ("images", "idx3"), ("labels", "idx1")


@dataclass(frozen=True)
class Published:
    """Web page of one of the two data sets, and the folder that torchvision unpacks it to."""

    name: str
    page: str
    folder: str


MNIST = Published("MNIST", "https://github.com/cvdfoundation/mnist", "MNIST/raw")
FASHION_MNIST = Published(
    "Fashion-MNIST", "https://github.com/zalandoresearch/fashion-mnist", "FashionMNIST/raw"
)


class _MnistSpec(PictureFiles):
    """``path`` is the folder of the four files, each compressed as it is published, or not."""

    published: ClassVar[Published]

    train: Annotated[int, Field(ge=2, le=_TRAIN)] = _TRAIN
    """Training images: the first of the file."""
    test: Annotated[int, Field(ge=1, le=_TEST)] = _TEST
    """Test images: the first of the file."""
    channels: GreyChannels = 1
    """3 repeats the grey values three times, for networks that take colour pictures."""
    size: Annotated[Literal[28, 32], BeforeValidator(not_true)] = 28
    """32 adds two rows and columns of black on each side."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (self.channels, self.size, self.size)

    @property
    def num_classes(self) -> int:
        return _CLASSES

    def pictures(self) -> tuple[Pictures, Pictures]:
        train, test = (
            self._pictures(part, most) for part, most in (("train", _TRAIN), ("t10k", _TEST))
        )
        return train, test

    def _pictures(self, part: str, most: int) -> Pictures:
        pixels = self._read(part, *_IMAGES, (_SIDE, _SIDE), most)
        labels = self._read(part, *_LABELS, (), most)
        if len(pixels) != len(labels):
            raise path_fault(
                f"{self.path}: the {part} files hold {len(pixels):,} images"
                f" and {len(labels):,} labels",
                self._help,
            )
        pad = (self.size - _SIDE) // 2
        padded = np.pad(pixels[:, None], ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        return Pictures(as_colour(padded, self.channels), labels.astype(np.int64))

    def _read(
        self, part: str, content: str, code: str, shape: tuple[int, ...], most: int
    ) -> NDArray[np.uint8]:
        file = self._find(f"{part}-{content}", code)
        with errors_at_path(file, self.published.name, self._help):
            array = read_idx(file, shape, most)
            if not shape and array.max() >= _CLASSES:
                raise FileError(f"its labels are not whole numbers from 0 to {_CLASSES - 1}")
        return array

    def _find(self, stem: str, code: str) -> Path:
        folder = Path(self.path)
        for place in (folder, folder / self.published.folder):
            # Some unpackers write a dot for the second hyphen.
            for name in (f"{stem}-{code}-ubyte", f"{stem}.{code}-ubyte"):
                for file in (place / name, place / f"{name}.gz"):
                    if os.path.isfile(file):
                        return file
        lacks = f"lacks {stem}-{code}-ubyte" if os.path.isdir(folder) else "is not a folder"
        raise path_fault(f"{self.published.name}: {folder} {lacks}", self._help)

    @property
    def _help(self) -> str:
        return (
            f"get the four files, train-images-idx3-ubyte.gz and so on, from {self.published.page}"
            " and name the folder that holds them; they may stay compressed"
        )


class MnistSpec(_MnistSpec):
    """70,000 handwritten digits, 28x28 in grey (LeCun, Bottou, Bengio and Haffner 1998)."""

    published: ClassVar[Published] = MNIST

    kind: Literal["mnist"] = "mnist"


class FashionMnistSpec(_MnistSpec):
    """70,000 pictures of ten kinds of clothes, in the format of MNIST (Xiao, Rasul and Vollgraf
    2017, arXiv 1708.07747)."""

    published: ClassVar[Published] = FASHION_MNIST

    kind: Literal["fashion_mnist"] = "fashion_mnist"
