"""Input of a network from a picture: the part, the size and the normalisation."""

from __future__ import annotations

from math import exp, log, sqrt
from random import Random
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ...specs.base import Spec
from .decode import Crop

Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
Values = Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=3)]

#: Of the ImageNet training pictures, 0 to 1; published networks were trained with them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
#: Networks with inputs of at least this size see the middle of a picture, as published networks
#: are tested; smaller ones see the whole.
LARGE = 128
#: Smallest and largest aspect ratio of a random crop (Szegedy et al. 2014, section 6).
_NARROWEST, _WIDEST = 3 / 4, 4 / 3


MAX_SIZE = 4096
"""Pixels of the largest input of a network."""


class View(Spec):
    """Input of a network from a picture, outside training.

    The middle square, ``crop`` times as wide as the picture's shorter side, is scaled to ``size``;
    with ``squash`` the middle of the picture's own shape, ``crop`` times its width and height, is
    squashed to that square. ``mean`` is subtracted from values of 0 to 1, which are divided by
    ``std``, for each channel.

    >>> View(size=224, crop=0.875).choose(500, 400)
    Crop(box=(75.0, 25.0, 425.0, 375.0), mirrored=False)
    >>> View(size=224, resize="squash").choose(500, 400)
    Crop(box=(0.0, 0.0, 500.0, 400.0), mirrored=False)
    """

    size: Annotated[int, Field(ge=1, le=MAX_SIZE)]
    resize: Literal["crop", "squash"] = "crop"
    crop: Fraction = 1.0
    mean: Values = IMAGENET_MEAN
    std: Values = IMAGENET_STD

    @model_validator(mode="after")
    def _one_for_each_channel(self) -> View:
        if len(self.mean) != len(self.std) or len(self.mean) not in (1, 3):
            raise PydanticCustomError("view", "mean and std take one value each, or three each")
        if min(self.std) <= 0:
            raise PydanticCustomError("view", "std must be above 0")
        return self

    @property
    def channels(self) -> int:
        return len(self.mean)

    def choose(self, width: int, height: int) -> Crop:
        """The middle of a picture."""
        square = self.resize == "crop"
        wide, high = (self.crop * (min(width, height) if square else x) for x in (width, height))
        left, top = (width - wide) / 2, (height - high) / 2
        return Crop((left, top, left + wide, top + high))


class RandomCrop(Spec):
    """A random part of a picture, drawn in each epoch (Szegedy et al. 2014, section 6).

    Its area is ``min_area`` to 1 of the picture's, its aspect ratio 3:4 to 4:3. It is scaled to
    the size of the view, and mirrored left to right half the time.
    """

    min_area: Fraction = 0.08
    """Smallest area of the part, as a fraction of the picture's."""
    mirror: bool = True
    """Whether the part is mirrored left to right half the time."""

    def choose(self, width: int, height: int, random: Random) -> Crop:
        """Draw a part of a picture, with at most ten tries of four random numbers each."""
        for _ in range(10):
            area = width * height * (self.min_area + (1 - self.min_area) * random.random())
            ratio = exp(log(_NARROWEST) + log(_WIDEST / _NARROWEST) * random.random())
            wide, high = sqrt(area * ratio), sqrt(area / ratio)
            left, top = random.random(), random.random()
            if wide <= width and high <= height:
                break
        else:
            wide, high = _fitting(width, height)
            left = top = 0.5
        left, top = left * (width - wide), top * (height - high)
        mirrored = self.mirror and random.random() < 0.5
        return Crop((left, top, left + wide, top + high), mirrored)


def default_crop(size: int) -> float:
    """Fraction of a picture's shorter side for inputs of ``size``: 224/256 from 128 on, else 1."""
    return 0.875 if size >= LARGE else 1.0


def _fitting(width: int, height: int) -> tuple[float, float]:
    """Width and height of the largest middle part with a legal aspect ratio."""
    return min(width, height * _WIDEST), min(height, width / _NARROWEST)
