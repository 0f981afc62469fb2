"""Limits on the networks of a space: ranges of their costs, and conditions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ..errors import Fault, SpecError
from ..specs.base import Spec
from .conditions import MAX_TEXT, Condition
from .expressions import NoValueError, Scope


def _pair(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"min": value[0], "max": value[1]}
    if isinstance(value, list | tuple | int | float | str):
        raise PydanticCustomError(
            "type",
            "expected a range",
            {"help": "write [1e5, 1e6], {min: 1e5} or {max: 1e6}"},
        )
    return value


_End = Annotated[float, Field(ge=0.0)]


class Range(Spec):
    """The numbers from ``min`` to ``max``, both included; a side that is left out is unlimited.

    >>> Range(min=10).miss(8), Range(min=10).miss(12)
    (0.25, 0.0)
    """

    min: _End | None = None
    """Smallest value; left out: no limit."""
    max: _End | None = None
    """Largest value; left out: no limit."""

    @model_validator(mode="after")
    def _not_empty(self) -> Range:
        if self.min is None and self.max is None:
            raise PydanticCustomError(
                "range", "the range has neither min nor max", {"help": "write min:, max: or both"}
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise PydanticCustomError(
                "range",
                "the range from {low} to {high} is empty",
                {
                    "low": f"{self.min:g}",
                    "high": f"{self.max:g}",
                    "help": f"write [{self.max:g}, {self.min:g}]",
                },
            )
        return self

    def miss(self, figure: int) -> float:
        """Relative distance of ``figure`` from the range: the larger over the smaller, less 1; 0
        inside."""
        if self.min is not None and figure < self.min:
            return self.min / max(figure, 1) - 1
        if self.max is not None and figure > self.max:
            return figure / max(self.max, 1) - 1
        return 0.0

    def __str__(self) -> str:
        if self.min == self.max:
            return f"exactly {self.min:,.10g}"
        low = "" if self.min is None else f"at least {self.min:,.10g}"
        high = "" if self.max is None else f"at most {self.max:,.10g}"
        return " and ".join(filter(None, (low, high)))


_Ends = Annotated[list[_End | None], Field(min_length=2, max_length=2)]
_Range = Annotated[Range, BeforeValidator(_pair, json_schema_input_type=Range | _Ends)]


def _condition(text: str) -> str:
    try:
        Condition(text)
    except SpecError as error:
        fault = error.faults[0]
        context = {"message": fault.message, "help": fault.help}
        raise PydanticCustomError(fault.code, "{message}", context) from None
    return text


#: Code of the fault of a network for which a condition has no value.
NO_VALUE = "no_value"

_Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_condition)]


class Where(Spec):
    """Ranges that every network of a space lies in, and conditions that it keeps.

    >>> Where(params=[1e5, 1e6], depth={"max": 50}).params
    Range(min=100000.0, max=1000000.0)
    """

    params: _Range | None = None
    """Number of learnable parameters."""
    macs: _Range | None = None
    """Multiply-accumulates at the input size."""
    activations: _Range | None = None
    """Elements put out by convolutions and linear layers."""
    depth: _Range | None = None
    """Weighted layers on the longest path."""
    receptive_field: _Range | None = None
    """Side in pixels of what one output sees of the input."""
    conditions: Annotated[tuple[_Text, ...], Field(strict=False, max_length=100)] = ()
    """Expressions such as `sum(depths) <= 20` that are true of every network."""

    @cached_property
    def limits(self) -> list[Limit]:
        """The ranges and conditions one by one."""
        names = [name for name in type(self).model_fields if name != "conditions"]
        ranges = {name: getattr(self, name) for name in names}
        bounds = [Bound(name, range_) for name, range_ in ranges.items() if range_ is not None]
        places = [f"conditions[{number}]" for number in range(len(self.conditions))]
        kept = (
            Kept(place, Condition(text))
            for place, text in zip(places, self.conditions, strict=True)
        )
        return [*bounds, *kept]

    @model_serializer(mode="wrap")
    def _without_empty(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Spaces without conditions keep the identity that they had before there were any.
        found: dict[str, Any] = written(self)
        return {name: value for name, value in found.items() if value or name != "conditions"}


@dataclass(frozen=True)
class Bound:
    """A range of one cost."""

    place: str
    """Path within ``where``."""
    range: Range
    names = frozenset[str]()

    def miss(self, scope: Scope) -> float:
        """Relative distance of the network's cost from the range; 0 inside."""
        return self.range.miss(self.figure(scope))

    def figure(self, scope: Scope) -> int:
        """The network's cost."""
        figure: int = getattr(scope.figures, self.place)
        return figure

    @property
    def broken(self) -> str:
        """What is wrong with a network that does not keep it."""
        return f"{self.place} is not {self.range}"

    def __str__(self) -> str:
        return f"{self.range} {self.place}"


@dataclass(frozen=True)
class Kept:
    """A condition of a space."""

    place: str
    """Path within ``where``."""
    condition: Condition

    @property
    def names(self) -> set[str]:
        """The names that it asks a scope for."""
        return self.condition.names

    def miss(self, scope: Scope) -> float:
        """By how much the network misses it; raises :class:`NoValueError`."""
        return self.condition.miss(scope)

    @property
    def broken(self) -> str:
        """What is wrong with a network that does not keep it."""
        return f"{self} does not hold"

    def __str__(self) -> str:
        return self.condition.text


Limit = Bound | Kept


class UndefinedError(Exception):
    """A condition has no value for a network. A quantity's own :class:`SpecError` is another."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def missed(limits: list[Limit], scope: Scope) -> dict[str, float]:
    """How far a network is from each of the limits that it does not keep, by their places.

    Raises :class:`UndefinedError` where a condition has no value.
    """
    found: dict[str, float] = {}
    for limit in limits:
        try:
            miss = limit.miss(scope)
        except NoValueError as error:
            path = f"where.{limit.place}"
            raise UndefinedError(Fault(NO_VALUE, error.message, path, error.help)) from None
        if miss:
            found[limit.place] = miss
    return found
