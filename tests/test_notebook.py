"""What a notebook shows, asked of a real kernel, and the same views without one."""

import pickle
import sys
from pathlib import Path
from types import ModuleType

import pytest
import resforge as rf
from report_records import Page
from resforge.ablation import Sweep, compare_pairs, progress_on, read_records, run_sweep
from resforge.ablation.reporting import notebook
from resforge.ablation.running.progress import NotebookBar, Silence, default_progress

TINY = {
    "sweep": 1,
    "name": "tiny <sweep>",
    "base": "digits_resnet8",
    "axes": {"shortcut": {"plain": {"shortcut": "none"}, "A & B": {"shortcut": "zero_pad"}}},
    "comparisons": {"axis": "shortcut", "to": "plain"},
    "seeds": 2,
    "data": {"kind": "digits", "train": 100, "test": 50},
    "recipe": {"steps": 4, "batch_size": 16, "evaluations": 2},
}
CELLS = (
    "import resforge as rf\nrf.diff('resnet18', 'plain18')",
    f"from resforge.ablation import *\ntiny = {TINY!r}\n"
    "summary = run_sweep(Sweep(**tiny), {out!r}, engine='inline')\nsummary",
    "records = read_records({out!r})\nrecords",
    "compare_pairs(records)[0]",
)


def outputs(cell: dict, mime: str) -> list[str]:
    return [output["data"][mime] for output in cell["outputs"] if mime in output.get("data", {})]


def test_a_notebook_shows_differences_progress_results_and_comparisons(tmp_path: Path) -> None:
    client = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    out = str(tmp_path / "run")
    cells = [nbformat.v4.new_code_cell(text.replace("{out!r}", repr(out))) for text in CELLS]
    book = nbformat.v4.new_notebook(cells=cells)
    client.NotebookClient(book, timeout=300, kernel_name="python3").execute()

    (difference,) = outputs(book.cells[0], "text/html")
    assert "shortcut.match" in difference
    assert "<svg" in difference
    bar, summary = outputs(book.cells[1], "text/html")
    assert '<progress value="4" max="4">' in bar
    assert "4 of 4 trials" in bar
    (results,) = outputs(book.cells[2], "text/html")
    assert summary == results
    assert "tiny &lt;sweep&gt;" in results
    assert "A &amp; B" in results
    (comparison,) = outputs(book.cells[3], "text/html")
    assert "points" in Page(comparison).text


def test_views_are_pieces_whose_style_holds_within_them(tmp_path: Path) -> None:
    run_sweep(Sweep.model_validate(TINY), tmp_path, engine="inline")
    records = read_records(tmp_path)
    comparison = compare_pairs(records)[0]
    for piece in (records._repr_html_(), comparison._repr_html_()):
        assert piece is not None
        assert piece.count("<style>") == 1
        rules = piece[piece.index("<style>") + 7 : piece.index("</style>")].strip()
        assert rules.startswith(".resforge-sweep {")
        assert rules.endswith("}")
        assert rules.count("{") == rules.count("}")
        assert "<html" not in piece
        assert "<script" not in piece
        Page(piece)
    assert comparison.verdict in Page(comparison._repr_html_() or "").text


def test_without_the_drawing_libraries_a_notebook_shows_plain_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sweep(Sweep.model_validate(TINY), tmp_path, engine="inline")
    records = read_records(tmp_path)
    monkeypatch.setattr(notebook, "find_spec", lambda name: None)
    assert records._repr_html_() is None
    assert compare_pairs(records)[0]._repr_html_() is None


def test_a_bar_is_the_default_in_a_notebook_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(default_progress(), Silence)
    shell = type("Shell", (), {"kernel": object()})()
    ipython = ModuleType("IPython")
    monkeypatch.setattr(ipython, "get_ipython", lambda: None, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert isinstance(default_progress(), Silence)
    monkeypatch.setattr(ipython, "get_ipython", lambda: shell)
    assert isinstance(default_progress(), NotebookBar)
    assert isinstance(progress_on(), NotebookBar)
    assert not isinstance(progress_on(sys.stderr), NotebookBar)


def test_a_difference_is_a_tuple_that_reads_well() -> None:
    changes = rf.diff("resnet18", "plain18")
    assert changes == tuple(changes)
    assert [str(change) for change in changes] == str(changes).splitlines()
    assert pickle.loads(pickle.dumps(changes))._repr_html_() == changes._repr_html_()
    assert str(rf.diff("resnet18", "resnet18")) == "no difference"
    assert "no difference" in rf.diff("resnet18", "resnet18")._repr_html_()
    other = rf.load("resnet18").to_tree() | {"dims": 1}
    assert "dims: 2 -&gt; 1" in rf.diff("resnet18", other)._repr_html_()
