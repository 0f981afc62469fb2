"""The question of a sweep and its answer, which open the report."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from report_records import done, grid, make_records, paper
from resforge.ablation import Outcome, compare, compare_pairs, render_report
from resforge.ablation.comparing.answer import state_answer, state_question
from resforge.ablation.reporting.dots import dot_strips
from resforge.ablation.reporting.table import PAIRED, without_empty

NORMAL = "(separable, if differences over seeds are roughly normal)"


def told(records: Any) -> tuple[str, list[str]]:
    rows, compared = compare(records), compare_pairs(records)
    return state_question(compared, rows), state_answer(compared, rows)


def against_plain() -> Any:
    records = make_records(grid(paper))
    records.sweep["comparisons"] = [{"axis": "shortcut", "to": "plain"}]
    return records


def cells(errors: dict[str, list[float]], seeds: int = 3) -> dict[tuple[str, str], Any]:
    return {("8", name): [done(error) for error in some[:seeds]] for name, some in errors.items()}


def test_the_papers_finding_is_the_answer() -> None:
    question, answer = told(against_plain())
    assert question == "Do A and B differ from plain in test error, at depth 8 and at depth 56?"
    assert re.fullmatch(
        rf"At depth 56, A and B have 6\d\.\d points less test error than plain"
        rf" {re.escape(NORMAL)}\.",
        answer[0],
    )
    assert answer[1].startswith("None of the other 2 comparisons is separable: the differences are")


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=6))
def test_the_answer_says_no_more_than_the_comparisons(errors: list[list[float]]) -> None:
    records = make_records(cells({f"s{i}": some for i, some in enumerate(errors)}))
    compared = compare_pairs(records)
    answer = " ".join(told(records)[1])
    found = [c for c in compared if c.separable]
    assert (" points less " in answer or " points more " in answer) == bool(found)
    assert ("separable, if" in answer) == bool(found)
    assert ("not separable" in answer or "None of" in answer) == (len(found) < len(compared))


def test_what_no_seed_tells_is_not_answered() -> None:
    records = make_records({("8", "A"): [], ("8", "B"): []})
    assert told(records)[1] == ["No comparison has a pair of seeds yet."]


def test_an_answer_that_will_not_come_is_not_waited_for() -> None:
    lost = make_records(
        {("8", "A"): [Outcome("failed", error="Oops")] * 3, ("8", "B"): [done(0.1)] * 3}
    )
    ended = "No comparison has a pair of seeds: no seed has a result of both sides."
    assert told(lost)[1] == [ended]
    same = make_records(cells({"A": [0.1] * 3, "B": [0.1] * 3, "C": [0.1] * 3}))
    twins = [replace(arm, digest="one") for arm in same.arms]
    for some, answer in (
        (2, "At depth 8, B and A are the same network: nothing to compare."),
        (3, "Each of the 2 comparisons is of a network with itself."),
    ):
        assert told(replace(same, arms=tuple(twins[:some])))[1] == [answer]


def test_names_of_arms_keep_their_case() -> None:
    records = make_records(cells({"a": [0.1] * 3, "b": [0.5] * 3}))
    bare = tuple(replace(arm, labels=arm.labels[1:]) for arm in records.arms)
    (answer,) = told(replace(records, arms=bare))[1]
    assert answer.startswith("b has 40.0 points more test error than a ")


def test_parts_of_an_answer_make_a_sentence() -> None:
    errors = {("8", "plain"): 0.03, ("8", "A"): 0.02, ("56", "plain"): 0.63, ("56", "A"): 0.035}
    records = make_records(
        {cell: [done(e + s / 1e5) for s in range(3)] for cell, e in errors.items()}
    )
    records.sweep["comparisons"] = [
        {"axis": "shortcut", "over": "depth"},
        {"interaction": ["depth", "shortcut"]},
        {"axis": "shortcut", "to": "plain"},
    ]
    (answer,) = told(records)[1]
    assert answer == (
        "At depth 56, A has 59.5 points less test error than plain; the difference A - plain at"
        " depth 56 is 58.5 points less than A - plain at depth 8; 2 more comparisons differ"
        " (separable, if differences over seeds are roughly normal)."
    )
    records.sweep["comparisons"] = records.sweep["comparisons"][:1]
    (answer,) = told(records)[1]
    assert answer.startswith("Averaged over depth, A has 30.2 points less test error than plain (")


def test_the_answer_says_how_much_of_it_supposes_normality() -> None:
    """Of C three seeds of eight have failed: five pairs are too few for sign flips."""
    made = cells(
        {name: [e + s / 1000 for s in range(8)] for name, e in (("A", 0.1), ("B", 0.4))}, 8
    )
    made["8", "C"] = [*made["8", "B"][:5], *[Outcome("failed", error="Oops")] * 3]
    records = make_records(made)
    records.sweep["seeds"] = list(range(8))
    (answer,) = told(records)[1]
    assert answer.endswith("(separable, 1 of 2 if differences over seeds are roughly normal).")


def test_a_sweep_that_is_not_over_says_so_far() -> None:
    records = make_records(cells({"A": [0.1, 0.1, 0.1], "B": [0.1, 0.12]}, 3))
    assert told(records)[1][0].startswith("So far: ")


def test_dots_stand_where_the_errors_are() -> None:
    low, high, none = dot_strips([[0.1, 0.1], [0.2, 0.3], []])
    places = [float(x) for x in re.findall(r'cx="([\d.]+)"', low + high)]
    assert places == [5, 5, 66, 127]
    assert "10.0, 10.0" in low
    assert none == ""
    assert re.findall(r'cx="([\d.]+)"', dot_strips([[0.4], [0.4]])[0]) == ["5"]


def test_an_empty_column_leaves_its_reason() -> None:
    heads, rows, reasons = without_empty(("pairs", "exact"), [("1", ""), ("2", "")])
    assert (heads, rows) == (["pairs"], [["1"], ["2"]])
    assert reasons == ["exact: sign flips need six pairs"]


def test_every_column_that_can_be_empty_has_a_reason() -> None:
    filled = {"comparison", "pairs", "separable"}
    row = ["some" if head in filled else "" for head in PAIRED]
    _, _, reasons = without_empty(PAIRED, [row])
    assert {reason.partition(":")[0] for reason in reasons} == {*PAIRED} - filled


@pytest.mark.parametrize(("arms", "searched"), [(20, False), (21, True)])
def test_many_arms_can_be_searched(arms: int, searched: bool) -> None:
    records = make_records(cells({f"s{i}": [0.1, 0.2, 0.3] for i in range(arms)}))
    page = render_report(records)
    assert ("data-searched" in page) == searched
    assert ("<script>" in page) == searched
    # Nothing is fetched from elsewhere.
    assert not re.search(r"""(src|href)=["'](?!#)""", page)


def test_a_running_sweep_reloads_its_page() -> None:
    records = make_records(grid(paper))
    assert 'http-equiv="refresh"' not in render_report(records)
    page = render_report(records, running=True)
    assert '<meta http-equiv="refresh" content="10">' in page
    assert f"{records.finished} of {records.total} trials are recorded" in page


def test_the_answer_comes_before_the_arms_and_these_before_the_statistics() -> None:
    page = render_report(make_records(grid(paper)))
    order = [page.index(part) for part in ('class="answer"', 'class="wide key"', ">Arms<", ">Stat")]
    assert order == sorted(order)
