"""Tutorials are notebooks, too, and each runs from its first cell to its last."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parent.parent
nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
notebooks = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "notebooks.py")))
LONG = {"compare", "generate"}


def test_each_tutorial_has_its_notebook() -> None:
    for tutorial in notebooks.TUTORIALS:
        written = notebooks.path_of(tutorial).read_text(encoding="utf-8")
        assert written == notebooks.notebook_of(tutorial), "run python docs/notebooks.py"
    files = {path.name for path in notebooks.FOLDER.iterdir()}
    assert files == {notebooks.path_of(tutorial).name for tutorial in notebooks.TUTORIALS}


@pytest.mark.parametrize(
    "tutorial",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in LONG else [])
        for path in notebooks.TUTORIALS
    ],
)
def test_notebooks_run(tutorial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    # The command is beside the Python of the tests, which need not be that of the shell.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    notebook = nbformat.read(notebooks.path_of(tutorial), as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    shown = "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "not found" not in shown
    assert "Traceback" not in shown
