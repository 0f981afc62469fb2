"""The head of a classifier."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import Rate
from ..head import HeadSpec
from ..operation import Steps
from ..operations import DropoutSpec, FlattenMapSpec, FlattenSpec, GlobalPoolSpec, LinearSpec
from ..seen import Seen
from ..site import Site


class ClassifierSpec(HeadSpec):
    """Global average pool, dropout, linear layer.

    He et al. 2015 (arXiv 1512.03385), section 3.3.
    """

    self_validating: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"num_classes": 5},
        {"num_classes": 1, "dropout": 0.5},
        {"num_classes": 0},
    )

    kind: Literal["classifier"] = "classifier"
    num_classes: Annotated[int, Field(ge=0, le=10_000_000)] = 1000
    """Numbers put out: the classes; 0 for the pooled features, without a linear layer."""
    dropout: Rate = 0.0
    """Rate of the dropout before the linear layer; 0 for none."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        weight = seen.tensors.get("fc", {}).get("weight")
        if weight is None:
            return []
        rate = seen.setting("dropout", "p", 0.0)
        rates: list[dict[str, Any]] = [{"dropout": rate}, {}] if rate else [{}]
        return [{"num_classes": weight[0], **dropout} for dropout in rates]

    def steps(self, site: Site) -> Steps:
        return _steps(self)


@lru_cache(1024)
def _steps(head: ClassifierSpec) -> Steps:
    dropout: Steps = (("dropout", DropoutSpec(rate=head.dropout)),) if head.dropout else ()
    if not head.num_classes:
        return (("avgpool", GlobalPoolSpec()), *dropout, ("flatten", FlattenMapSpec(size=1)))
    return (
        ("avgpool", GlobalPoolSpec()),
        ("flatten", FlattenSpec()),
        *dropout,
        ("fc", LinearSpec(out_features=head.num_classes)),
    )
