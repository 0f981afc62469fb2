"""The strategies are a product: legal, small first, and reaching every kind."""

from __future__ import annotations

from random import Random
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from resforge import ResNetSpec
from resforge.specs import ACTIVATIONS
from resforge.specs.order import Order
from resforge.specs.shortcut import SHORTCUTS
from resforge.testing import strategies

FAST = settings(
    max_examples=2000,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def blocks_of(spec: ResNetSpec) -> list[Any]:
    return [block for stage in spec.blocks() for block in stage]


def every_kind() -> list[tuple[str, Any]]:
    """A name and a predicate for each word of the language."""
    cases = [
        (f"stem {k}", lambda s, k=k: s.stem.kind == k) for k in ("conv7x7", "deep_base", "conv3x3")
    ]
    cases += [(f"norm {k}", lambda s, k=k: s.norm.kind == k) for k in ("batch", "group", "none")]
    cases += [
        (f"block {k}", lambda s, k=k: any(b.block.kind == k for st in s.blocks() for b in st))
        for k in strategies.BLOCK_KINDS
    ]
    for side in ("match", "change"):
        kinds = [kind.model_fields["kind"].default for kind in SHORTCUTS]
        if side == "change":
            kinds.remove("identity")
        cases += [
            (
                f"{side} {k}",
                lambda s, k=k, side=side: any(
                    b.shortcut.kind == k and b.shortcut_path[-1] == side
                    for st in s.blocks()
                    for b in st
                ),
            )
            for k in kinds
        ]
    cases += [(f"activation {a}", lambda s, a=a: s.activation == a) for a in ACTIVATIONS]
    cases += [
        ("no head", lambda s: s.head is None),
        ("blocks one by one", lambda s: any(st.blocks for st in s.stages)),
        (
            "groups",
            lambda s: any(getattr(b.block, "groups", 1) > 1 for st in s.blocks() for b in st),
        ),
        *(
            (f"order {o}", lambda s, o=o: any(b.block.arrangement == o for b in blocks_of(s)))
            for o in get_args(Order)
        ),
        *(
            (
                f"attention {a}",
                lambda s, a=a: any(
                    (found := getattr(b.block, "attention", None)) and found.kind == a
                    for b in blocks_of(s)
                ),
            )
            for a in ("se", "eca")
        ),
        ("dilation", lambda s: any(max(b.dilations) > 1 for b in blocks_of(s))),
        ("stochastic depth", lambda s: s.stochastic_depth and s.stochastic_depth.rate > 0),
        ("zero_residual", lambda s: s.init.zero_residual),
        ("torch init", lambda s: s.init.scheme == "torch"),
    ]
    return cases


@pytest.mark.parametrize(
    ("name", "reached"), every_kind(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_kind_is_reached(name: str, reached: Any) -> None:
    assert reached(find(strategies.specs(), reached, settings=FAST, random=Random(0)))


def test_shrinks_to_one_basic_block() -> None:
    smallest = find(
        strategies.specs(), lambda spec: True, settings=settings(database=None), random=Random(0)
    )
    assert [stage.depth for stage in smallest.stages] == [1]
    assert smallest.block.kind == "basic"
    assert smallest.stem.kind == "conv3x3"


@given(strategies.trees())
def test_trees_are_what_a_file_would_hold(tree: dict[str, Any]) -> None:
    assert ResNetSpec(**tree) == ResNetSpec(**ResNetSpec(**tree).model_dump(mode="json"))
