"""The data a network is trained and tested on: what a file may name, and its bytes.

Nothing here imports torch; :mod:`resforge.training.tensors` puts the arrays on a device.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ..specs.base import Spec, expand_kind
from ..specs.errors import ResforgeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = 1797


class DigitsSpec(Spec):
    """Scikit-learn's handwritten digits: 1,797 real images of 8x8 in ten classes, no download.

    Alpaydin and Kaynak 1998, UCI "Optical Recognition of Handwritten Digits", its test part.
    The split is drawn once from ``split`` and never from a trial's seed: all trials of a sweep
    are tested on the same images.
    """

    kind: Literal["digits"] = "digits"
    train: Annotated[int, Field(ge=2, lt=DIGITS)] = 1000
    """Training images."""
    test: Annotated[int, Field(ge=1, lt=DIGITS)] = 797
    """Test images, none of them among the training images."""
    split: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """Seed of the split."""

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
        """Channels, height and width of an image."""
        return (1, 8, 8)

    @property
    def num_classes(self) -> int:
        return 10


# With a second data set this becomes a union discriminated by ``kind``.
DataSpec = Annotated[
    DigitsSpec,
    BeforeValidator(expand_kind, json_schema_input_type=Literal["digits"] | DigitsSpec),
]


@dataclass(frozen=True, slots=True)
class Arrays:
    """A data set in plain arrays.

    ``train_x`` and ``test_x`` are float32 ``(N, C, H, W)``, of mean 0 and deviation 1 over the
    training images; ``train_y`` and ``test_y`` int64 ``(N,)``.
    """

    train_x: NDArray[np.float32]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over shapes and bytes of all four, in hex."""
        digest = hashlib.sha256()
        for array in (self.train_x, self.train_y, self.test_x, self.test_y):
            little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
            digest.update(f"{little.dtype.str}{little.shape}".encode())
            digest.update(little.tobytes())
        return digest.hexdigest()


@lru_cache(maxsize=4)
def load_arrays(spec: DigitsSpec) -> Arrays:
    """The arrays a data spec names; read once per process, and read-only.

    Raises :class:`~resforge.ResforgeError` where scikit-learn is not installed.
    """
    images, labels = _digits()
    order = _shuffled(len(labels), spec.split)
    train, test = order[: spec.train], order[spec.train : spec.train + spec.test]
    # Grey levels are whole numbers, so that the sums below are exact on every machine.
    grey = images[train].astype(np.int64)
    mean = int(grey.sum()) / grey.size
    deviation = (int((grey**2).sum()) / grey.size - mean**2) ** 0.5

    def normalised(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        x: NDArray[np.float64] = (images[rows].astype(np.float64) - mean) / deviation
        return x.astype(np.float32).reshape(-1, *spec.input_shape)

    arrays = Arrays(normalised(train), labels[train], normalised(test), labels[test])
    for array in (arrays.train_x, arrays.train_y, arrays.test_x, arrays.test_y):
        array.flags.writeable = False  # shared by everyone in this process
    return arrays


def _digits() -> tuple[NDArray[Any], NDArray[np.int64]]:
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]
    except ImportError as error:
        raise ResforgeError(
            "the digits come with scikit-learn, which is not installed:"
            " pip install 'resforge[ablation]'"
        ) from error
    bunch = load_digits()
    return bunch.images, bunch.target.astype(np.int64)


def _shuffled(count: int, seed: int) -> NDArray[np.int64]:
    """0 to ``count - 1`` in an order drawn from ``seed``.

    Sorted by SHA-256: NumPy does not promise the same permutation from version to version.
    """
    key = {i: hashlib.sha256(f"split/{seed}/{i}".encode()).digest() for i in range(count)}
    return np.array(sorted(key, key=key.__getitem__), dtype=np.int64)
