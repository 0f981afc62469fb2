"""The forest plot, errors against cost, and the page's figures held against the records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from matplotlib.figure import Figure
from report_records import Page, done, grid, make_records, paper, planned_records
from resforge.ablation import (
    ArmRow,
    Outcome,
    Spread,
    Sweep,
    compare,
    compare_pairs,
    render_report,
)
from resforge.ablation.comparing.rows import panels
from resforge.ablation.reporting import gradients
from resforge.ablation.reporting.chart import draw_curves
from resforge.ablation.reporting.figures import Quantity, learning_curves
from resforge.ablation.reporting.forest import _paint, forest_plot
from resforge.ablation.reporting.front import cost_chart, pareto_front
from resforge.ablation.reporting.gradients import gradient_charts
from resforge.ablation.reporting.table import cells, paired_cells


def arm(name: int, macs: int, error: float | None) -> ArmRow:
    spread = None if error is None else Spread.of([error])
    ends = (1, 0, 0, 0, 0, 0) if spread else (0, 1, 0, 0, 0, 0)
    return ArmRow(str(name), (("arm", str(name)),), 1, macs, 8, *ends, spread, None, 1.0)


errors = st.none() | st.sampled_from([0.0, 0.1, 0.2, 0.3])


@given(st.lists(st.tuples(st.integers(1, 4), errors), max_size=10))
def test_nobody_beats_an_arm_on_the_front(drawn: list[tuple[int, float | None]]) -> None:
    rows = [arm(name, *figures) for name, figures in enumerate(drawn)]
    known = [(row, row.macs, row.test_error.mean) for row in rows if row.test_error]
    unbeaten = [
        row
        for row, macs, error in known
        if not any(m <= macs and e <= error and (m, e) != (macs, error) for _, m, e in known)
    ]
    front = pareto_front(rows)
    assert sorted(row.arm for row in front) == sorted(row.arm for row in unbeaten)
    assert [row.macs for row in front] == sorted(row.macs for row in front)
    assert (cost_chart(rows) is None) == (not known)


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def many(differences: Sequence[float]) -> dict[tuple[str, str], list[Outcome]]:
    return {
        ("8", "plain"): [done(0.5) for _ in differences],
        ("8", "A"): [done(0.5 + d / 100) for d in differences],
    }


def test_the_forest_draws_the_figures_of_each_pair() -> None:
    (found,) = compare_pairs(make_records(many([1, 2, 3, 2, 1, 3])))
    chart = forest_plot([found])
    assert chart is not None
    assert {"depth 8: A - plain", "n = 6"} <= {*words(chart.svg)}
    assert found.mean is not None
    axes = Figure().add_subplot()
    _paint(axes, [(found, found.mean)])
    drawn = [tuple(line.get_xdata()) for line in axes.lines]
    assert drawn == [(0, 0), (found.low, found.high), (found.mean,)]


def test_only_separable_pairs_have_colour() -> None:
    for pairs, coloured in ((5, False), (6, True)):  # p is 0.0625 and 0.03125
        chart = forest_plot(compare_pairs(make_records(many(range(1, pairs + 1)))))
        assert chart is not None
        assert ("var(--series-1)" in chart.svg) is coloured


def test_curves_are_means_in_a_band_from_the_lowest_seed_to_the_highest() -> None:
    axes = Figure().add_subplot()
    draw_curves(axes, {0: [[(1, 1.0), (2, 2.0)], [(2, 6.0)]]})
    (line,), (band,) = axes.lines, axes.collections
    assert [*map(tuple, line.get_xydata())] == [(1, 1.0), (2, 4.0)]
    corners = {tuple(corner) for path in band.get_paths() for corner in path.vertices}
    assert corners == {(1, 1.0), (2, 2.0), (2, 6.0)}
    # Of many series the bands would only be a fog.
    crowd = Figure().add_subplot()
    draw_curves(crowd, {number: [[(1, 1.0)]] for number in range(9)})
    assert (len(crowd.lines), len(crowd.collections)) == (9, 0)


def test_charts_of_one_quantity_share_their_axes() -> None:
    records = make_records({("8", "A"): [done(0.5, (9.0, 3.0))], ("9", "A"): [done(0.1)]})
    limits = set()
    for chart in learning_curves(records, panels(compare(records)))[::2]:
        assert "training loss" in chart.title
        limits.add(tuple(word for word in words(chart.svg) if word[:1].isdigit()))
    assert len(limits) == 1


def test_images_set_aside_have_a_chart_of_their_own() -> None:
    outcome = replace(done(0.25), validation_curve=((1, 0.8, 1.0), (2, 0.125, 0.1)))
    records = make_records({("8", "A"): [outcome]})
    charts = learning_curves(records, panels(compare(records)))
    titles = [f"depth 8: {what}" for what in ("training loss", "validation error", "test error")]
    assert [chart.title for chart in charts] == titles
    assert [
        ("80.0, 12.5" in chart.description, "90.0, 25.0" in chart.description) for chart in charts
    ] == [
        (False, False),
        (True, False),
        (False, True),
    ]


def test_nothing_to_draw_is_no_chart() -> None:
    records = make_records({("8", "A"): [], ("8", "B"): []})
    assert forest_plot(compare_pairs(records)) is None
    assert cost_chart(compare(records)) is None


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=3, max_size=8))
def test_the_page_prints_the_records_figures(differences: list[int]) -> None:
    records = make_records(many(differences))
    rows, compared = compare(records), compare_pairs(records)
    page = Page(render_report(records))
    printed = [paired_cells(c) for c in compared] + [cells(row) for row in rows]
    assert [row for row in page.rows if row in printed] == printed
    for found in compared:
        assert found.verdict in page.text


@pytest.mark.parametrize("name", ["<b>&\"'", "$x_$ and $", "\\alpha", "x" * 300, "\u202e"])
def test_a_chart_takes_any_name(name: str) -> None:
    records = make_records({("8", name): [done(0.1)], ("8", "plain"): [done(0.2)]})
    page = Page(render_report(records))
    assert not {"b"} & {*page.tags}
    assert page.text.count(name) >= 3


def test_axes_have_plain_numbers() -> None:
    assert "mathdefault" not in render_report(make_records(grid(paper)))


SHORTCUTS = Sweep(
    sweep=1,
    base="digits_resnet8",
    axes={"shortcut": {"A": {}, "B": {"shortcut": "projection"}}},
    seeds=2,
)


def test_gradients_stand_by_the_depth_of_their_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the layers whatever that of the names; of the main path alone."""
    first = [("fc.weight", 4.0), ("conv1.weight", 1.0), ("layer2.0.downsample.0.weight", 900.0)]
    other = [("conv1.weight", 3.0), ("fc.weight", None), ("layer1.0.conv1.weight", 0.0)]
    last = [("conv1.weight", 0.5), ("fc.weight", 0.25)]
    trained = [
        replace(done(0.1), gradients=(tuple(first), tuple(last))),
        Outcome("diverged", ((1, 2.0),), steps=1, gradients=(tuple(other),)),
    ]
    records = planned_records(SHORTCUTS, {"A": [done(0.1)] * 2, "B": trained})
    at_first, at_last = gradient_charts(records, panels(compare(records)))
    assert (at_first.title, at_last.title) == (
        "gradients at the first step",
        "gradients at the last step",
    )
    held: list[Quantity] = []
    with monkeypatch.context() as patched:
        patched.setattr(gradients, "draw_panels", lambda _, quantities: held.extend(quantities))
        gradient_charts(records, ())
    drawn = [[[*points] for points in quantity.curves("shortcut=B")] for quantity in held]
    assert drawn == [[[(8, 4.0), (1, 1.0)], [(1, 3.0)]], [[(1, 0.5), (8, 0.25)], []]]
    # A recorded none; the mean of 1 and 3, then the 4 of one seed.
    assert at_first.description.endswith("at the left end and at the right: B 2, 4.")
    assert at_last.description.endswith("at the left end and at the right: B 0.5, 0.25.")
    page = Page(render_report(records))
    assert "Gradients by depth" in page.text
    assert at_first.description in page.text


def test_without_gradients_there_is_no_chart_of_them() -> None:
    records = planned_records(SHORTCUTS, {"A": [done(0.1)], "B": []})
    assert gradient_charts(records, panels(compare(records))) == []
    assert "Gradients" not in render_report(records)


def test_every_chart_has_a_description() -> None:
    records = make_records(grid(paper))
    page = Page(render_report(records))
    assert page.tags.count("desc") == page.tags.count("svg")
    assert (
        "test error, % against step, mean over seeds, at the left end and at the right:"
        " plain 90.0, 65.1; A 90.0, 3.1; B 90.0, 3.1." in page.text
    )


def test_more_series_than_can_be_distinguished_are_left_out_and_that_is_said() -> None:
    records = make_records({("8", f"x{number}"): [done(0.1)] for number in range(26)})
    page = Page(render_report(records))
    assert "Drawn are the first 24 of 26 lines." in page.text
    (told,) = re.findall("test error, % against[^.]*:(.*)", page.text)
    assert "x23 " in told
    assert "x24 " not in told
