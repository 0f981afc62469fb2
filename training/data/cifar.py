"""CIFAR-10 and CIFAR-100 from local files. Nothing is downloaded."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .cifar_files import CIFAR10, CIFAR100, Layout, read_pictures
from .pictures import PictureFiles, Pictures


class _CifarSpec(PictureFiles):
    """``path`` is the folder of the files, or the one that an archive of them was unpacked in."""

    layout: ClassVar[Layout]

    train: Annotated[int, Field(ge=2, le=50_000)] = 50_000
    """Training images, the first of the files."""
    test: Annotated[int, Field(ge=1, le=10_000)] = 10_000
    """Test images: the first of the file."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (3, 32, 32)

    @property
    def num_classes(self) -> int:
        return self.layout.num_classes

    def pictures(self) -> tuple[Pictures, Pictures]:
        return read_pictures(self.path, self.layout)


class Cifar10Spec(_CifarSpec):
    """60,000 photographs in ten classes, 32x32 in colour (Krizhevsky 2009)."""

    layout: ClassVar[Layout] = CIFAR10

    kind: Literal["cifar10"] = "cifar10"


class Cifar100Spec(_CifarSpec):
    """60,000 photographs in a hundred classes, the ``fine`` labels (Krizhevsky 2009)."""

    layout: ClassVar[Layout] = CIFAR100

    kind: Literal["cifar100"] = "cifar100"
