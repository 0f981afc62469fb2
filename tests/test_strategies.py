"""The strategies are a product: legal, small first, and reaching every kind."""

from __future__ import annotations

from random import Random
from typing import Any, get_args

from hypothesis import HealthCheck, Phase, find, given, seed, settings
from resforge import ResNetSpec
from resforge.specs import ACTIVATIONS, BLOCKS, HEADS, SHORTCUTS, STEMS, ResolvedBlock
from resforge.specs.attention import attention_kinds
from resforge.specs.order import Order
from resforge.specs.resolve import blocks_of as resolved_blocks
from resforge.testing import strategies

FAST = settings(
    max_examples=1500,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def blocks_of(spec: ResNetSpec) -> list[ResolvedBlock]:
    return [block for stage in resolved_blocks(spec) for block in stage]


def every_kind() -> list[tuple[str, Any]]:
    """A name and a predicate for each word of the language."""
    cases: list[tuple[str, Any]] = [
        *((f"stem {kind}", lambda s, k=kind: s.stem.kind == k) for kind in STEMS),
        *((f"head {kind}", lambda s, k=kind: s.head and s.head.kind == k) for kind in HEADS),
        *((f"norm {k}", lambda s, k=k: s.norm.kind == k) for k in ("batch", "group", "none")),
        *(
            (f"block {kind}", lambda s, k=kind: any(b.block.kind == k for b in blocks_of(s)))
            for kind in BLOCKS
        ),
    ]
    for side in ("match", "change"):
        cases += [
            (
                f"{side} {kind}",
                lambda s, k=kind, side=side: any(
                    b.shortcut.kind == k and b.shortcut_path[-1] == side for b in blocks_of(s)
                ),
            )
            for kind, model in SHORTCUTS.items()
            if side == "match" or model(**model.samples[0]).why_illegal(1, 2, 2) is None
        ]
    cases += [(f"activation {a}", lambda s, a=a: s.activation == a) for a in ACTIVATIONS]
    cases += [
        ("no head", lambda s: s.head is None),
        ("blocks one by one", lambda s: any(st.blocks for st in s.stages)),
        ("groups", lambda s: any(getattr(b.block, "groups", 1) > 1 for b in blocks_of(s))),
        *(
            (f"order {o}", lambda s, o=o: any(b.block.arrangement == o for b in blocks_of(s)))
            for o in get_args(Order)
        ),
        *(
            (
                f"attention {kind}",
                lambda s, k=kind: any(
                    (found := getattr(b.block, "attention", None)) and found.kind == k
                    for b in blocks_of(s)
                ),
            )
            for kind in attention_kinds()
        ),
        ("dropout", lambda s: any(getattr(b.block, "dropout", 0) for b in blocks_of(s))),
        ("dilation", lambda s: any(max(b.site.dilations) > 1 for b in blocks_of(s))),
        ("stochastic depth", lambda s: s.stochastic_depth and s.stochastic_depth.rate > 0),
        ("zero_residual", lambda s: s.init.zero_residual),
        ("torch init", lambda s: s.init.scheme == "torch"),
    ]
    return cases


def test_every_kind_is_reached() -> None:
    missing = dict(every_kind())

    @seed(0)
    @FAST
    @given(strategies.specs())
    def look(spec: ResNetSpec) -> None:
        for name in [name for name, reached in missing.items() if reached(spec)]:
            del missing[name]

    look()
    assert not list(missing)


def test_shrinks_to_one_block() -> None:
    # From one start the shrinker may give up before the last step.
    found = [
        find(
            strategies.specs(),
            lambda spec: True,
            settings=settings(database=None),
            random=Random(start),
        )
        for start in range(3)
    ]
    for smallest in found:
        assert [len(stage.entries) for stage in smallest.stages] == [1]
        assert smallest.head is None
    assert min(smallest.stages[0].width for smallest in found) <= 4


@given(strategies.trees())
def test_trees_are_what_a_file_would_hold(tree: dict[str, Any]) -> None:
    assert ResNetSpec(**tree) == ResNetSpec(**ResNetSpec(**tree).model_dump(mode="json"))
