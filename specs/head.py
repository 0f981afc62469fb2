"""What turns the last feature map into an answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from .base import Rate, Spec, expand_kind
from .trace import Trace


class ClassifierSpec(Spec):
    """Global average pool, dropout, linear layer (He et al. 2015, section 3.3)."""

    kind: Literal["classifier"] = "classifier"
    num_classes: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    dropout: Rate = 0.0

    def lay(self, trace: Trace) -> None:
        trace.global_avg_pool("avgpool")
        trace.linear("fc", self.num_classes)


HeadSpec = Annotated[
    ClassifierSpec,
    BeforeValidator(expand_kind, json_schema_input_type=Literal["classifier"] | ClassifierSpec),
]
