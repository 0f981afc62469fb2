"""The report in a browser: its table of many arms is sorted, filtered and searched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_records import NOW, done, make_records, planned_records
from resforge.ablation import Records, Sweep, render_report
from resforge.ablation.results.records import RunRecord

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
if not CHROMIUM:
    pytest.skip("needs chromium", allow_module_level=True)
api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")

DEPTHS = [str(8 + 6 * step) for step in range(12)]


def many() -> Records:
    """Records of 24 arms, of which the deeper have lower errors."""
    cells = [(depth, shortcut) for depth in DEPTHS for shortcut in ("plain", "A")]
    ends = {
        cell: [
            replace(done(0.0), test_curve=((9 + number, 0.5, 1.0), (99, (40 - number) / 100, 1.0)))
        ]
        for number, cell in enumerate(cells)
    }
    records = make_records(ends)
    records.sweep["threshold"] = 50.0
    return records


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(many()), encoding="utf-8")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page()
        faults: list[str] = []
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.goto(path.as_uri())
        yield opened
        browser.close()
        assert faults == []


def shown(page: Any) -> list[tuple[str, str]]:
    """Labels of the arms that are visible, in their order."""
    rows = page.locator("table[data-searched] tbody tr:visible").all()
    return [tuple(row.locator("td").all_inner_texts()[:2]) for row in rows]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("", 24),
        ("A", 12),  # a label, which is not looked for in "plain"
        ("shortcut=A", 12),
        ("shortcut=pl", 12),
        ("depth=8", 1 * 2),
        ("8", 1 * 2),
        ("depth=8 A", 1),
        ("lain", 12),
        ("percent", 0),  # in the title of a picture
        ("depth=9", 0),
    ],
)
def test_words_find_labels(page: Any, words: str, count: int) -> None:
    page.get_by_label("Search the arms").fill(words)
    assert len(shown(page)) == count
    told = page.locator("span[role=status]").inner_text()
    assert told == (f"{count} of 24" if words else "")


def test_a_menu_filters_beside_the_words(page: Any) -> None:
    page.get_by_label("Search the arms").fill("depth=8")
    page.get_by_label("Filter by shortcut").select_option("A")
    assert shown(page) == [("8", "A")]
    page.get_by_label("Search the arms").fill("")
    assert shown(page) == [(depth, "A") for depth in DEPTHS]
    page.get_by_label("Filter by shortcut").select_option("")
    assert len(shown(page)) == 24


@pytest.mark.parametrize("head", ["depth", "test error %", "steps to"])
def test_a_head_sorts_by_numbers(page: Any, head: str) -> None:
    page.get_by_label("Search the arms").fill("plain")
    page.get_by_role("button", name=head, exact=True).click()
    rising = [depth for depth, _ in shown(page)]
    assert rising == (DEPTHS[::-1] if head == "test error %" else DEPTHS)
    page.get_by_role("button", name=head, exact=True).click()
    assert [depth for depth, _ in shown(page)] == rising[::-1]


def test_a_head_is_a_button_for_the_keyboard(page: Any) -> None:
    page.get_by_label("Search the arms").fill("plain")
    head = page.get_by_role("button", name="MACs", exact=True)
    head.focus()
    for key, order in (("Enter", "ascending"), (" ", "descending")):
        page.keyboard.press(key)
        assert head.locator("..").get_attribute("aria-sort") == order


def test_pictures_have_no_order(page: Any) -> None:
    assert page.get_by_role("button", name="seeds' errors").count() == 0


def test_what_was_asked_stays_when_the_page_reloads_itself(page: Any) -> None:
    page.get_by_label("Search the arms").fill("14")
    page.get_by_label("Filter by shortcut").select_option("plain")
    page.get_by_label("Search the arms").fill("2")
    page.get_by_role("button", name="params", exact=True).click()
    before = shown(page)
    page.reload()
    assert shown(page) == before != []
    assert page.get_by_label("Search the arms").input_value() == "2"
    assert page.locator("th[aria-sort]").inner_text() == "params"


def test_what_is_folded_is_printed(page: Any) -> None:
    folded = page.locator("details:not([open]) > :not(summary)").first
    page.reload()
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    page.emulate_media(media="screen")
    assert not folded.is_visible()


def test_nothing_printed_is_wider_than_a_sheet(page: Any) -> None:
    """It would make all of the report smaller."""
    arms = {name: {"shortcut": kind} for name, kind in (("A", "zero_pad"), ("plain", "none"))}
    sweep = Sweep(sweep=1, base="digits_resnet8", axes={"shortcut": arms}, seeds=2)
    records = planned_records(sweep, {name: [done(0.1)] * 2 for name in arms})
    manifest = {f"library {number}": "1.2.3+build" for number in range(14)}
    records = replace(records, runs=(RunRecord(NOW, manifest),))
    sheet = page.context.browser.new_page()
    sheet.set_content(render_report(records))
    sheet.emulate_media(media="print")
    sheet.set_viewport_size({"width": 680, "height": 900})
    for part in (".picture svg", ".runs table"):
        assert sheet.locator(part).first.is_visible()
    assert sheet.evaluate("document.documentElement.scrollWidth") == 680
    sheet.close()
