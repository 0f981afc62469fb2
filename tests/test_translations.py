"""Translated pages have the code, the headings and the links of their originals."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Each translation, and its original.
ORIGINALS = {
    ROOT / "README.zh-CN.md": ROOT / "README.md",
    **{
        path: ROOT / "docs" / "tutorials" / path.name
        for path in sorted((ROOT / "docs" / "zh").glob("*.md"))
    },
}
#: Of the README, the part before this heading is translated.
README_END = "\n## In Python\n"
BLOCK = re.compile(r"^```.*?^```$\n?", re.MULTILINE | re.DOTALL)
#: The line below the title that leads to the other languages.
LANGUAGES = re.compile(r"^(?:English|\[English\]\(\S+\)) · .*\n", re.MULTILINE)

each_translation = pytest.mark.parametrize(
    ("translation", "original"), ORIGINALS.items(), ids=lambda path: path.name
)


def translated(page: Path) -> str:
    """The text of a page, of the README's original the part that is translated."""
    text = page.read_text(encoding="utf-8")
    if page != ROOT / "README.md":
        return text
    first, heading, _ = text.partition(README_END)
    assert heading
    return first


def prose(page: Path) -> str:
    """The text of a page without its blocks and without the line of languages."""
    text, found = LANGUAGES.subn("", BLOCK.sub("", translated(page)))
    assert found == (page.parent != ROOT / "docs" / "tutorials"), "the line of languages"
    return text


def links(page: Path) -> list[tuple[str, str]]:
    """Each target of a link or picture, as a file of the repository and a section.

    A translated page counts as its original. Links to the page's own original are left out.
    """
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https:", "#")):
            found.append((target, ""))
            continue
        name, _, section = target.partition("#")
        path = Path(os.path.normpath(page.parent / name))
        path = ORIGINALS.get(path, path)
        if path != ORIGINALS.get(page):
            found.append((str(path.relative_to(ROOT)), section))
    return found


def test_the_readme_and_three_tutorials_are_translated() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in ORIGINALS]
    assert names == [
        "README.zh-CN.md",
        "docs/zh/compare.md",
        "docs/zh/define.md",
        "docs/zh/generate.md",
    ]
    assert "[简体中文](README.zh-CN.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@each_translation
def test_blocks_are_equal(translation: Path, original: Path) -> None:
    wanted = BLOCK.findall(translated(original))
    assert len(wanted) >= 3
    assert BLOCK.findall(translated(translation)) == wanted


@each_translation
def test_headings_have_the_same_levels(translation: Path, original: Path) -> None:
    levels = [re.findall(r"^(#+) ", prose(page), re.MULTILINE) for page in (translation, original)]
    assert levels[0] == levels[1]


@each_translation
def test_links_lead_to_the_same_targets(translation: Path, original: Path) -> None:
    assert sorted(links(translation)) == sorted(links(original))


@each_translation
def test_names_of_the_language_are_not_translated(translation: Path, original: Path) -> None:
    spans = [{*re.findall(r"`([^`\n]+)`", prose(page))} for page in (translation, original)]
    assert spans[0] == spans[1]


@each_translation
def test_paragraphs_are_as_many(translation: Path, original: Path) -> None:
    """A paragraph that is added to the original is missed in the translation."""
    counts = [len(re.split(r"\n\n+", prose(page).strip())) for page in (translation, original)]
    # The README's translation ends with where the rest is.
    assert counts[0] - (translation.parent == ROOT) == counts[1]
