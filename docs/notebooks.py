"""Writes the tutorials as notebooks, into examples/notebooks.

Run as ``python docs/notebooks.py``. Prose becomes Markdown cells, Python blocks code, a YAML block
that begins with ``# name.yaml`` writes that file, and commands are run by the shell. A test fails
where a notebook differs from its tutorial.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

DOCS = Path(__file__).resolve().parent
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
FOLDER = DOCS.parent / "examples" / "notebooks"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ([\w.-]+\.yaml)\n")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)([^)]*)\)")


def notebook_of(tutorial: Path) -> str:
    """The notebook of a tutorial, as the text of its file."""
    cells = []
    for number, (kind, source) in enumerate(_cells(tutorial.read_text(encoding="utf-8"))):
        make = new_code_cell if kind == "code" else new_markdown_cell
        cells.append(make(source, id=f"cell-{number}"))
    language = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.writes(new_notebook(cells=cells, metadata=language)) + "\n"


def path_of(tutorial: Path) -> Path:
    """The file of a tutorial's notebook."""
    return FOLDER / f"{tutorial.stem.replace('-', '_')}.ipynb"


def _cells(text: str) -> Iterator[tuple[str, str]]:
    prose, end = "", 0
    for found in _FENCE.finditer(text):
        prose += text[end : found.start()]
        end = found.end()
        code = _code(found[1], found[2])
        if code is None:
            prose += found[0]
            continue
        if prose.strip():
            yield "prose", _LINK.sub(r"](../../docs/tutorials/\1\2)", prose.strip())
        prose = ""
        yield "code", code
    if (prose + text[end:]).strip():
        yield "prose", _LINK.sub(r"](../../docs/tutorials/\1\2)", (prose + text[end:]).strip())


def _code(language: str, body: str) -> str | None:
    """A block as the source of a cell; None where it is for reading alone."""
    if language == "python":
        return body.strip()
    if language == "yaml" and (named := _NAMED.match(body)):
        return f"%%writefile {named[1]}\n{body.strip()}"
    if language == "console":
        return "\n".join(f"!{line[2:]}" for line in body.splitlines() if line.startswith("$ "))
    return None


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for page in TUTORIALS:
        path_of(page).write_text(notebook_of(page), encoding="utf-8")
