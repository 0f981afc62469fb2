"""One vector of a map of fixed size, by attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ..base import MAX_CHANNELS
from ..call import Call, ChannelCount, call
from ..layer import Module
from ..operation import After, Operation, Problem, Side
from ..site import Site
from ..trace import Trace


class AttentionPoolSpec(Operation):
    """W o + b, o what the mean of the map attends to among its positions and itself.

    Multi-head attention with a learned vector added to each position, so that the map has one size.
    The head of CLIP's ResNets: Radford et al. 2021 (arXiv 2103.00020), section 2.4.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("attnpool", "attention_pool2d")
    main: ClassVar[str | None] = "size"
    sign: ClassVar[str | None] = "attn"
    legend: ClassVar[str] = "attention pool"
    legal_dims: ClassVar[tuple[int, ...]] = (2,)
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"size": 11, "heads": 2},
        {"size": 11, "heads": 1, "width": 6},
    )
    unevaluated: ClassVar[frozenset[str]] = frozenset({"width"})
    after: ClassVar[After] = "fresh"

    kind: Literal["attention_pool"] = "attention_pool"
    size: Side
    """Height and width of the map that it takes, in positions: 7 for pictures of 224 pixels at
    stride 32."""
    heads: Annotated[int, Field(ge=1, le=1024)]
    """Heads of the attention; has to divide the channels."""
    width: Annotated[int, Field(ge=1, le=MAX_CHANNELS)] | None = None
    """Numbers put out. Left out: the channels that come in."""

    @model_validator(mode="before")
    @classmethod
    def _name_the_size(cls, tree: Any) -> Any:
        if isinstance(tree, dict) and tree.get("size") is None:
            message = "an attention pool takes a map of one size, and none is given"
            help_ = "write {attention_pool: 7, heads: 32} where pictures of 224 pixels end in 7x7"
            raise PydanticCustomError("size", "{message}", {"message": message, "help": help_})
        return tree

    @property
    def map_size(self) -> int:
        return self.size

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.attention_pool(name, self.size, self.width or trace.channels)

    def call(self, module: Module) -> Call:
        channels, width = ChannelCount(module.in_channels), ChannelCount(module.out_channels)
        return call("AttentionPool2d", channels, width, self.size, self.heads)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        fields = {"op": self.kind, "size": self.size, "heads": self.heads}
        return fields | {"width": module.out_channels}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        if module.in_channels % self.heads:
            yield (
                "heads",
                f"{self.heads} heads do not divide {module.in_channels} channels",
                f"use a divisor of {module.in_channels}",
            )
