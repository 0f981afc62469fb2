"""Files are written atomically, and what killed processes leave is removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from resforge import files
from resforge.errors import StoreError
from resforge.files import locked, remove_left_over, write_whole

LEFT = f".resforge-{'0' * 32}.tmp"


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    write_whole(path, "new")
    assert path.read_text() == "new"


SLEEPS = """\
import os, sys, time
from pathlib import Path
from resforge.files import write_whole

def wait(descriptor):
    print("writing", flush=True)
    time.sleep(600)

os.fsync = wait
write_whole(Path(sys.argv[1]), "new")
"""


def test_what_a_killed_process_left_is_removed_and_nothing_before(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    command = [sys.executable, "-c", SLEEPS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        (temporary,) = tmp_path.iterdir()
        remove_left_over(tmp_path)
        with locked(tmp_path, "writing into"):
            assert temporary.exists()
        process.send_signal(signal.SIGKILL)
    assert temporary.exists()
    write_whole(path, "old")
    assert {file.name for file in tmp_path.iterdir()} == {".lock", "results.csv"}


def test_left_over_files_are_removed_by_their_name_alone(tmp_path: Path) -> None:
    others = {"a.tmp", f"{LEFT}.txt", ".hidden", LEFT.replace("0", "g")}
    for name in (*others, LEFT):
        (tmp_path / name).write_text("text")
    (tmp_path / LEFT.replace("0", "1")).mkdir()
    remove_left_over(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == others | {LEFT.replace("0", "1")}
    remove_left_over(tmp_path / "none")


def test_where_files_cannot_be_locked_old_files_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "fcntl", None)
    left = tmp_path / LEFT
    left.write_text("half")
    remove_left_over(tmp_path)
    assert left.exists()
    before = time.time() - 2 * files._LEFT_OVER
    os.utime(left, (before, before))
    with locked(tmp_path, "writing into"):
        assert not left.exists()
    write_whole(tmp_path / "a", "new")


def test_a_write_whose_temporary_file_is_removed_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may take it for left over in the moment before it is locked."""
    fsync, removed = os.fsync, list[Path]()

    def lose(descriptor: int) -> None:
        fsync(descriptor)
        if not removed:
            removed.extend(tmp_path.glob(".resforge-*"))
            removed[0].unlink()

    monkeypatch.setattr(os, "fsync", lose)
    write_whole(tmp_path / "a", "new")
    assert removed
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a", "new")]
    with pytest.raises(StoreError, match="No such file or directory"):
        write_whole(tmp_path / "none" / "a", "new")
