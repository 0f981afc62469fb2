"""What a network sees of a picture: the part, the scale, and the numbers for its colours."""

from __future__ import annotations

from math import exp, log, sqrt
from random import Random
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ...specs.base import Spec
from .decode import Crop

Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
Values = Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=3)]

#: Of the ImageNet training pictures, 0 to 1; what published networks were trained with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
#: Pictures from this size on are seen at their middle, as published networks are tested; smaller
#: ones have nothing to lose at their edges.
LARGE = 128
#: Proportions of the parts that are drawn for training (Szegedy et al. 2014, section 6).
_NARROWEST, _WIDEST = 3 / 4, 4 / 3


class View(Spec):
    """How a picture is shown to a network when it is tested and used.

    The middle square, ``crop`` times as wide as the picture's shorter side, is scaled to ``size``;
    values of 0 to 1 lose ``mean`` and are divided by ``std``, channel by channel.

    >>> View(size=224, crop=0.875).choose(500, 400)
    Crop(box=(75.0, 25.0, 425.0, 375.0), mirrored=False)
    """

    size: Annotated[int, Field(ge=1, le=4096)]
    crop: Fraction = 1.0
    mean: Values = IMAGENET_MEAN
    std: Values = IMAGENET_STD

    @model_validator(mode="after")
    def _one_for_each_channel(self) -> View:
        if len(self.mean) != len(self.std) or len(self.mean) not in (1, 3):
            raise PydanticCustomError("view", "mean and std take one value or three, each as many")
        if min(self.std) <= 0:
            raise PydanticCustomError("view", "std must be above 0")
        return self

    @property
    def channels(self) -> int:
        return len(self.mean)

    def choose(self, width: int, height: int) -> Crop:
        """The middle square of a picture."""
        side = self.crop * min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return Crop((left, top, left + side, top + side))


class RandomCrop(Spec):
    """What is drawn anew each time a picture is trained on (Szegedy et al. 2014, section 6).

    A part of the picture, ``min_area`` to all of it, its sides at 3:4 to 4:3, is scaled to the
    view's square, and mirrored left to right half the time.
    """

    min_area: Fraction = 0.08
    mirror: bool = True

    def choose(self, width: int, height: int, chance: Random) -> Crop:
        """A part of a picture, from four numbers of ``chance`` for each try of ten at most."""
        for _ in range(10):
            area = width * height * (self.min_area + (1 - self.min_area) * chance.random())
            ratio = exp(log(_NARROWEST) + log(_WIDEST / _NARROWEST) * chance.random())
            wide, high = sqrt(area * ratio), sqrt(area / ratio)
            left, top = chance.random(), chance.random()
            if wide <= width and high <= height:
                break
        else:
            wide, high = _fitting(width, height)
            left = top = 0.5
        left, top = left * (width - wide), top * (height - high)
        mirrored = self.mirror and chance.random() < 0.5
        return Crop((left, top, left + wide, top + high), mirrored)


def default_crop(size: int) -> float:
    """The share of the shorter side that is seen: 224 of 256 for large pictures, else all."""
    return 0.875 if size >= LARGE else 1.0


def _fitting(width: int, height: int) -> tuple[float, float]:
    """The largest middle part of legal proportions."""
    return min(width, height * _WIDEST), min(height, width / _NARROWEST)
