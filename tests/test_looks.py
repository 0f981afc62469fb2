"""Sweeps that add seeds until each comparison is settled, and looks that nobody planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resforge as rf
from look_trials import CUT_AT, error_of
from report_records import NOW, Page, done, make_records
from resforge.ablation import (
    Comparison,
    Records,
    RunSummary,
    Sweep,
    compare_pairs,
    expand_sweep,
    judge,
    load_sweep,
    preview_sweep,
    read_records,
    render,
    render_report,
    run_sweep,
)
from resforge.ablation.planning.plan import over_budget
from resforge.ablation.results.records import RunRecord
from sweep_trials import notes

SEEDS = {"first": 3, "most": 12}
WIDTHS = {
    "base": {},
    "far": {"stem.width": 7},
    "near": {"stem.width": 6},
    "same": {"stem.width": 5},
}


def sweep(*arms: str, seeds: Any = SEEDS) -> Sweep:
    chosen = {arm: WIDTHS[arm] for arm in ("base", *arms)}
    return Sweep(sweep=1, base="digits_resnet8", arms=chosen, seeds=seeds)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(tmp_path / "log"))
    return tmp_path / "out"


def run(grown: Sweep, out: Path, trial: str = "scored", engine: Any = "inline") -> RunSummary:
    return run_sweep(grown, out, workers=2, trial=f"look_trials:{trial}", engine=engine)


def judged(out: Path) -> tuple[Comparison, ...]:
    return compare_pairs(read_records(out))


def test_what_is_clear_at_once_takes_three_seeds(out: Path) -> None:
    assert run(sweep("far"), out).total == 6
    (found,) = judged(out)
    assert (found.n, found.seeds, found.settled_at, found.level) == (3, 3, 3, 0.015)
    assert "separable at 3 seeds, if differences over seeds are roughly normal" in found.verdict
    assert "98.5% interval" in found.verdict


def test_seeds_are_added_until_each_comparison_is_settled(out: Path) -> None:
    summary = run(sweep("far", "near", "same"), out)
    assert summary.total == summary.finished == 4 * 12
    far, near, same = judged(out)
    assert near.settled_at in (5, 8, 12)
    assert same.settled_at is None
    # Each look is the rule, at its level, with the seeds of that look.
    errors = {arm: {s: 100 * error_of(arm, s) for s in range(12)} for arm in WIDTHS}
    for comparison in (far, near, same):
        looks = []
        for look in (3, 5, 8, 12):
            seen = {arm: {s: e for s, e in by.items() if s < look} for arm, by in errors.items()}
            figures = judge(seen, [(arm, "base") for arm in ("far", "near", "same")], 797)
            by_arm = {f"arm={f.of}": f for f in figures} | {f.of: f for f in figures}
            looks += [look] if by_arm[comparison.of].p_holm <= 0.015 else []
        assert comparison.settled_at == (looks[0] if looks else None)
    assert read_records(out).seeds_warning == ""


def test_engines_see_the_same_looks(out: Path) -> None:
    near = sweep("near", seeds={"first": 3, "most": 4})
    run(near, out / "inline")
    run(near, out / "process", engine="process")
    assert judged(out / "process") == judged(out / "inline")


def test_interrupted_it_continues_with_the_same_looks(out: Path) -> None:
    grown = sweep("near")
    run(grown, out / "whole")
    (out.parent / "log").unlink()
    cut = run(grown, out / "cut", "interrupted")
    assert cut.interrupted
    assert cut.finished == CUT_AT
    # Half a look is no look.
    half = judged(out / "cut")
    assert half[0].seeds == 5
    assert half[0].settled_at in (None, 3)
    run(grown, out / "cut")
    keys = [key for key, _ in notes(out.parent / "log", "start")]
    assert len(keys) == len({*keys})
    assert judged(out / "cut") == judged(out / "whole")
    again = run(grown, out / "cut")
    assert again.ran == 0
    assert judged(out / "cut") == judged(out / "whole")


def test_the_plan_shows_the_looks_and_their_power() -> None:
    preview = preview_sweep(sweep("far", "same"))
    assert (preview.seeds, preview.looks) == (3, (3, 5, 8, 12))
    assert preview.power is not None
    assert [seeds for seeds, _ in preview.power.smallest] == [3, 5, 8, 12]
    assert (preview.power.comparisons, preview.power.level) == (2, 0.015)
    tight = sweep("far").model_copy(update={"budget": Sweep(
        sweep=1, base="digits_resnet8", arms={"a": {}}, budget={"trials": 23}).budget})  # fmt: skip
    (fault,) = over_budget(tight, expand_sweep(tight))
    assert "24 trials" in fault.message


def test_recorded_deviations_give_the_power_in_points(out: Path) -> None:
    fixed = sweep("same", seeds=3)
    assert preview_sweep(fixed, out).power == preview_sweep(fixed).power
    run(fixed, out)
    (found,) = judged(out)
    power = preview_sweep(fixed, out).power
    assert power is not None
    assert power.spread == (found.deviation, found.deviation)
    assert power.smallest[0] == (3, pytest.approx(3.26, abs=0.01))
    first = power.as_dict()["smallest"][0]
    assert first["points"] == [first["deviations"] * found.deviation] * 2


def test_too_few_seeds_are_warned_of() -> None:
    few = sweep("far", seeds=2)
    (warning,) = preview_sweep(few).warnings
    assert warning.startswith("with 2 seeds no comparison can be separable: use at least 3")
    for fine in (few.model_copy(update={"comparisons": ()}), sweep("far", seeds=3), sweep("far")):
        assert preview_sweep(fine).warnings == ()
    assert preview_sweep(few.model_copy(update={"comparisons": ()})).power is None
    growing = sweep("far", seeds={"first": 2, "most": 8})
    assert preview_sweep(growing).warnings == ()
    assert [seeds for seeds, _ in preview_sweep(growing).power.smallest] == [3, 5, 8]


def test_a_dumped_sweep_keeps_its_looks() -> None:
    grown = sweep("far")
    assert Sweep(**grown.model_dump(mode="json")) == grown
    assert (grown.seeds, grown.looks, grown.most_seeds) == ((0, 1, 2), (3, 5, 8, 12), 12)
    assert sweep("far", seeds=3).looks == ()
    numpys = {"first": np.int64(3), "most": np.int64(12)}
    assert sweep("far", seeds=numpys) == grown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: {first: 3}", "write {first: 3, most: 12}"),
        ("seeds: {first: 5, most: 3}", "{first: 5, most: 3} are no seeds"),
        ("seeds: {first: 0, most: 3}", "are no seeds"),
        ("seeds: {first: 3, most: 12, step: 2}", "are no seeds"),
        ("seeds: {first: 3, most: 1000000}", "at most 100000"),
        ("seeds: 4\nlooks: [3, 5]", "the looks 3, 5 do not begin with the seeds"),
        ("seeds: 3\nlooks: [3, 5, 5]", "looks must increase"),
    ],
)
def test_mistakes_have_their_place_and_fix(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(f"sweep: 1\nbase: digits_resnet8\narms: {{a: {{}}}}\n{text}\n")
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(path)
    (fault,) = caught.value.faults
    assert fault.line >= 4
    assert message in f"{fault.message}; {fault.help}"


def looked(*seeds: str, hours: int = 1) -> Records:
    """Records whose runs began one after another, all but the first after the results."""
    held = make_records({("8", x): [done(0.1)] * 3 for x in "AB"})
    runs = [
        RunRecord(NOW + timedelta(hours=hours * number), {"seeds": text} if text else {})
        for number, text in enumerate(seeds)
    ]
    return replace(held, runs=tuple(runs))


def test_seeds_that_were_added_after_results_are_reported() -> None:
    held = looked("0-2", "0-2", "0-7")
    assert "after results had been recorded (0-2; then 0-7)" in held.seeds_warning
    assert (
        "plan looks before the first trial, with seeds: {first: 3, most: 12}"
        in Page(render_report(held)).text
    )
    assert "after results had been recorded" in render(held, "md")
    assert "after results had been recorded" in render(held, "json")
    for fine in (looked("0-2", "0-2"), looked("", ""), looked("looks at 3, 5", "looks at 3, 5")):
        assert fine.warnings == ()
    # A run that was corrected before anything was recorded has seen nothing.
    assert looked("0-2", "0-7", hours=-1).seeds_warning == ""


def test_a_run_that_adds_seeds_says_so(out: Path) -> None:
    run(sweep("same", seeds=3), out)
    assert read_records(out).seeds_warning == ""
    run(sweep("same", seeds=5), out)
    assert "(0-2; then 0-4)" in read_records(out).seeds_warning
