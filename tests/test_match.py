"""Matched controls: arms scaled to the cost of the first, by arithmetic alone."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
import resforge as rf
from hypothesis import example, given
from resforge.ablation import Sweep, expand_sweep, plan_sweep
from resforge.ablation.planning.match import Matcher, MatchSpec
from resforge.specs.resolve import blocks_of
from resforge.testing import strategies

SIZE = 32
ARMS: dict[str, dict[str, Any]] = {
    "first": {},
    "B": {"shortcut": "projection"},
    "deep": {"stages[*].depth": 3},
    "groups": {"norm": {"kind": "group", "groups": 4}, "stages[*].depth": 2},
    "bottleneck": {"block": "bottleneck"},
}


def sweep(**tree: object) -> Sweep:
    fields: dict[str, object] = {"sweep": 1, "base": "digits_resnet8", "arms": ARMS}
    return Sweep(**{**fields, "match": {"params": "8%"}, **tree})


def cost(spec: rf.ResNetSpec, quantity: str) -> int:
    found: int = getattr(rf.plan(spec, SIZE), quantity)
    return found


@given(
    strategies.specs(max_stride=2, input_size=SIZE),
    strategies.specs(max_stride=2, input_size=SIZE),
    st.sampled_from(["params", "macs"]),
    st.sampled_from(["width", "depth"]),
    st.floats(0.001, 0.5),
)
def test_a_matched_network_is_within_the_tolerance_and_otherwise_the_same(
    one: rf.ResNetSpec, two: rf.ResNetSpec, quantity: str, by: Any, tolerance: float
) -> None:
    matcher = Matcher(MatchSpec(**{quantity: tolerance, "by": by}), rf.plan(one, SIZE))
    try:
        found, matched = matcher.match(two)
    except rf.SpecError as error:
        assert [fault.path for fault in error.faults] in ([f"match.{quantity}"], ["match.by"])
        return
    target = cost(one, quantity)
    assert abs(cost(found, quantity) - target) <= tolerance * target
    assert matched.residual == (cost(found, quantity) - target) / target
    moved = {change.path.rpartition(".")[2].partition("[")[0] for change in rf.diff(two, found)}
    assert moved <= ({"width", "widths"} if by == "width" else {"depth"})
    assert [b.site.keeps_shape for s in blocks_of(two) for b in s] == [
        b.site.keeps_shape for s in blocks_of(found) for b in s
    ] or by == "depth"
    assert Matcher(matcher.how, rf.plan(one, SIZE)).match(two) == (found, matched)


@given(strategies.specs(max_stride=2, input_size=SIZE), st.sampled_from(["params", "macs"]))
def test_a_network_that_is_as_dear_stays_as_it_is(spec: rf.ResNetSpec, quantity: str) -> None:
    matcher = Matcher(MatchSpec(**{quantity: 0.01}), rf.plan(spec, SIZE))
    found, matched = matcher.match(spec)
    assert found is spec
    assert (matched.factor, matched.residual) == (1.0, 0.0)


@given(st.integers(1, 200), st.integers(8, 64))
@example(grow=2399, width=1501)  # wider than the steps in which factors are looked for
@example(grow=2399, width=1503)
def test_widths_move_together_and_find_the_way_back(grow: int, width: int) -> None:
    """Of a network and itself at other widths, the match is a neighbour of the network."""
    tree = {"resforge": 1, "stem": {"kind": "conv3x3", "width": width}, "block": "basic"}
    spec = rf.ResNetSpec(**tree, stages=[{"depth": 1, "width": width}])
    other = spec.replace({"stem.width": width + grow, "stages[0].width": width + grow})
    found, _ = Matcher(MatchSpec(params=1e-9), rf.plan(spec, SIZE)).match(other)
    assert found == spec


@given(st.integers(1, 40), st.integers(1, 4), st.integers(2, 40), st.integers(1, 4))
def test_the_nearest_of_all_widths_is_found(one: int, deep: int, two: int, flat: int) -> None:
    """Where stem and stage have one width between them, every network can be looked at."""

    def network(width: int, depth: int) -> rf.ResNetSpec:
        stem = {"kind": "conv3x3", "width": width}
        return rf.ResNetSpec(resforge=1, stem=stem, stages=[{"depth": depth, "width": width}])

    first = rf.plan(network(one, deep), SIZE)
    matcher = Matcher(MatchSpec(params=0.5), first)
    nearest = min(abs(cost(network(w, flat), "params") - first.params) for w in range(1, 120))
    if nearest > 0.5 * first.params:
        return
    found, matched = matcher.match(network(two, flat))
    reached = abs(cost(found, "params") - first.params)
    # One that lies within the tolerance as it was written stays, though others are nearer.
    assert reached == nearest or matched.factor == 1


def test_only_legal_networks_are_offered() -> None:
    """Squeeze-and-excitation needs as many channels as it divides them by."""
    se = {"block": {"kind": "basic", "attention": {"kind": "se", "reduction": 8}}}
    small = {f"stages[{index}].width": 4 for index in range(3)} | {"stem.width": 4}
    with pytest.raises(rf.SpecError) as caught:
        expand_sweep(sweep(arms={"small": small, "se": se}, match={"params": "1%"}))
    (fault,) = caught.value.faults
    assert fault.path == "match.params"
    # 7.5 is rounded to 8 channels, and all widths move by one factor.
    narrow = rf.load("digits_resnet8").replace({**se, "stages[1].width": 15, "stages[2].width": 30})
    assert f"{rf.plan(narrow, 8).params:,} params" in fault.message


def test_the_arms_of_a_sweep_are_matched_to_the_first() -> None:
    arms = expand_sweep(sweep())
    first = rf.load("digits_resnet8")
    assert arms[0].spec == first
    assert arms[0].matched is None
    for arm in arms[1:]:
        assert arm.matched is not None
        assert abs(arm.params - arms[0].params) <= 0.08 * arms[0].params
        assert arm.matched.residual == (arm.params - arms[0].params) / arms[0].params
        assert rf.plan(arm.spec, 8).params == arm.params
    groups = arms[3].spec
    assert {stage.width % 4 for stage in groups.stages} == {0}
    assert arms[2].spec.stages[0].width < first.stages[0].width
    # Within the tolerance as it was written.
    assert arms[1].matched is not None
    assert arms[1].matched.factor == 1


def test_the_matched_network_is_what_is_trained() -> None:
    plan = plan_sweep(sweep(seeds=1))
    assert {trial.arm.digest for trial in plan.trials} == {arm.spec.digest for arm in plan.arms}
    written = plan_sweep(sweep(match=None, seeds=1))
    changed = {
        arm.name
        for arm, other in zip(plan.arms, written.arms, strict=True)
        if arm.digest != other.digest
    }
    assert changed == {"deep", "groups", "bottleneck"}
    keys = [{t.arm.name: t.key for t in p.trials} for p in (plan, written)]
    assert {name for name in ARMS if keys[0][name] != keys[1][name]} == changed


def test_depth_is_matched_by_depth() -> None:
    arms = expand_sweep(
        sweep(
            arms={"first": {"stages[*].depth": 4}, "wide": {"stages[*].width": 24}},
            match={"macs": "25%", "by": "depth"},
        )
    )
    wide = arms[1]
    assert wide.matched is not None
    assert wide.matched.factor == wide.spec.stages[0].depth
    assert [stage.width for stage in wide.spec.stages] == [24, 24, 24]
    assert abs(wide.macs / arms[0].macs - 1) <= 0.25


def test_factors_end_at_the_widest_network_and_at_64() -> None:
    """65,536 channels are no power of two times 1,500."""
    wide = {"resforge": 1, "stem": {"kind": "conv3x3", "width": 60_000}, "block": "basic"}
    target = rf.ResNetSpec(**wide, stages=[{"depth": 1, "width": 60_000}])
    narrow = target.replace({"stem.width": 1_500, "stages[0].width": 1_500})
    assert Matcher(MatchSpec(params=1e-9), rf.plan(target, SIZE)).match(narrow)[0] == target
    one = target.replace({"stem.width": 1, "stages[0].width": 1})
    with pytest.raises(rf.SpecError, match="the nearest width has"):
        Matcher(MatchSpec(params=0.5), rf.plan(target, SIZE)).match(one)


@pytest.mark.parametrize(
    ("arm", "match", "message"),
    [
        (
            {"stages[*].depth": 9},
            {"params": "1%"},
            "arm B: the nearest width has 18,059 params (-5.32 %)",
        ),
        ({"stages[*].depth": 9}, {"params": "1%"}, "use params: 5.4%, or by: depth"),
        ({"stages[2].width": 256}, {"params": 0.01, "by": "depth"}, "match by: width, or leave"),
        ({"stages[0]": {"blocks": [{}], "width": 9}}, {"macs": 1e-6, "by": "depth"}, "stages[0]"),
    ],
)
def test_what_cannot_be_matched_says_how_near_it_comes(
    arm: dict[str, Any], match: dict[str, Any], message: str
) -> None:
    with pytest.raises(rf.SpecError) as caught:
        expand_sweep(
            sweep(arms={"A": {"shortcut": "none"}, "B": {"shortcut": "none", **arm}}, match=match)
        )
    (fault,) = caught.value.faults
    assert message in f"{fault.message}; {fault.help}"
    assert fault.path == ("match.by" if "blocks" in str(arm) else f"match.{next(iter(match))}")


def test_matching_more_than_can_be_planned_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resforge.ablation.planning.arms.MAX_TRIED_BLOCKS", 2_000)
    deep = {f"w{i}": {"stages[*].depth": 20, "stages[2].width": i} for i in range(32, 62)}
    with pytest.raises(rf.SpecError, match=r"arms are matched by planning [\d,]+ blocks"):
        expand_sweep(sweep(arms={"first": {}, **deep}, match={"macs": 1e-9}))
