"""Base of the data sets of pictures in local files: their fields, and their arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticKnownError

from ...errors import Fault, SpecError
from .normal import Normalize, normal_of, normalised
from .source import Arrays, DataSource
from .split import set_aside

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Pictures(NamedTuple):
    """``pixels``: ``(N, C, H, W)``, bytes of 0 to 255 or float32; ``labels``: ``(N,)``."""

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int64]


def not_true(value: Any) -> Any:
    """Refuse booleans for a choice of numbers; Python treats true as equal to 1."""
    if isinstance(value, bool):
        raise PydanticKnownError("int_type")
    return value


#: Channels of grey pictures; 3 repeats the values, for networks that take colour.
GreyChannels = Annotated[Literal[1, 3], BeforeValidator(not_true)]


class LocalFiles(DataSource):
    """Base of the data sets that are read from local files."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    """Folder or file of the data set; a relative path in a sweep file starts at that file."""

    def beside(self, folder: Path) -> Self:
        return self.model_copy(update={"path": str(folder / os.path.expanduser(self.path))})


class PictureFiles(LocalFiles):
    """Base of the data sets whose files hold arrays of pictures."""

    normalize: Normalize = "pixel_mean"
    """``pixel_mean``: values of 0 to 1, minus the mean training image (He et al. 2015, section
    4.2); ``channel``: each channel to mean 0 and standard deviation 1 over the training images;
    ``none``: values of 0 to 1. Floats are not scaled to 0 to 1."""

    def pictures(self) -> tuple[Pictures, Pictures]:
        """All training pictures and all test pictures of the files.

        Raises :class:`~resforge.SpecError` at the field that is wrong.
        """
        raise NotImplementedError

    def arrays(self) -> Arrays:
        train, test = self.pictures()
        train, test = first(train, self.train, "train"), first(test, self.test, "test")
        left, aside = set_aside(train.labels, self.validation, self.split)
        pixels = train.pixels[left] if len(aside) else train.pixels
        normal = normal_of(pixels, self.normalize)
        validation = None
        if len(aside):
            validation = normalised(train.pixels[aside], *normal), train.labels[aside]
        return Arrays(
            train_x=normalised(pixels, *normal),
            train_y=train.labels[left],
            test_x=normalised(test.pixels, *normal),
            test_y=test.labels,
            validation=validation,
            augment=self.augment,
        )


def first(pictures: Pictures, count: int | None, field: str) -> Pictures:
    """The first ``count`` pictures, or all. Raises an error at ``field`` if there are fewer."""
    available = len(pictures.labels)
    if count is not None and count > available:
        message = f"{field} is {count}, and the files hold {available} images"
        raise SpecError(Fault("data", message, field, f"write {field}: {available}"))
    return Pictures(pictures.pixels[:count], pictures.labels[:count])


def as_colour(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """Repeat the channel of grey pictures ``(N, 1, H, W)`` ``channels`` times."""
    return pixels if channels == 1 else pixels.repeat(channels, axis=1)
