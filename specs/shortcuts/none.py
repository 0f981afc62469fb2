"""No shortcut."""

from __future__ import annotations

from typing import ClassVar, Literal

from ..operation import Steps
from ..shortcut import ShortcutSpec
from ..site import Site


class NoShortcutSpec(ShortcutSpec):
    """S(x) = 0: the block of a plain network."""

    bare_match: ClassVar[str | None] = None
    self_validating: ClassVar[bool] = True
    words: ClassVar[str] = "0"
    absent: ClassVar[bool] = True

    kind: Literal["none"] = "none"

    def steps(self, site: Site) -> Steps:
        return ()
