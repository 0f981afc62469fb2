"""Comparisons as a sweep file declares them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from ..specs.base import Spec

#: Most comparisons of one sweep: with more, no p could be small enough after the correction.
MAX_PAIRS = 400


def _one_or_more(value: Any) -> Any:
    """Wrap a single name in a list."""
    return [value] if isinstance(value, str) else value


_Axes = Annotated[
    tuple[str, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(_one_or_more, json_schema_input_type=str | tuple[str, ...]),
]


_TwoAxes = Annotated[tuple[str, ...], Field(strict=False, min_length=2, max_length=2)]


class Declared(Spec):
    """Two arms, the labels of an axis, the main effect of an axis, or an interaction of two axes.

    ======================================  =====================================================
    ``{of: ARM, to: ARM}``                  two arms
    ``{axis: shortcut, to: plain}``         each other label of the axis with that label, wherever
                                            all other labels are equal
    ``{axis: shortcut, over: depth}``       the same, of the means over the labels of ``depth``;
                                            ``to`` is by default the axis's first label
    ``{interaction: [depth, shortcut]}``    by how much the effect of each label of the second axis,
                                            against its first, depends on the first axis
    ======================================  =====================================================
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["of", "to"]},
                {"required": ["axis", "to"]},
                {"required": ["axis", "over"]},
                {"required": ["interaction"]},
            ]
        }
    )

    of: str | None = None
    """Name of an arm, as in table and CSV."""
    axis: str | None = None
    """Instead of ``of``: an axis, whose labels are compared where all other labels are equal."""
    over: _Axes | None = None
    """Axes over whose labels the errors are averaged before they are compared."""
    interaction: _TwoAxes | None = None
    """Instead of ``of`` and ``axis``: two axes."""
    to: str | None = None
    """The arm to compare with, or for an axis one of its labels."""


def _listed(value: Any) -> Any:
    """Wrap a single mapping in a list."""
    return [value] if isinstance(value, dict) else value


Comparisons = Annotated[
    tuple[Declared, ...],
    Field(strict=False, max_length=MAX_PAIRS),
    BeforeValidator(_listed, json_schema_input_type=Declared | tuple[Declared, ...]),
]
