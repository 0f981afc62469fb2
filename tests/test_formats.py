"""The report in every format: the records' figures, any name made harmless, text that parses."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import get_args

import hypothesis.strategies as st
import pytest
import resforge as rf
from hypothesis import example, given, settings
from markdown_it import MarkdownIt
from report_records import done, grid, make_records, paper
from resforge.ablation import (
    Outcome,
    PublishedTable,
    Records,
    compare,
    compare_pairs,
    export_results,
    render,
)
from resforge.ablation.reporting.formats import Format
from resforge.ablation.reporting.table import PAIRED, cells, headings, paired_cells
from resforge.errors import printable

FORMATS = get_args(Format)
hostile = st.text(
    st.sampled_from("\\{}$&#%_~^<>|[]*`=+-@!\"'.,;1a \n\r\t\0\u202eé±")
    | st.characters(exclude_categories=["Cs"]),
    min_size=1,
    max_size=12,
)


def named(name: str) -> Records:
    """The name wherever one can stand, at the start of a row among them."""
    return make_records(
        {(name, "plain"): [done(0.2)] * 3, (name, f"{name}?"): [done(0.1)] * 3}, title=name
    )


def every_name(test: Callable[[str], None]) -> Callable[[], None]:
    for name in (
        "=1+1",
        "@x",
        "\\\\",
        "[x](y)",
        "| a |",
        "1. a",
        "- a",
        "<b>",
        "$x$",
        "\n# a",
        "*",
        "[",
        "a_b^c~d%e#f&g",
    ):
        test = example(name)(test)
    return settings(max_examples=25, deadline=None)(given(hostile)(test))


def in_markdown(text: str) -> tuple[list[list[str]], list[str], set[str]]:
    """Rows of tables, other pieces of text, and the kinds of tokens there are."""
    rows: list[list[str]] = []
    texts: list[str] = []
    kinds: set[str] = set()
    in_table = False
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        kinds.add(token.type)
        in_table = token.type != "table_close" and (in_table or token.type == "table_open")
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline":
            kinds.update(child.type for child in token.children or ())
            said = "".join(child.content for child in token.children or ())
            rows[-1].append(said) if in_table else texts.append(said)
    return rows, texts, kinds


@every_name
def test_markdown_says_what_the_records_say(name: str) -> None:
    records = named(name)
    rows, texts, kinds = in_markdown(render(records, "md"))
    arms, compared = compare(records), compare_pairs(records)
    told = [headings(arms), *map(cells, arms), PAIRED, *map(paired_cells, compared)]
    assert rows == [[printable(cell).strip() for cell in row] for row in told]
    assert [printable(found.verdict) for found in compared] == [
        text for text in texts if " test error than " in text and "n = 3 pairs" in text
    ]
    assert not kinds & {"html_inline", "html_block", "link_open", "em_open", "strong_open"}
    assert not kinds & {"image", "code_inline", "fence", "code_block", "ordered_list_open"}
    assert render(records, "md").count("\n- ") == len(texts) - 2  # but title and rule


PIECE = re.compile(r"\\[a-zA-Z]+(\{\})?|\\[{}$&#%_]|\\\\$|\$\\pm\$", re.MULTILINE)


@every_name
def test_latex_has_no_loose_specials(name: str) -> None:
    text = render(named(name), "latex")
    rest = PIECE.sub("", text)
    assert not set("\\$#%_~^<>|") & {*rest}
    depth = 0
    for c in rest:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0
    tables = re.findall(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL)
    for sides, body in tables:
        lines = [line for line in body.splitlines() if line != r"\hline"]
        assert {len(PIECE.sub("", line).split("&")) for line in lines} == {len(sides)}
        assert not any(line.startswith(("[", "*")) for line in lines)


@every_name
def test_csv_has_the_figures_and_no_formula(name: str) -> None:
    records = named(name)
    lines = list(csv.DictReader(io.StringIO(render(records, "csv"))))
    arms = [line for line in lines if line["kind"] == "arm"]
    compared = [line for line in lines if line["kind"] == "comparison"]
    for line, row in zip(arms, compare(records), strict=True):
        assert row.test_error is not None
        assert (float(line["test_error"]), int(line["macs"])) == (row.test_error.mean, row.macs)
    for line, found in zip(compared, compare_pairs(records), strict=True):
        assert (float(line["mean"]), int(line["n"])) == (found.mean, found.n)
        assert line["verdict"].removeprefix("'") == printable(found.verdict)
    for line in lines:
        assert not any(map(is_formula, line.values()))


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would compute the cell instead of showing it."""
    try:
        float(cell)
    except ValueError:
        return cell.lstrip().startswith(tuple("=+-@"))
    return False


@every_name
def test_exported_results_hold_no_formula(name: str) -> None:
    records = named(name)
    for curves in (False, True):
        head, *lines = csv.reader(io.StringIO(export_results(records, "csv", curves)))
        assert not any(is_formula(cell) for line in lines for cell in line)
        assert [line[head.index("arm")] for line in lines if line[1] == "0"]
    failed = make_records({("a", "b"): [Outcome("failed", error="Oops\n=1+1 is 3")]})
    (line,) = csv.DictReader(io.StringIO(export_results(failed)))
    assert line["error"] == "'=1+1 is 3"
    assert line["axis:depth"] == "a"


@pytest.mark.parametrize("name", ["-1", "+1.5e-3", ".5"])
def test_numbers_written_as_labels_stay_numbers(name: str) -> None:
    lines = csv.DictReader(io.StringIO(export_results(named(name))))
    assert {line["axis:depth"] for line in lines} == {name}


@every_name
def test_json_is_the_records(name: str) -> None:
    records = named(name)
    tree = json.loads(render(records, "json"))
    assert tree["title"] == printable(name)
    assert [row["arm"] for row in tree["arms"]] == [row.arm for row in compare(records)]
    assert tree["comparisons"] == json.loads(
        json.dumps([found.as_dict() for found in compare_pairs(records)])
    )


@pytest.mark.parametrize("format", FORMATS)
def test_text_is_the_same_each_time_and_shows_what_papers_print(format: Format) -> None:
    papers = [PublishedTable(source="A paper", measure="top-1", rows={"depth=8/shortcut=A": 8.75})]
    records = make_records(grid(paper), published=papers)
    text = render(records, format)
    assert text == render(records, format)
    assert "8.75" in text
    assert format == "csv" or "A paper" in text


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_recorded_yet_is_reported_too(format: Format) -> None:
    records = make_records({("8", "A"): [], ("8", "B"): []})
    assert "6 more to come" in render(records, format)


def test_another_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(rf.ResforgeError, match="'xml' is not one of html, md, latex, csv, json"):
        render(make_records({("8", "A"): []}), "xml")  # type: ignore[arg-type]
