"""Scikit-learn's handwritten digits."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ...errors import ResforgeError
from .pictures import GreyChannels, as_colour
from .source import Arrays, DataSource
from .split import set_aside, shuffled

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = 1797


class DigitsSpec(DataSource):
    """Scikit-learn's handwritten digits: 1,797 real images of 8x8 in ten classes, no download.

    Alpaydin and Kaynak 1998, UCI "Optical Recognition of Handwritten Digits", its test part.
    Training and test images are drawn from ``split`` and not from a trial's seed: all trials of a
    sweep are tested on the same images.
    """

    kind: Literal["digits"] = "digits"
    train: Annotated[int, Field(ge=2, lt=DIGITS)] = 1000
    """Training images."""
    test: Annotated[int, Field(ge=1, lt=DIGITS)] = 797
    """Test images, disjoint from the training images."""
    channels: GreyChannels = 1
    """3 repeats the grey values three times, for networks that take colour pictures."""

    @model_validator(mode="after")
    def _enough(self) -> DigitsSpec:
        if self.train + self.test > DIGITS:
            raise PydanticCustomError(
                "data",
                "train {train} and test {test} are more images than the {held} there are",
                {"train": self.train, "test": self.test, "held": DIGITS},
            )
        return self

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (self.channels, 8, 8)

    @property
    def num_classes(self) -> int:
        return 10

    def arrays(self) -> Arrays:
        """Read the images, with mean 0 and standard deviation 1 over the training images."""
        images, labels = _digits()
        order = shuffled(len(labels), f"split/{self.split}")
        train, test = order[: self.train], order[self.train : self.train + self.test]
        left, aside = set_aside(labels[train], self.validation, self.split)
        train, aside = train[left], train[aside]
        # Grey levels are whole numbers: the sums below are exact on every machine.
        grey = images[train].astype(np.int64)
        mean = int(grey.sum()) / grey.size
        deviation = (int((grey**2).sum()) / grey.size - mean**2) ** 0.5

        def normalised(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            x: NDArray[np.float64] = (images[rows].astype(np.float64) - mean) / deviation
            return as_colour(x.astype(np.float32)[:, None], self.channels)

        return Arrays(
            train_x=normalised(train),
            train_y=labels[train],
            test_x=normalised(test),
            test_y=labels[test],
            validation=(normalised(aside), labels[aside]) if len(aside) else None,
            augment=self.augment,
        )


@lru_cache(maxsize=1)
def _digits() -> tuple[NDArray[Any], NDArray[np.int64]]:
    """All images ``(N, 8, 8)`` and labels ``(N,)``.

    Scikit-learn's file is read without importing scikit-learn, which takes longer than all else in
    the start of a sweep, in each of its processes.
    """
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise ResforgeError(
            "the digits come with scikit-learn, which is not installed:"
            " pip install 'resforge[ablation]'"
        )
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    try:
        with gzip.open(file, "rt") as lines:
            table = np.loadtxt(lines, delimiter=",")
    except (OSError, EOFError, ValueError) as error:
        raise ResforgeError(
            f"the digits cannot be read from {file} ({error}): install scikit-learn again"
        ) from error
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)
