"""From a name, a file or text to a spec."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from . import catalogue
from .errors import SpecError
from .explain import faults_of
from .network import ResNetSpec
from .places import placed
from .text.document import Document
from .text.reader import read, read_file

Model = TypeVar("Model", bound=BaseModel)


def load(source: str | os.PathLike[str]) -> ResNetSpec:
    """The spec of a catalogue name, or of a ``.yaml``, ``.yml`` or ``.json`` file.

    Raises :class:`SpecError` with every fault's place in the file.

    >>> load("resnet18").name
    'resnet18'
    """
    return validate(ResNetSpec, _document(source))


def loads(text: str | bytes) -> ResNetSpec:
    """The spec that ``text`` (YAML or JSON) holds. Raises :class:`SpecError`.

    >>> loads("{resforge: 1, base: resnet50, shortcut: zero_pad}").block.kind
    'bottleneck'
    """
    return validate(ResNetSpec, read(text))


def validate(model: type[Model], document: Document) -> Model:
    """A ``model`` from a document; every fault carries its place in the text."""
    try:
        return model(**document.tree)
    except ValidationError as error:
        faults = faults_of(error, model, document.tree)
    except SpecError as error:
        faults = list(error.faults)
    raise SpecError(placed(faults, document))


def _document(source: str | os.PathLike[str]) -> Document:
    """A file's document; a bare word is a catalogue name unless such a file exists."""
    name = os.fspath(source)
    is_file = isinstance(source, os.PathLike) or Path(name).suffix or os.sep in name
    if is_file or Path(name).exists():
        return read_file(Path(name))
    return read(catalogue.text(name), name=f"{name}.yaml")
