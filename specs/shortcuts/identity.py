"""The shortcut that leaves its input as it is."""

from __future__ import annotations

from typing import ClassVar, Literal

from ..axes import Axes, axes_text
from ..operation import Steps
from ..shortcut import Line, ShortcutSpec
from ..site import Site


class IdentitySpec(ShortcutSpec):
    """S(x) = x."""

    note: ClassVar[str | None] = "x as it is"
    line: ClassVar[Line | None] = Line("slate", 1.6)
    self_validating: ClassVar[bool] = True
    words: ClassVar[str] = "x"

    kind: Literal["identity"] = "identity"

    def why_illegal(self, in_channels: int, out_channels: int, stride: Axes) -> str | None:
        if in_channels == out_channels and stride == 1:
            return None
        sizes = f"{in_channels} channels to {out_channels} at stride {axes_text(stride)}"
        return f"identity cannot join {sizes}"

    def steps(self, site: Site) -> Steps:
        return ()
