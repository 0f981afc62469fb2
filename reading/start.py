"""The ``base`` of sweeps and spaces: a catalogue name, or a spec written inside them."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from ..errors import SpecError
from ..specs.catalogue import list_specs
from ..specs.explain import shown
from ..specs.network import ResNetSpec


def _name_or_spec(value: Any) -> Any:
    if isinstance(value, ResNetSpec):
        return value.as_plain()
    if not isinstance(value, str | dict):
        raise PydanticCustomError(
            "base",
            "expected a catalogue name or a spec, not {given}",
            {"given": shown(value), "help": "write base: digits_resnet8"},
        )
    return value


_Name = Annotated[str, WithJsonSchema({"enum": list_specs()})]
Base = Annotated[
    str | dict[str, Any],
    BeforeValidator(_name_or_spec, json_schema_input_type=_Name | ResNetSpec),
]


def start_from(base: str | dict[str, Any]) -> ResNetSpec:
    """The spec of a file's ``base``.

    A spec written inside a file needs no version line of its own. Raises :class:`SpecError` with
    paths into the file.

    >>> start_from({"base": "resnet18", "shortcut": "none"}).shortcut.change.kind
    'none'
    """
    if isinstance(base, str):
        return ResNetSpec(resforge=1, base=base)
    try:
        return ResNetSpec(**{"resforge": 1, **base})
    except SpecError as error:
        faults = [dataclasses.replace(f, path=f"base.{f.path}".rstrip(".")) for f in error.faults]
        raise SpecError(faults, error.more) from None
