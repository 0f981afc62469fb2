"""The forest plot, errors against cost, and the page's figures held against the records."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

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
from resforge.ablation.reporting import chart, front, gradients
from resforge.ablation.reporting.chart import MAX_SERIES, NotNeededError, draw_curves, series_style
from resforge.ablation.reporting.figures import Quantity, key_chart, learning_curves
from resforge.ablation.reporting.forest import Row, _paint, forest_plots
from resforge.ablation.reporting.front import cost_chart, cost_charts, pareto_front
from resforge.ablation.reporting.gradients import gradient_charts
from resforge.ablation.reporting.table import cells, comparison_name, paired_cells
from resforge.drawing.plots import plotting
from resforge.training.cost import Cost, Latency


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


def test_measured_costs_have_charts_and_fronts_of_their_own() -> None:
    def cost(single: float, batch: float) -> Cost:
        times = ((1, single), (32, batch))
        timed = tuple(Latency(size, at, 0.9 * at, 1.1 * at, 10) for size, at in times)
        return Cost(timed, training_memory=int(100 * single * 2**20 * 100))

    # More MACs are not always more time.
    measured = [
        replace(arm(0, 100, 0.3), measured=cost(0.004, 0.01)),
        replace(arm(1, 200, 0.2), measured=cost(0.001, 0.02)),
        replace(arm(2, 300, 0.1), measured=Cost()),
    ]
    charts = cost_charts(measured)
    assert [chart.title.removeprefix("test error against ") for chart, _ in charts] == [
        "MACs",
        "the latency of one image",
        "the latency of one batch",
        "the memory of training",
    ]
    assert [front for _, front in charts] == [
        [("0", "100 MACs", "30.0"), ("1", "200 MACs", "20.0"), ("2", "300 MACs", "10.0")],
        [("1", "1 ms", "20.0")],
        [("0", "10 ms", "30.0"), ("1", "20 ms", "20.0")],
        [("1", "10 MiB", "20.0")],
    ]
    assert len(cost_charts([arm(0, 100, 0.3)])) == 1
    assert cost_charts([arm(0, 100, None)]) == []


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def many(differences: Sequence[float]) -> dict[tuple[str, str], list[Outcome]]:
    return {
        ("8", "plain"): [done(0.5) for _ in differences],
        ("8", "A"): [done(0.5 + d / 100) for d in differences],
    }


def test_the_forest_draws_the_figures_of_each_pair() -> None:
    (found,) = compare_pairs(make_records(many([1, 2, 3, 2, 1, 3])))
    (chart,) = forest_plots([found])
    assert chart.title == "paired differences: depth 8"
    assert {"A - plain", "n = 6"} <= {*words(chart.svg)}
    assert found.mean is not None
    axes = Figure().add_subplot()
    _paint([Row(found, found.mean, ("A - plain",))], axes)
    drawn = [tuple(line.get_xdata()) for line in axes.lines]
    assert drawn == [(0, 0), (found.low, found.high), (found.mean,)]


def test_each_place_has_a_scale_of_its_own() -> None:
    places = {**many([1, 2, 3]), ("56", "plain"): [done(0.9)] * 3, ("56", "A"): [done(0.1)] * 3}
    charts = {c.title: words(c.svg) for c in forest_plots(compare_pairs(make_records(places)))}
    deepest = "\N{MINUS SIGN}80"
    assert deepest in charts["paired differences: depth 56"]
    assert deepest not in charts["paired differences: depth 8"]


def test_places_of_one_scale_share_a_chart() -> None:
    cells = {
        (str(d), s): [done(e)] * 3 for d in (8, 14, 20) for s, e in (("plain", 0.2), ("A", 0.1))
    }
    records = make_records(cells)
    records.sweep["comparisons"] = [{"axis": "shortcut", "to": "plain"}]
    (chart,) = forest_plots(compare_pairs(records))
    assert chart.title == "paired differences"
    named = {"depth 8: A - plain", "depth 14: A - plain", "depth 20: A - plain"}
    assert named <= {*words(chart.svg)}


def test_a_long_label_is_not_cut() -> None:
    cells = {(str(d), s): [done(d / 200)] * 3 for d in (8, 56) for s in ("plain", "zero_pad")}
    records = make_records(cells)
    records.sweep["comparisons"] = [{"interaction": ["depth", "shortcut"]}]
    (found,) = compare_pairs(records)
    (chart,) = forest_plots([found])
    written = words(chart.svg)
    start = written.index("(zero_pad - plain at depth")
    assert " ".join(written[start : start + 3]) == comparison_name(found)


def test_the_first_picture_is_where_the_arms_part() -> None:
    cells = {("8", "A"): 0.1, ("8", "B"): 0.12, ("56", "A"): 0.1, ("56", "B"): 0.7}
    arm_panels = panels(
        compare(records := make_records({cell: [done(e)] for cell, e in cells.items()}))
    )
    chart = key_chart(records, arm_panels)
    assert chart is not None
    assert chart.title == "depth 56: test error of the arms"
    assert "B 90.0, 70.0" in chart.description
    crowd = make_records({("8", f"s{i}"): [done(0.1)] for i in range(13)})
    assert key_chart(crowd, panels(compare(crowd))) is None


def test_series_differ_without_colours() -> None:
    styles = [str(series_style(index)) for index in range(MAX_SERIES)]
    assert len({*styles}) == MAX_SERIES


def test_names_stand_beside_the_points() -> None:
    rows = [arm(number, number + 1, 0.1 + number / 50) for number in range(12)]
    chart = cost_chart(rows)
    assert chart is not None
    assert {row.arm for row in rows} <= {*words(chart.svg)}


def test_names_do_not_lie_on_one_another() -> None:
    """Long names of neighbours reach across half of the chart."""
    rows = [
        replace(arm(number, 1000 + 100 * number, 0.1), arm=f"width=w{number}/shortcut=zero")
        for number in range(8)
    ]
    figure = Figure(figsize=(5.0, 3.1), layout="constrained")
    axes = figure.add_subplot()
    front._paint(rows, front.MACS, axes)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == len(rows)
    for one, other in combinations(boxes, 2):
        assert min(one.x1, other.x1) - max(one.x0, other.x0) <= 0 or (
            min(one.y1, other.y1) - max(one.y0, other.y0) <= 1
        )


def test_only_separable_pairs_have_colour() -> None:
    for pairs, coloured in ((3, False), (4, True)):  # p is 0.07 and 0.03
        (chart,) = forest_plots(compare_pairs(make_records(many(range(1, pairs + 1)))))
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
    for drawn in learning_curves(records, panels(compare(records)))[::2]:
        assert "training loss" in drawn.title
        limits.add(tuple(word for word in words(drawn.svg) if word[:1].isdigit()))
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


def test_the_training_error_has_a_chart_beside_the_test_error() -> None:
    outcome = replace(done(0.25), train_errors=((1, 0.5), (2, 0.125)))
    records = make_records({("8", "A"): [outcome]})
    charts = learning_curves(records, panels(compare(records)))
    assert [chart.title.partition(": ")[2] for chart in charts] == [
        "training loss",
        "training error",
        "test error",
    ]
    assert "50.0, 12.5" in charts[1].description


def test_a_panel_that_waits_for_its_trials_is_not_drawn() -> None:
    records = make_records({("8", "A"): [done(0.25)], ("56", "A"): []})
    charts = learning_curves(records, panels(compare(records)))
    assert [chart.title for chart in charts] == ["depth 8: training loss", "depth 8: test error"]


def test_nothing_to_draw_is_no_chart() -> None:
    records = make_records({("8", "A"): [], ("8", "B"): []})
    assert forest_plots(compare_pairs(records)) == []
    assert key_chart(records, panels(compare(records))) is None
    assert cost_chart(compare(records)) is None


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=3, max_size=8))
def test_the_page_prints_the_records_figures(differences: list[int]) -> None:
    records = make_records(many(differences))
    rows, compared = compare(records), compare_pairs(records)
    page = Page(render_report(records))
    # Without empty columns, and without the dots, whose title is text, too.
    shown = [tuple(c for c in row if c and "seeds, in" not in c) for row in page.rows]
    wanted = [*map(cells, rows), *map(paired_cells, compared)]
    printed = [tuple(filter(None, row)) for row in wanted]
    assert [row for row in shown if row in printed] == printed
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
    dots = page.text.count("seeds, in percent")
    assert page.tags.count("desc") == page.attributes.count(("role", "img")) - dots
    assert dots == len(records.arms)
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


def test_only_charts_of_other_values_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is the same, whatever was drawn before it."""
    arms = {("8", "A"): [done(0.1), done(0.2)], ("56", "A"): [done(0.3)], ("56", "B"): [done(0.4)]}
    changed = {**arms, ("56", "B"): [done(0.4), done(0.6)]}
    monkeypatch.setattr(chart, "_drawn", {})
    fresh = render_report(make_records(changed))
    monkeypatch.setattr(chart, "_drawn", {})
    drawn: list[str] = []
    real = chart._svg

    def noted(title: str, *rest: Any) -> str:
        drawn.append(title)
        return real(title, *rest)

    monkeypatch.setattr(chart, "_svg", noted)
    page = render_report(make_records(arms))
    everything = drawn.copy()
    assert render_report(make_records(arms)) == page
    assert drawn == everything
    assert render_report(make_records(changed)) == fresh
    again = drawn[len(everything) :]
    assert any(title.startswith("depth 8") for title in everything)
    assert again
    assert not any(title.startswith("depth 8") for title in again)


