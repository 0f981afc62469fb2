"""A shortcut with a learned factor for each channel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from ..operation import Steps
from ..operations import ScaleSpec
from ..operations.scale import Start
from ..seen import Seen
from ..site import Site
from .wrapper import WrapperSpec


class ChannelScaleSpec(WrapperSpec):
    """a S(x) + F(x), with a learned factor a for each channel.

    The constant factors of He et al. 2016 (arXiv 1603.05027), section 3.1, made learnable.
    """

    words: ClassVar[str] = "{of}, times a learned factor for each channel"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"start": 0.5, "of": "projection"})

    kind: Literal["channel_scale"] = "channel_scale"
    start: Start = 1.0
    """Initial value of every factor."""

    @classmethod
    def around(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        if "scale" not in seen.tensors:
            return []
        start = seen.constants.get("scale.weight")
        return [{} if start is None else {"start": start}]

    def steps(self, site: Site) -> Steps:
        return (*super().steps(site), ("scale", ScaleSpec(start=self.start)))
