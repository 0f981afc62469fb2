"""Scaling looks at networks that are illegal, too, and never fails on one."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
from resforge.planner.plan import lay_out
from resforge.planner.scale import Scaler, widths_of
from resforge.specs import BLOCKS, SHORTCUTS, STEMS
from resforge.specs.shortcuts import WrapperSpec

WORDS = [
    *(("stem", {"kind": k, **sample}) for k, model in STEMS.items() for sample in model.samples),
    *(("block", {"kind": k, **sample}) for k, model in BLOCKS.items() for sample in model.samples),
    *(
        ("shortcut", {"match": {"kind": k, **sample}, "change": {"kind": k, **sample}})
        for k, model in SHORTCUTS.items()
        if not issubclass(model, WrapperSpec)
        for sample in model.samples
    ),
]


def network(**fields: Any) -> rf.ResNetSpec:
    stages = [{"depth": 2, "width": 64}, {"depth": 1, "width": 128, "stride": 2}]
    return rf.ResNetSpec(**{"resforge": 1, "block": "basic", "stages": stages, **fields})


@pytest.mark.parametrize(("field", "word"), WORDS, ids=str)
def test_every_word_can_be_laid_out_at_one_channel(field: str, word: dict[str, Any]) -> None:
    """A width that follows from another is never less than 1, so that the search for a width
    meets no network without a cost."""
    shortcut = {"match": "identity", "change": "projection"}
    try:
        spec = network(**{"shortcut": shortcut, field: word})
    except rf.SpecError:
        pytest.skip("needs other widths or another join")
    knob = widths_of(spec)
    try:
        lay_out(knob.spec_at((1,) * len(knob.written)), (64, 64))
    except rf.SpecError as error:  # a chain with a width of its own
        assert {fault.code for fault in error.faults} <= {"block", "shortcut"}


def test_halves_of_a_single_channel_are_illegal_and_not_an_error() -> None:
    spec = network(shortcut={"match": "identity", "change": "factorized"})
    smallest = Scaler("params", 1, (32, 32)).scale(spec, "width")
    assert smallest is not None
    assert [stage.width for stage in smallest.spec.stages] == [1, 2]


def test_a_chain_of_fixed_widths_keeps_the_only_width_that_it_fits() -> None:
    """At any other width the branch does not end in its block's channels."""
    chain = {"kind": "chain", "branch": [{"conv": 3, "width": 64, "stride": "block"}, "norm"]}
    spec = network(block=chain, stages=[{"depth": 1, "width": 64}])
    target = lay_out(spec, (32, 32)).params
    for wanted in (target - 1, target, target + 1):
        scaled = Scaler("params", wanted, (32, 32)).scale(spec, "width")
        assert scaled is None or scaled.spec.stages[0].width == 64
    assert Scaler("params", 100 * target, (32, 32)).scale(spec, "width") is None
