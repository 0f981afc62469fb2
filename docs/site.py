"""The hook of `mkdocs.yml`: pages and files that lie outside of this folder.

The README is the first page; its translation, CONTRIBUTING and CHANGELOG have one each, and the
examples are files beside them. Their links, and those of pages to them, are rewritten. The
playground is added where `docs/playground/build.py` has built it, and whole specs link to it.
"""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
PLAYGROUND = Path(os.environ.get("RESFORGE_PLAYGROUND") or ROOT / "build" / "playground")
PAGES = {
    "README.md": "index.md",
    "README.zh-CN.md": "zh.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
LINKS = runpy.run_path(str(ROOT / "docs" / "links.py"))
_LINK = re.compile(r"(\]\()([^)\s#]+)")


def on_files(files: Files, *, config: Any) -> Files:
    """Add what lies outside of the folder."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_LINK.sub(_from_root, text)))
    for path in sorted((ROOT / "examples").iterdir()):
        if path.is_file():
            found = File.generated(config, f"examples/{path.name}", abs_src_path=str(path))
            files.append(found)
    for path in sorted(PLAYGROUND.rglob("*")):
        if path.is_file():
            name = f"playground/app/{path.relative_to(PLAYGROUND).as_posix()}"
            files.append(File.generated(config, name, abs_src_path=str(path)))
    files.append(File.generated(config, "LICENSE", abs_src_path=str(ROOT / "LICENSE")))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The text of a page, with links out of the folder as the site has them, and links into the
    playground."""
    source = page.file.src_uri
    if PLAYGROUND.is_dir():
        markdown = LINKS["with_links"](markdown, source)
    if source in PAGES.values():
        return markdown
    return _LINK.sub(lambda found: found[1] + _inside(found[2]), markdown)


def _from_root(found: re.Match[str]) -> str:
    target = found[2].removeprefix("docs/")
    return found[1] + PAGES.get(target, target)


def _inside(target: str) -> str:
    """A link from a page of the folder, where it leads out of it."""
    outside = re.fullmatch(r"((?:\.\./)+)(examples/.+|[A-Z]+(?:\.zh-CN)?\.md)", target)
    if outside is None:
        return target
    up = "../" * (outside[1].count("../") - 1)
    return up + PAGES.get(outside[2], outside[2])
