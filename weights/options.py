"""Options of loading weights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .errors import refuse
from .layouts import LAYOUTS

Head = Literal["fresh"] | Sequence[int] | None


@dataclass(frozen=True)
class LoadOptions:
    """Options of :func:`load_weights` and :func:`plan_weights`."""

    layout: str | None = None
    strip: str = ""
    head: Head = None
    slice_wider: bool = False
    entry: str | None = None
    """Dotted path of the mapping to take the tensors from; by default the one that fits best."""
    allow_extra: bool = False
    """Whether the file may hold tensors that the model has no place for."""
    allow_missing: float | None = None
    """Smallest fraction of the model's tensors that the file must fill; None for all of them."""

    allow_other_function: bool = False
    """Whether the file may be of a network that computes another function of the same tensors."""

    def partial(self) -> LoadOptions:
        """These options, with any part of the model and of the file left out."""
        fraction = 0.0 if self.allow_missing is None else self.allow_missing
        return replace(self, allow_extra=True, allow_missing=fraction)

    def check(self, file: str | os.PathLike[str]) -> None:
        """Raise :class:`WeightsError`, which names ``file``, for a value that is not allowed."""
        layout, head, fraction = self.layout, self.head, self.allow_missing
        if layout is not None and layout not in LAYOUTS:
            known = f"known: {', '.join(LAYOUTS)}"
            raise refuse(file, f"layout {layout!r} is unknown", known)
        if isinstance(head, str) and head != "fresh":
            help_ = "use 'fresh', or a list of classes"
            raise refuse(file, f"head={head!r} is unknown", help_)
        if fraction is None:
            return
        is_number = isinstance(fraction, int | float) and not isinstance(fraction, bool)
        if not (is_number and 0 <= fraction <= 1):
            help_ = "give the fraction of the tensors that the file must fill, from 0 to 1"
            raise refuse(file, f"allow_missing={fraction!r} is no fraction", help_)
