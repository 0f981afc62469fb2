"""What two networks share when both are built from one seed: the plan says it, torch holds it."""

from __future__ import annotations

from contextlib import suppress
from math import prod

import resforge as rf
import torch
from hypothesis import given, settings
from resforge.ablation.planning.pairing import shared
from resforge.testing import strategies


@settings(max_examples=60)
@given(strategies.specs(max_width=4), strategies.specs(max_width=4))
def test_what_is_said_to_be_alike_is_alike_bit_for_bit(
    one: rf.ResNetSpec, two: rf.ResNetSpec
) -> None:
    # Two drawn networks have little in common: a third is the first with the second's start.
    near = one.replace({"init.scheme": two.init.scheme})
    with suppress(rf.SpecError):  # zero_residual is not for every network
        near = one.replace({"init": two.init})
    for other in (two, near):
        plans = [rf.plan(spec, 64) for spec in (other, one)]
        here, there = (dict(rf.build(spec, seed=3).named_parameters()) for spec in (other, one))
        alike = [n for n, p in here.items() if n in there and torch.equal(p, there[n])]
        found = shared(*plans)
        assert (found.tensors, found.of) == (len(alike), len(here))
        assert found.params == sum(prod(here[name].shape) for name in alike)
        assert found.share == found.params / plans[0].params


@given(strategies.specs())
def test_a_network_shares_all_with_itself(spec: rf.ResNetSpec) -> None:
    plan = rf.plan(spec, 64)
    found = shared(plan, plan)
    assert (found.tensors, found.params, found.share) == (found.of, plan.params, 1.0)
