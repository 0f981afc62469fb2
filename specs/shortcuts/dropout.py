"""A shortcut with dropout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from ..base import Rate
from ..operation import Steps
from ..operations import DropoutSpec
from ..seen import Seen
from ..site import Site
from .wrapper import WrapperSpec


class DropoutShortcutSpec(WrapperSpec):
    """dropout(S(x)) + F(x).

    He et al. 2016 (arXiv 1603.05027), section 3.1, with a rate of 0.5. Values that are kept are
    divided by 1 - rate, as in PyTorch; the paper halves the shortcut in evaluation.
    """

    words: ClassVar[str] = "dropout of {of}"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"rate": 0.25, "of": "projection"})

    kind: Literal["dropout"] = "dropout"
    rate: Rate = 0.5
    """Probability that a value is set to zero."""

    @classmethod
    def around(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        rate = seen.setting("dropout", "p")
        return [] if rate is None else [{"rate": rate}]

    def steps(self, site: Site) -> Steps:
        return (*super().steps(site), ("dropout", DropoutSpec(rate=self.rate)))
