"""Loads specs from names, files and text."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import Fault, SpecError, wrong_type
from ..specs import catalogue
from ..specs.explain import faults_of, shown
from ..specs.network import ResNetSpec
from ..specs.paths import parse_path
from ..specs.plain import plain
from ..text.document import Document
from ..text.reader import read, read_file
from .not_specs import fault_of
from .places import placed

Model = TypeVar("Model", bound=BaseModel)
Source: TypeAlias = str | os.PathLike[str] | Mapping[str, Any]
"""Where a spec comes from: a catalogue name, a path, or a mapping of what a file would hold."""
SpecLike: TypeAlias = ResNetSpec | Source
_LOGGER = logging.getLogger(__name__)
_HELP = "call loads for text"


def load(source: Source) -> ResNetSpec:
    """The spec of a catalogue name, of a ``.yaml``, ``.yml`` or ``.json`` file, or of a mapping.

    A catalogue name comes before a file of that name; write ``./resnet18`` for the file. A mapping
    holds what a file would: any mappings, any sequences, and numbers of Python or NumPy. Raises
    :class:`SpecError` with every fault's place in the file.

    >>> load("resnet18").name
    'resnet18'
    >>> load({"resforge": 1, "base": "resnet18", "head": {"num_classes": 10}}).head.num_classes
    10
    """
    return validate(ResNetSpec, _document(source))


def as_spec(source: SpecLike, call: str) -> ResNetSpec:
    """``source`` itself if it is a spec, or the spec of a name, a file or a mapping.

    ``call`` is the name of the calling function, for the error.
    """
    if isinstance(source, ResNetSpec):
        return source
    if isinstance(source, str | os.PathLike | Mapping):
        return load(source)
    # The mark of a module of torch, which is not imported here.
    help_ = "give it resforge.spec_of(model)" if hasattr(source, "state_dict") else _HELP
    raise wrong_type(call, "a ResNetSpec, a catalogue name, a file or a mapping", source, help_)


def loads(text: str | bytes) -> ResNetSpec:
    """The spec that ``text`` (YAML or JSON) holds. Raises :class:`SpecError`.

    >>> loads("{resforge: 1, base: resnet50, shortcut: zero_pad}").block.kind
    'bottleneck'
    """
    if not isinstance(text, str | bytes):
        raise wrong_type("loads", "text or bytes", text, "call load for a name or a file")
    return validate(ResNetSpec, read(text))


def validate(model: type[Model], document: Document) -> Model:
    """A ``model`` from a document. Raises :class:`SpecError` with the place of every fault."""
    _refuse_other_kind(model, document)
    try:
        return model(**document.tree)
    except ValidationError as error:
        faults, more = faults_of(error, model, document.tree)
    except SpecError as error:
        faults, more = list(error.faults), error.more
    faults = [beside_base(fault, document.tree) for fault in faults]
    raise SpecError(placed(faults, document), more)


def beside_base(fault: Fault, tree: Mapping[str, Any]) -> Fault:
    """``fault``, with the base's value in the help where a stage leaves it to the base.

    Lists replace the base's: no stage has anything from there.
    """
    base, path = tree.get("base"), _path_of(fault)
    if fault.code != "missing" or not isinstance(base, str) or base not in catalogue.entries():
        return fault
    key = fault.message.rstrip("'").rpartition("'")[2]
    like = ""
    match path:
        case ("stages", int(index)) if index < len(stages := load(base).stages):
            like = f": write {key}: {getattr(stages[index], key)}, as there"
        case ("stages", int()):
            pass
        case _:
            return fault
    return replace(fault, help=f"a list replaces the base's, with nothing from there{like}")


def _path_of(fault: Fault) -> tuple[str | int, ...]:
    return parse_path(fault.path) if fault.path.startswith("stages[") else ()


def _refuse_other_kind(model: type[BaseModel], document: Document) -> None:
    """Raise one fault, not one for each key, for a file of another kind."""
    kinds = {
        "resforge": "a spec; use `resforge check`",
        "sweep": "a sweep; use `resforge sweep run`",
        "space": "a design space; use `resforge generate`",
    }
    wrong = [key for key in kinds if key not in model.model_fields and key in document.tree]
    if wrong and not any(key in model.model_fields and key in document.tree for key in kinds):
        message = f"this file holds {kinds[wrong[0]]}"
        raise SpecError(document.fault("file", message, (wrong[0],), at="key"))


def _document(source: Source) -> Document:
    """A catalogue entry's document, a file's, or that of a mapping."""
    if isinstance(source, Mapping):
        return Document(_named(plain(source)))
    if not isinstance(source, str | os.PathLike):
        raise wrong_type("load", "a catalogue name, a file or a mapping", source, _HELP)
    name = os.fspath(source)
    if name in catalogue.entries():
        _LOGGER.debug("read %s from the catalogue", name)
        return read(catalogue.text(name), name=f"{name}.yaml")
    if "\n" in name or "{" in name:
        message = "load takes a catalogue name or a file, and this is the text of a spec"
        raise SpecError(Fault("file", message, help="call loads with it"))
    if fault := fault_of(Path(name)):
        raise SpecError(fault)
    if isinstance(source, os.PathLike) or os.sep in name or Path(name).suffix or is_file(name):
        return read_file(Path(name))
    message = f"no {name!r} in the catalogue, and no such file"
    raise SpecError(Fault("catalogue", message, help=catalogue.mend_of(name)))


def _named(tree: dict[Any, Any]) -> dict[str, Any]:
    """``tree``, where all of its keys are text. Raises :class:`SpecError`."""
    for key in tree:
        if not isinstance(key, str):
            message = f"a key is text, not {shown(key)}"
            raise SpecError(Fault("type", message, help="write a name such as 'stages'"))
    return tree


def is_file(name: str) -> bool:
    """Whether a file of this name exists."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False
