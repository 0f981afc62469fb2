"""Fields described by their docstrings, as pydantic reads them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict
from resforge.specs import BottleneckSpec, ResNetSpec
from resforge.specs.base import Spec
from resforge.specs.docstrings import descriptions


class Outer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    first: int = 1
    """One line."""
    second: int = 2
    third: int = 3
    """Several lines,
    the second of which is indented."""

    class Inner(BaseModel):
        model_config = ConfigDict(use_attribute_docstrings=True)

        first: str = ""
        """Of a class within a class."""


class Derived(Outer):
    second: int = 4
    """Declared again, with a docstring."""
    third: int = 5
    fourth: int = 6
    """A field of its own."""


def local() -> type[BaseModel]:
    class Local(Outer):
        first: int = 7
        """Of a class within a function."""

    return Local


@pytest.mark.parametrize("model", [Outer, Outer.Inner, Derived, local()])
def test_they_are_those_that_pydantic_reads(model: type[BaseModel]) -> None:
    fields = model.model_fields.items()
    assert descriptions(model) == {
        name: field.description for name, field in fields if field.description
    }


def test_a_class_without_a_source_has_none() -> None:
    scope: dict[str, type[BaseModel]] = {}
    exec("from pydantic import BaseModel\nclass Typed(BaseModel):\n    x: int = 1\n    'a'", scope)
    assert descriptions(scope["Typed"]) == {}


def test_every_field_of_a_network_is_described() -> None:
    for model in (ResNetSpec, BottleneckSpec):
        properties = model.model_json_schema()["properties"]
        own = {name for name in properties if name not in ("kind", "base")}
        assert own == {name for name in own if properties[name].get("description")}


def test_no_source_is_read_when_a_class_is_made() -> None:
    # That took half of the time of every command's start.
    assert not Spec.model_config.get("use_attribute_docstrings")
