"""Draws every picture of the documents again: ``python docs/draw.py``.

NAME.svg shows the spec that its document holds as ``# NAME.yaml``, or else the catalogue's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import resforge

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_SPEC = re.compile(r"^```yaml\n(# (\w+)\.yaml\n.*?)^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"^!\[.*\]\((.+\.svg)\)$", re.MULTILINE)


def pictures() -> Iterator[tuple[Path, str]]:
    """Each picture's path, and what should stand there."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        specs = {name: body for body, name in _SPEC.findall(text)}
        for link in _PICTURE.findall(text):
            path = document.parent / link
            own = specs.get(path.stem)
            spec = resforge.load(path.stem) if own is None else resforge.loads(own)
            yield path, resforge.plan(spec).to_svg()


if __name__ == "__main__":
    for path, svg in pictures():
        path.write_text(svg, encoding="utf-8")
