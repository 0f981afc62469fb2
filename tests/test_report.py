"""Comparison, verdict, table, CSV and page: made from the numbers and nothing else."""

from __future__ import annotations

import csv
import json
import re
import statistics
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import get_args

import hypothesis.strategies as st
import pytest
import resforge as rf
from hypothesis import given
from report_records import NOW, Page, done, grid, make_records, paper, planned_records
from resforge.ablation import (
    ArmRow,
    Outcome,
    PublishedTable,
    Spread,
    Store,
    Sweep,
    compare,
    compare_pairs,
    comparison_table,
    expand_sweep,
    plan_sweep,
    read_records,
    render,
    render_report,
    state_verdict,
    write_csv,
    write_report,
)
from resforge.ablation.planning.pairing import shared
from resforge.ablation.reporting.networks import networks
from resforge.ablation.reporting.table import cells, headings, paired_cells
from resforge.ablation.results.outcome import Status
from resforge.ablation.results.owner import Owner
from resforge.ablation.results.records import RunRecord
from resforge.training.cost import Cost
from rich.console import Console

shares = st.floats(0.0, 1.0)


@given(st.lists(shares, min_size=2, max_size=20))
def test_spread_is_what_the_textbook_says(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread is not None
    assert spread.mean == pytest.approx(statistics.mean(values), abs=1e-12)
    assert spread.deviation == pytest.approx(statistics.stdev(values), abs=1e-9)
    assert (spread.low, spread.high) == (min(values), max(values))


def test_one_seed_has_no_deviation_and_none_has_no_spread() -> None:
    assert Spread.of([0.5]) == Spread(0.5, None, 0.5, 0.5)
    assert Spread.of([]) is None


def test_the_verdict_shows_the_papers_finding() -> None:
    told = state_verdict(compare(make_records(grid(paper))), num_classes=10)
    assert told == [
        "At depth 56, plain collapsed on 3 of 3 seeds: test error 65.1%, where guessing has 90.0%,"
        " while A has 3.1% and B 3.1%.",
        "At depth 8, plain, A and B all learned: test error 3.1%.",
    ]


@given(st.lists(shares, min_size=6, max_size=6))
def test_the_verdict_follows_the_numbers(errors: list[float]) -> None:
    cells = dict(zip(product(("8", "56"), ("plain", "A", "B")), errors, strict=True))
    records = make_records({cell: [done(error)] * 3 for cell, error in cells.items()})
    told = state_verdict(compare(records), num_classes=10)
    for depth in ("8", "56"):
        (sentence,) = [s for s in told if f"depth {depth}," in s]
        _, fell, after = sentence.partition(": test error ")
        for shortcut in ("plain", "A", "B"):
            named = re.search(rf"\b{shortcut} (collapsed )?on 3 of 3", sentence) is not None
            collapsed = cells[depth, shortcut] > 0.45
            assert named == collapsed
            if fell and " while " in after and not collapsed:
                assert f"{shortcut} " in after


def test_collapse_is_judged_seed_by_seed() -> None:
    """A mean of 17% hides that two of eight seeds learned nothing."""
    cells = {
        ("8", "plain"): [done(error) for error in (0.7, 0.6, *[0.02] * 6)],
        ("8", "A"): [done(0.5), *[done(0.02)] * 7],
        ("8", "B"): [done(0.02)] * 8,
    }
    (told,) = state_verdict(compare(make_records(cells)), 10)[:1]
    assert told == (
        "At depth 8, plain collapsed on 2 of 8 seeds and A on 1 of 8: test error 8.0% to 17.8%,"
        " where guessing has 90.0%, while B has 2.0%."
    )
    del cells["8", "B"]
    (told,) = state_verdict(compare(make_records(cells)), 10)[:1]
    assert "no arm learned" not in told


def test_the_table_shows_the_steps_to_a_threshold() -> None:
    slow = replace(done(0.05), test_curve=((10, 0.5, 1.0), (20, 0.1, 0.5), (40, 0.05, 0.3)))
    quick = replace(slow, test_curve=((10, 0.08, 0.4), (40, 0.05, 0.3)))
    never = replace(slow, test_curve=((10, 0.9, 2.0), (40, 0.3, 1.0)))
    records = make_records({("8", "A"): [slow, quick, slow], ("8", "B"): [quick, never]})
    assert "steps to" not in headings(compare(records))
    records.sweep["threshold"] = 10.0
    first, second = rows = compare(records)
    assert first.steps_to == Spread.of([20.0, 10.0, 20.0])
    assert (second.reached, second.done) == (1, 2)
    at = headings(rows).index("steps to")
    assert [cells(row)[at] for row in rows] == ["10%: 17", "10%: 10, 1 of 2"]
    for format in ("html", "md", "csv", "json"):
        assert "10%: 10, 1 of 2" in render(records, format) or format in ("csv", "json")


def test_the_training_error_stands_beside_the_test_error() -> None:
    learned = replace(done(0.25), train_errors=((1, 0.5), (2, 0.125)))
    old = done(0.25)  # of a version that did not record it
    records = make_records({("8", "A"): [learned, learned], ("8", "B"): [old]})
    first, second = rows = compare(records)
    assert first.train_error == Spread.of([0.125, 0.125])
    assert second.train_error is None
    for format in ("html", "md", "latex"):
        text = render(records, format)
        assert 0 < text.index("training error") < text.index("12.5")
    page = Page(render(records, "html"))
    heads, *body = [row for row in page.rows if len(row) > 5][:3]
    at = heads.index("training error %")
    assert heads[at + 1] == "test error %"
    assert [row[at] for row in body] == ["12.5 ± 0.0", ""]
    assert "training error %" not in headings(rows)  # of a terminal
    assert json.loads(render(records, "json"))["arms"][0]["train_error"]["mean"] == 0.125
    listed = list(csv.DictReader(render(records, "csv").splitlines()))
    assert [row["train_error"] for row in listed if row["kind"] == "arm"] == ["0.125", ""]


def test_no_figure_of_an_arm_is_forgotten() -> None:
    """Where everything was recorded, no field of a row has the value that means "not recorded"."""
    full = replace(done(0.8), train_errors=((1, 0.5), (2, 0.125)))
    ends = [Outcome(status, steps=1) for status in get_args(Status) if status != "done"]
    records = make_records({("8", "A"): [full, *ends]})
    records.sweep.update(seeds=list(range(len(ends) + 2)), threshold=85.0)
    digest = records.arms[0].digest
    (row,) = compare(replace(records, measured={digest: Cost(training_memory=1)}))
    assert [name for name, figure in row.as_dict().items() if figure in (None, 0, "")] == []


def test_what_went_wrong_is_counted_and_named() -> None:
    nan, broken = Outcome("diverged", ((1, 2.0),), steps=1), Outcome("failed", error="Oops: <b>")
    records = make_records(
        {("8", "A"): [nan, nan, nan], ("8", "B"): [done(0.1), broken], ("8", "C"): []}
    )
    rows = compare(records)
    assert [(row.done, row.diverged, row.failed, row.pending) for row in rows] == [
        (0, 3, 0, 0),
        (1, 0, 1, 1),
        (0, 0, 0, 3),
    ]
    assert state_verdict(rows, 10) == [
        "At depth 8, B learned: test error 10.0%.",
        "3 trials diverged (the loss stopped being finite): 3 of depth=8/shortcut=A.",
        "1 trial failed with an error: 1 of depth=8/shortcut=B.",
        "Not finished: 4 more to come.",
    ]
    page = render_report(records)
    assert "Oops: &lt;b&gt;" in page
    assert "diverged after step 1" in page


def test_arms_of_one_network_do_not_double_its_trials() -> None:
    nan, waiting = Outcome("diverged", ((1, 2.0),), steps=1), [done(0.1)]
    records = make_records({("8", "A"): [nan, nan], ("8", "twin"): [nan, nan], ("8", "B"): waiting})
    first, twin, other = records.arms
    records = replace(records, arms=(first, replace(twin, digest=first.digest), other))
    assert state_verdict(compare(records), 10)[1:] == [
        "2 trials diverged (the loss stopped being finite): 2 of depth=8/shortcut=A.",
        "Not finished: 3 more to come.",
    ]


def test_no_arm_is_said_not_to_have_learned_before_it_was_trained() -> None:
    fallen = {("8", "plain"): [done(0.8)] * 3}
    (told, _) = state_verdict(compare(make_records({**fallen, ("8", "A"): []})), 10)
    assert told.endswith("where guessing has 90.0%.")
    (told,) = state_verdict(compare(make_records(fallen)), 10)
    assert told.endswith("where guessing has 90.0%; no arm learned.")


def test_the_page_stands_alone() -> None:
    page = Page(render_report(make_records(grid(paper))))
    # The arms' parting, a forest for each of five places, errors against cost, four learning
    # curves, and the dots of six arms.
    assert page.attributes.count(("role", "img")) == 1 + 5 + 1 + 4 + 6
    assert not {"script", "link", "img", "iframe", "object", "base"} & {*page.tags}
    for name, value in page.attributes:
        assert name != "src"
        assert not name.startswith("on")
        if name.endswith("href"):
            assert (value or "").startswith("#")
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    pointed = {(value or "")[1:] for name, value in page.attributes if name.endswith("href")}
    assert pointed <= {*ids}


def test_a_hostile_name_is_only_text() -> None:
    evil = "<script>alert(1)</script>"
    records = make_records(
        {("8", evil): [done(0.1)], ("$x_", "\"'&"): [done(0.2)]}, title=evil, text=f"name: {evil}"
    )
    page = Page(render_report(records))
    assert "script" not in page.tags
    assert page.text.count(evil) >= 4


def test_the_same_records_give_the_same_bytes() -> None:
    records = make_records(grid(paper))
    assert render_report(records) == render_report(records)


def test_nothing_recorded_yet_is_a_page_too() -> None:
    page = Page(render_report(make_records({("8", "A"): [], ("8", "B"): []})))
    assert "Not finished: 6 more to come." in page.text


def test_environments_that_changed_half_way_are_flagged() -> None:
    def ran_with(torch: str) -> Outcome:
        return Outcome("done", ((1, 1.0),), ((1, 0.1, 1.0),), 1, environment={"torch": torch})

    same = make_records({("8", "A"): [ran_with("2.13"), ran_with("2.13")]})
    changed = make_records({("8", "A"): [ran_with("2.13"), ran_with("2.14")]})
    assert "changed half-way" not in render_report(same)
    assert "in 2 different environments" in render_report(changed)


def test_the_table_fits_a_terminal_and_shows_all() -> None:
    rows = compare(make_records(grid(paper)))
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(comparison_table(rows, "[bold]no markup[/bold]"))
    console.file.close()
    text = console.export_text()
    assert "[bold]no markup[/bold]" in text
    assert "65.1 ± 0.1" in text
    assert "…" not in text
    assert len([line for line in text.splitlines() if "3 of 3" in line]) == len(rows)


ONE = PublishedTable(
    source="<b>A paper</b>, Table 6", measure="error, %", rows={"depth=8/shortcut=A": 8.75}
)
OTHER = PublishedTable(
    source="Another", measure="top-1", rows={"depth=8/shortcut=A": "<i>fail</i>"}
)


@pytest.mark.parametrize(
    ("tables", "cell", "note"),
    [
        ([ONE], "8.75", "published: <b>A paper</b>, Table 6; error, %"),
        ([ONE, OTHER], "8.75 [1], <i>fail</i> [2]", "published [2]: Another; top-1"),
    ],
)
def test_what_papers_print_stands_beside_our_rows(
    tables: list[PublishedTable], cell: str, note: str
) -> None:
    records = make_records(grid(paper), published=tables)
    assert list(records.published) == tables
    rows = compare(records)
    assert rows == compare(make_records(grid(paper)))  # never in our own figures
    assert headings(rows, tables) == (*headings(rows), "published")
    assert {row.arm: cells(row, tables)[-1] for row in rows} == {
        **{row.arm: "" for row in rows},
        "depth=8/shortcut=A": cell,
    }
    page = Page(render_report(records))
    assert cell in page.text
    assert note in page.text
    assert not {"b", "i"} & {*page.tags}
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(comparison_table(rows, published=tables))
    console.file.close()
    assert note in console.export_text()


def test_without_published_tables_nothing_is_said_of_them() -> None:
    records = make_records(grid(paper))
    assert "published" not in headings(compare(records))
    assert "published" not in render_report(records)
    # A store from before there was such a key.
    del records.sweep["published"]
    assert records.published == ()


def test_a_row_is_plain_data() -> None:
    row: ArmRow = compare(make_records(grid(paper)))[0]
    tree = row.as_dict()
    assert tree["labels"] == {"depth": "8", "shortcut": "plain"}
    assert tree["test_error"]["low"] == pytest.approx(0.03)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with one trial of two recorded."""
    plan = plan_sweep(
        Sweep(
            sweep=1,
            base="digits_resnet8",
            axes={"shortcut": {"A": {}, "plain": {"shortcut": "none"}}},
            seeds=[3],
        )
    )
    me = Owner.me()
    with Store(tmp_path, create=True) as store:
        store.adopt(plan.record, me)
        claim = store.claim(me)
        assert claim is not None
        store.record(claim, done(0.125))
        store.leave(me)
    return tmp_path


def test_csv_has_a_row_for_each_trial(folder: Path) -> None:
    with write_csv(folder).open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["seed"], row["status"], float(row["test_error"])) == ("3", "done", 0.125)
    assert row["axis:shortcut"] in ("A", "plain")


def test_table_and_report_need_no_torch(folder: Path) -> None:
    code = (
        "import sys; from resforge.ablation import *; compare(sys.argv[1]);"
        "write_report(sys.argv[1]); write_csv(sys.argv[1]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    assert sorted(path.name for path in folder.iterdir()) == [
        "report.html",
        "results.csv",
        "results.sqlite",
    ]
    assert write_report(folder).read_text().startswith("<!doctype html>")


def test_each_network_is_pictured_with_what_sets_it_apart(folder: Path) -> None:
    records = read_records(folder)
    first, second = networks(records)
    assert (first.arms, first.changes) == (("shortcut=A",), ())
    assert second.arms == ("shortcut=plain",)
    assert "shortcut.match: identity -> none" in second.changes
    page = render_report(records)
    assert second.svg in page
    assert ("≠" in first.svg, "≠" in second.svg) == (False, True)
    assert "shortcut.match: identity -&gt; none" in page
    assert "Differs from shortcut=A in:" in page


def test_equal_networks_are_pictured_once_and_illegal_ones_not_at_all(folder: Path) -> None:
    records = read_records(folder)
    arm = records.arms[0]
    twin, strange = replace(arm, name="twin"), replace(arm, digest="0" * 64, spec='{"stem": 7}')
    found = networks(replace(records, arms=(arm, twin, strange)))
    assert [network.arms for network in found] == [("shortcut=A", "twin")]


def test_a_traceback_is_folded_under_its_last_line() -> None:
    broken = Outcome("failed", error="Traceback\n  deep down\nValueError: <b>")
    page = render_report(make_records({("8", "A"): [broken]}))
    assert "<details><summary>ValueError: &lt;b&gt;</summary>\n<pre>Traceback" in page


def test_each_run_has_a_row_of_what_it_was_made_with() -> None:
    records = make_records(grid(paper))
    assert "with at least one trial" not in render_report(records)
    manifest = {
        "torch": "2.13.0",
        "code": "c" * 64,
        "commit": f"{'a1' * 20}-dirty",
        "memory_bytes": 3 * 2**30,
        "ray": "",
        "engine": "<i>inline</i>",
    }
    runs = (RunRecord(NOW, manifest), RunRecord(NOW, {**manifest, "commit": "", "device": "cpu"}))
    page = Page(render_report(replace(records, runs=runs)))
    assert "2 runs with at least one trial" in page.text
    began = "2026-01-02 03:04"
    heads = ("began, UTC", "torch", "code", "commit", "engine", "memory", "device")
    (at,) = [index for index, row in enumerate(page.rows) if row == heads]
    assert page.rows[at + 1 :] == [
        (began, "2.13.0", "c" * 12, "a1a1a1a1a1a1, changed since", "<i>inline</i>", "3.0 GiB", ""),
        (began, "2.13.0", "c" * 12, "", "<i>inline</i>", "3.0 GiB", "cpu"),
    ]


def test_each_pair_says_how_much_of_it_starts_alike() -> None:
    """The figures of the plan's own ``shared``, in the page, in JSON and in CSV."""
    sweep = Sweep(
        sweep=1,
        base="digits_resnet8",
        axes={"shortcut": {"A": {}, "twin": {}, "B": {"shortcut": "projection"}}},
        seeds=1,
    )
    records = planned_records(sweep, {label: [done(0.1)] for label in ("A", "twin", "B")})
    twin, option_b = compare_pairs(records)
    size = sweep.data.input_shape[1:]
    plans = [rf.plan(arm.spec, size) for arm in expand_sweep(sweep)]
    assert option_b.shared == shared(plans[2], plans[0])
    assert (option_b.shared.tensors, option_b.shared.of) == (23, 29)
    assert paired_cells(option_b)[-1] == "23/29 96.3%"
    assert paired_cells(twin)[-1] == "23/23 100%"
    assert "23/29 96.3%" in Page(render_report(records)).text
    tree = json.loads(render(records, "json"))["comparisons"][1]
    assert tree["shared"] == option_b.shared._asdict()
    row = [*csv.DictReader(render(records, "csv").splitlines())][-2]
    assert (row["of"], row["shared_tensors"], row["shared_of"]) == ("shortcut=B", "23", "29")
    # A store whose specs are none of ours any more.
    (_, strange) = compare_pairs(
        make_records({("8", x): [done(0.1)] for x in "AB"} | {("9", "A"): []})
    )
    assert strange.shared is None
    assert paired_cells(strange)[-1] == ""
