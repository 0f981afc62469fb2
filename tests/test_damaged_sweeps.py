"""Every command on damaged stores, folders and sweep files: a result or a message, never a bug."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import hypothesis.strategies as st
import pytest
from damage import damage_store, damaged_sweep
from hypothesis import given
from made_stores import ENDS, made_sweep, make_store
from resforge.cli import run

seeds = st.integers(0, 2**32)
#: Exit codes of commands that end as they should: fine, failed trials, bad input, store or disk.
FINE = {0, 1, 3, 4}


class Place:
    """A folder with a sweep file and the store that was made from it."""

    def __init__(self, folder: Path) -> None:
        self.clean, self.out, self.file = folder / "clean", folder / "out", folder / "sweep.json"
        self.clean.mkdir()
        make_store(self.clean)
        self.whole = json.dumps(made_sweep().model_dump(mode="json", exclude_unset=True))

    def restore(self) -> None:
        if self.out.is_dir():
            shutil.rmtree(self.out)
        self.out.unlink(missing_ok=True)
        shutil.copytree(self.clean, self.out)
        self.file.write_text(self.whole)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        # What is tested is what comes before and after the training.
        patch.setattr("resforge.ablation.running.trial.run_trial", lambda *_: ENDS[0])
        yield Place(tmp_path_factory.mktemp("sweep"))


def ends(tokens: list[str]) -> tuple[int, str]:
    """Exit code and messages of a command."""
    told = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
        code = int(run(tokens))
    assert code in FINE, (tokens, told.getvalue())
    assert "Traceback" not in told.getvalue()
    assert told.getvalue() or code == 0 or tokens[1] != "plan"
    return code, told.getvalue()


def reading(rng: Random, out: str) -> list[str]:
    table = rng.choice(["csv", "json", "jsonl"])
    format = rng.choice(["md", "latex", "csv", "json"])
    return rng.choice(
        [
            ["sweep", "status", out],
            ["sweep", "status", out, "--json"],
            ["sweep", "export", out, "--format", table],
            ["sweep", "export", out, "--curves"],
            ["report", out, "--format", format],
        ]
    )


def writing(rng: Random, out: str, file: str) -> list[str]:
    return rng.choice(
        [
            ["sweep", "retry", out],
            ["sweep", "retry", out, "--status", "failed,diverged", "--arm", "shortcut=A"],
            ["sweep", "plan", file, "--out", out, "--json"],
            ["report", out],
            running(out, file),
        ]
    )


def running(out: str, file: str) -> list[str]:
    return ["sweep", "run", file, "--out", out, "--engine", "inline", "--device", "cpu"]


@given(seeds)
def test_a_damaged_store_ends_no_command_in_a_bug(place: Place, seed: int) -> None:
    rng = Random(seed)
    place.restore()
    damage_store(rng, place.out)
    out, file = str(place.out), str(place.file)
    ends(reading(rng, out))
    ends(writing(rng, out, file))


@given(seeds)
def test_a_damaged_sweep_file_ends_no_command_in_a_bug(place: Place, seed: int) -> None:
    place.restore()
    place.file.write_bytes(damaged_sweep(Random(seed)))
    code, _ = ends(["sweep", "plan", str(place.file)])
    if code == 0 and seed % 4 == 0:
        shutil.rmtree(place.out)
        ends(running(str(place.out), str(place.file)))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("results.sqlite", kind) for kind in ("folder", "file", "loop", "device")),
        *(("results.csv", "folder"), ("report.html", "folder"), ("checkpoints", "file")),
    ],
)
def test_other_things_in_place_of_its_files(place: Place, name: str, kind: str) -> None:
    place.restore()
    there = place.out / name
    there.unlink(missing_ok=True)
    match kind:
        case "folder":
            there.mkdir()
        case "file":
            there.write_text("not ours")
        case "loop":
            there.symlink_to(name)
        case "device":
            there.symlink_to("/dev/zero")
    out, file = str(place.out), str(place.file)
    codes = [ends(tokens)[0] for tokens in (["sweep", "status", out], running(out, file))]
    if name == "results.sqlite":
        assert codes == [4, 4]
    else:
        assert codes == [1, 1 if name == "checkpoints" else 4]


def test_a_file_in_place_of_the_folder(place: Place, tmp_path: Path) -> None:
    place.restore()
    there = tmp_path / "out"
    there.write_text("not ours")
    for tokens in (["sweep", "status", str(there)], running(str(there), str(place.file))):
        assert ends(tokens)[0] == 4
    assert there.read_text() == "not ours"
