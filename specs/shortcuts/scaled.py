"""A shortcut and a residual branch with constant factors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from ..join import Factors, JoinSpec, ScaledJoinSpec
from ..seen import Seen
from .wrapper import WrapperSpec


class ScaledSpec(Factors, WrapperSpec):
    """shortcut * S(x) + residual * F(x), with constant factors.

    He et al. 2016 (arXiv 1603.05027), section 3.1.
    """

    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"shortcut": 0.5, "residual": 0.5},
        {"shortcut": 0.0},
        {"residual": 0.5, "of": "projection"},
    )

    kind: Literal["scaled"] = "scaled"

    @classmethod
    def around(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        factors = {name: seen.setting("", name) for name in ("shortcut", "residual")}
        return [factors] if all(isinstance(value, float) for value in factors.values()) else []

    def options_text(self) -> str | None:
        # Both factors, in the order of He et al. 2016's Table 1.
        return f"{self.shortcut:g}/{self.residual:g}"

    def joined(self) -> JoinSpec:
        return ScaledJoinSpec(shortcut=self.shortcut, residual=self.residual)
