"""Limits on the costs, depth and receptive field of the networks of a space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ..planner.figures import Figures
from ..specs.base import Spec


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


Limit = Annotated[float, Field(ge=0.0)]


class Range(Spec):
    """The numbers from ``min`` to ``max``, both included; a side that is left out is unlimited.

    >>> Range(min=10).miss(8), Range(min=10).miss(12)
    (0.25, 0.0)
    """

    min: Limit | None = None
    max: Limit | None = None

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
        low = "" if self.min is None else f"at least {self.min:,.10g}"
        high = "" if self.max is None else f"at most {self.max:,.10g}"
        return " and ".join(filter(None, (low, high)))


_Ends = Annotated[list[Limit | None], Field(min_length=2, max_length=2)]
_Range = Annotated[Range, BeforeValidator(_pair, json_schema_input_type=Range | _Ends)]


class Where(Spec):
    """Ranges that every network of a space lies in.

    >>> Where(params=[1e5, 1e6], depth={"max": 50}).params
    Range(min=100000.0, max=1000000.0)
    """

    params: _Range | None = None
    macs: _Range | None = None
    activations: _Range | None = None
    depth: _Range | None = None
    receptive_field: _Range | None = None

    def missed(self, figures: Figures) -> dict[str, float]:
        """Relative distance of each quantity that lies outside its range."""
        misses = {name: range_.miss(getattr(figures, name)) for name, range_ in self}
        return {name: miss for name, miss in misses.items() if miss}

    def __iter__(self) -> Iterator[tuple[str, Range]]:  # type: ignore[override]
        for name in type(self).model_fields:
            range_ = getattr(self, name)
            if range_ is not None:
                yield name, range_
