"""From a name, a file or text to a spec."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from . import catalogue
from .errors import Fault, SpecError
from .explain import faults_of
from .network import ResNetSpec
from .paths import parse_path
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
    placed = [place(fault, document) for fault in faults]
    raise SpecError(sorted(placed, key=lambda fault: (fault.line or 0, fault.column or 0)))


def place(fault: Fault, document: Document) -> Fault:
    """``fault`` with the file, line and column its path has in ``document``."""
    path = parse_path(fault.path) if fault.path else ()
    at: Literal["key", "value"] = "key" if fault.code == "key" else "value"
    # A word of YAML 1.1 or a quoted number is mended where it stands, not where it is missed.
    help_ = (document.hint(path) if fault.code == "type" else None) or fault.help
    placed = document.fault(fault.code, fault.message, path=path, help=help_, at=at)
    return dataclasses.replace(placed, path=fault.path)


def _document(source: str | os.PathLike[str]) -> Document:
    """A file's document; a bare word is a catalogue name unless such a file exists."""
    name = os.fspath(source)
    is_file = isinstance(source, os.PathLike) or Path(name).suffix or os.sep in name
    if is_file or Path(name).exists():
        return read_file(Path(name))
    return read(catalogue.text(name), name=f"{name}.yaml")