def test_a_chart_is_what_savefig_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page asks the canvas for it, which draws it once."""
    charts: list[str] = []

    def compared(title: str, size: tuple[float, float], paint: partial[None]) -> str:
        found, text = real(title, size, paint), io.StringIO()
        with plotting({**chart._STYLE, "svg.hashsalt": title}):
            figure = Figure(figsize=size, layout="constrained")
            paint(figure.add_subplot())
            figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        assert found == text.getvalue(), title
        charts.append(title)
        return found

    real = chart._svg
    monkeypatch.setattr(chart, "_svg", compared)
    monkeypatch.setattr(chart, "_drawn", {})
    norms = ((("conv1.weight", 4.0), ("fc.weight", 0.5)),) * 2
    render_report(make_records(grid(paper)))
    trained = [replace(done(error), gradients=norms) for error in (0.1, 0.2)]
    render_report(planned_records(SHORTCUTS, {"A": trained, "B": trained}))
    assert any(title.startswith("gradients") for title in charts)
    assert any(title.startswith("paired differences") for title in charts)
    assert "test error against MACs" in charts


def test_few_charts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart, "_drawn", {})
    monkeypatch.setattr(chart, "_MOST_KEPT", 2)
    monkeypatch.setattr(chart, "_svg", lambda title, *rest: f"<svg>{title}")
    for title in ("a", "b", "a", "c"):
        chart.draw(title, "", (1, 1), partial(print))
    assert [*chart._drawn.values()] == ["<svg>a", "<svg>c"]


def test_a_page_that_is_not_needed_any_more_is_given_up() -> None:
    def render() -> None:
        chart.not_needed.set(lambda: True)
        render_report(make_records(grid(paper)))

    with pytest.raises(NotNeededError):
        copy_context().run(render)
    assert render_report(make_records(grid(paper)))
