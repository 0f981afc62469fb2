"""Data sets that a sweep file may name, read from local files. Nothing is downloaded."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from ...specs.base import expand_kind
from .cifar import Cifar10Spec, Cifar100Spec
from .digits import DigitsSpec
from .folder import FolderSpec
from .mnist import FashionMnistSpec, MnistSpec
from .npz import NpzSpec

_Specs = (
    DigitsSpec | Cifar10Spec | Cifar100Spec | MnistSpec | FashionMnistSpec | NpzSpec | FolderSpec
)
_Kinds = Annotated[_Specs, Field(discriminator="kind")]
DataSpec = Annotated[
    _Kinds, BeforeValidator(expand_kind, json_schema_input_type=Literal["digits"] | _Kinds)
]
#: Reads a data spec from a tree or from JSON.
DATA: TypeAdapter[_Specs] = TypeAdapter(DataSpec)


def fingerprint_of(data: DataSpec) -> str:
    """Fingerprint of the data set of a data spec; its files are read once per process.

    Raises the errors of reading it.
    """
    return _fingerprint_of(data, data.stamp)


@lru_cache(maxsize=4)
def _fingerprint_of(data: DataSpec, stamp: tuple[int, ...]) -> str:
    return data.arrays().fingerprint
