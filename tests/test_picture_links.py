"""Folders of pictures with links, hard links and copies: each real file once, on one side."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from command_line import Cli
from hypothesis import given
from hypothesis import strategies as st
from picture_writer import write_digits, write_picture
from resforge import SpecError
from resforge.training.pictures import overlap
from resforge.training.pictures.folder import PictureFolder, find_pictures, read_folder
from resforge.training.pictures.overlap import identical, report_identical


def read(root: Path) -> tuple[PictureFolder, list[str]]:
    notes: list[str] = []
    return read_folder(root, note=notes.append), notes


def real_files(folder: PictureFolder) -> list[tuple[int, int]]:
    found = [os.stat(picture.path) for picture in (*folder.train, *folder.val)]
    return [(file.st_dev, file.st_ino) for file in found]


LOOPS: dict[str, Callable[[Path], object]] = {
    "the class": lambda home: (home / "loop").symlink_to("."),
    "the folder": lambda home: (home / "loop").symlink_to(".."),
    "above the folder": lambda home: (home / "loop").symlink_to("../../.."),
    "the whole disk": lambda home: (home / "loop").symlink_to("/"),
    "each other": lambda home: [(home / a).symlink_to(home / b) for a, b in ("ab", "ba")],
    "a subfolder": lambda home: [(home / "in").mkdir(), (home / "in" / "up").symlink_to("..")],
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_loops_end_and_change_nothing(tmp_path: Path, loop: Callable[[Path], object]) -> None:
    plain = read_folder(write_digits(tmp_path / "data", 60))
    loop(tmp_path / "data" / "3")
    looped, _ = read(tmp_path / "data")
    assert looped == plain
    assert looped.fingerprint == plain.fingerprint


@given(seed=st.integers(0, 2**32), count=st.integers(0, 12))
def test_each_real_file_is_in_one_half_of_one_class(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int
) -> None:
    """Links of every kind within classes, to files and to folders, relative or not, in chains."""
    random, root = Random(seed), tmp_path_factory.mktemp("data")
    for label in "ab":
        for number in range(6):
            folder = root / label / random.choice((".", "x", "x/y"))
            write_picture(folder / f"{number}.png", np.full((2, 2), number, np.uint8))
    wanted = {*real_files(read(root)[0])}
    for number in range(count):
        label = random.choice("ab")
        inside = sorted((root / label).rglob("*"))
        target, home = random.choice(inside), random.choice([p for p in inside if p.is_dir()] or [])
        link = home / f"{random.choice('az')}{number}.png"
        if random.random() < 0.3 and target.is_file():
            os.link(target.resolve(), link)
        else:
            link.symlink_to(random.choice((target, os.path.relpath(target, home))))
    folder, _ = read(root)
    found = real_files(folder)
    assert len(found) == len({*found})
    assert {*found} == wanted


def test_a_file_is_listed_under_its_own_path(tmp_path: Path) -> None:
    home = read_folder(write_digits(tmp_path, 60)).train[0].path.parent
    first = min(home.iterdir())
    (home / "in").mkdir()
    first.rename(home / "in" / first.name)
    (home / "aa").symlink_to("in")
    (home / "aaa.png").symlink_to(home / "in" / first.name)
    linked, notes = read(tmp_path)
    paths = {picture.path for picture in (*linked.train, *linked.val)}
    assert home / "in" / first.name in paths
    assert len(paths) == 60
    assert notes == [
        f"left out, since each picture is used once: {home / 'aa'}, {home / 'aaa.png'}"
    ]


def test_a_folder_of_links_is_a_folder_of_pictures(tmp_path: Path) -> None:
    """As the tools make it that keep pictures in a pool; the names are those of the links."""
    plain = read_folder(write_digits(tmp_path / "pool", 60))
    for picture in (*plain.train, *plain.val):
        link = tmp_path / "data" / picture.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(picture.path)
    (tmp_path / "folders").mkdir()
    for label in "0123456789":
        (tmp_path / "folders" / label).symlink_to(tmp_path / "pool" / label)
    for name in ("data", "folders"):
        linked, notes = read(tmp_path / name)
        assert linked.fingerprint == plain.fingerprint
        assert not notes


@pytest.mark.parametrize("hard", [False, True])
def test_a_file_in_two_classes_is_refused(tmp_path: Path, hard: bool) -> None:
    write_digits(tmp_path, 60)
    source, link = tmp_path / "0" / "0000.png", tmp_path / "1" / "also.png"
    (os.link if hard else os.symlink)(source, link)
    with pytest.raises(SpecError, match=f"{link} is the same file as {source}") as caught:
        read(tmp_path)
    assert "remove one of the two" in str(caught.value.help)
    link.unlink()
    (tmp_path / "zero").symlink_to("0")
    with pytest.raises(SpecError, match="in another class, and 7 more"):
        read(tmp_path)


def test_a_file_in_both_halves_is_used_for_validation_alone(tmp_path: Path) -> None:
    write_digits(tmp_path / "train", 60)
    for label in "0123456789":
        (tmp_path / "val" / label).mkdir(parents=True)
        source = min((tmp_path / "train" / label).iterdir())
        os.link(source, tmp_path / "val" / label / "held.png")
    folder, notes = read(tmp_path)
    assert (len(folder.train), len(folder.val)) == (50, 10)
    assert notes[0].startswith("left out of training, since it is the same file in validation: ")
    assert notes[0].endswith(" and 7 more")
    shutil.rmtree(tmp_path / "val")
    (tmp_path / "val").symlink_to("train")
    with pytest.raises(SpecError, match=r"all pictures of class '0' .* are the same files"):
        read(tmp_path)


def test_links_that_lead_to_nothing_are_reported(tmp_path: Path) -> None:
    write_digits(tmp_path, 60)
    (tmp_path / "0" / "gone.png").symlink_to("nothing.png")
    (tmp_path / "0" / "self.png").symlink_to("self.png")
    (tmp_path / "0" / "gone").symlink_to("nothing")  # not a picture by its name
    (tmp_path / "self").symlink_to("self")
    folder, notes = read(tmp_path)
    assert len(folder.train) + len(folder.val) == 60
    links = ", ".join(str(tmp_path / "0" / name) for name in ("gone.png", "self.png"))
    assert notes == [f"left out, since the link leads to no file: {links}"]


def test_a_folder_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_digits(tmp_path, 60)
    closed, scandir = tmp_path / "3" / "closed", os.scandir
    closed.mkdir()

    def refuse(path: str) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SpecError, match=f"{closed} cannot be read .Permission denied") as caught:
        read(tmp_path)
    assert "make the folder readable" in str(caught.value.help)


def test_classes_that_differ_in_case_alone_are_reported(tmp_path: Path) -> None:
    write_digits(tmp_path, 60)
    (tmp_path / "X").mkdir()
    if (tmp_path / "x").exists():
        pytest.skip("the file system does not tell them apart")
    (tmp_path / "X").rmdir()
    for old, new in (("0", "Rose"), ("1", "rose"), ("2", "e\u0301"), ("3", "\xe9")):
        (tmp_path / old).rename(tmp_path / new)
    _, notes = read(tmp_path)
    assert "two classes, 'Rose' and 'rose', whose names hardly differ" in notes[0]
    assert len(notes) == 2


def test_pictures_to_predict_are_listed_once(tmp_path: Path) -> None:
    write_digits(tmp_path, 20)
    plain = find_pictures([tmp_path])
    (tmp_path / "0" / "loop").symlink_to("..")
    (tmp_path / "0" / "also.png").symlink_to("0000.png")
    notes: list[str] = []
    assert find_pictures([tmp_path], notes.append) == plain
    assert str(tmp_path / "0" / "loop") in notes[0]


# copies


def test_copies_in_both_halves_are_found(tmp_path: Path) -> None:
    plain = read_folder(write_digits(tmp_path, 60))
    assert identical(plain.train, plain.val) == []
    held = plain.val[0]
    shutil.copy(held.path, held.path.with_name("copy.png"))
    other = plain.train[-1]
    assert other.label != plain.val[1].label
    shutil.copy(plain.val[1].path, other.path)
    folder = read_folder(tmp_path)
    train = (*plain.train[:-1], *[p for p in (*folder.train, *folder.val) if p.path == other.path])
    pairs = identical(train, plain.val)
    assert [(one.path, copy.path) for one, copy in pairs] == [(plain.val[1].path, other.path)]
    text = report_identical(pairs)
    assert f"{plain.val[1].path} = {other.path}" in text
    assert "(1 in another class)" in text
    assert "Remove one of each pair" in text


@given(st.lists(st.sampled_from([b"", b"a", b"ab", b"b" * 3000, b"c" + b"b" * 2999]), max_size=12))
def test_the_same_pairs_are_found_as_by_comparing_all(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    root = tmp_path_factory.mktemp("copies")
    pictures = []
    for number, content in enumerate(contents):
        path = root / f"{number}.png"
        path.write_bytes(content)
        found = path.stat()
        file = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        pictures.append(overlap.Picture(path, path.name, number % 3, file))
    train, val = pictures[::2], pictures[1::2]
    wanted = {
        one.name
        for one in val
        for copy in train
        if one.path.read_bytes() and one.path.read_bytes() == copy.path.read_bytes()
    }
    pairs = identical(train, val, workers=0)
    assert {one.name for one, _ in pairs} == wanted
    assert all(one.path.read_bytes() == copy.path.read_bytes() for one, copy in pairs)


def test_only_files_of_common_sizes_are_opened_and_not_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for half in ("train", "val"):
        for label in "ab":
            for number in range(20):
                noise = np.random.default_rng(number).integers(0, 255, (8, 8 + number), np.uint8)
                write_picture(tmp_path / half / label / f"{number}.bmp", noise)
    folder = read_folder(tmp_path)
    assert len(identical(folder.train, folder.val)) == 40
    opened: list[Path] = []
    sample = overlap._sample
    monkeypatch.setattr(overlap, "_sample", lambda path: [opened.append(path), sample(path)][1])
    monkeypatch.setattr(overlap, "MOST", 16)
    pairs = identical(folder.train, folder.val, workers=0)
    assert len(opened) == 16
    assert 0 < len(pairs) <= 8
    for number, picture in enumerate(folder.train):
        picture.path.write_bytes(b"x" * (5000 + number))
    opened.clear()
    assert identical(read_folder(tmp_path).train, folder.val) == []
    assert not opened


def test_training_reports_copies_and_links(cli: Cli, tmp_path: Path) -> None:
    folder = read_folder(write_digits(tmp_path / "data", 60))
    for picture in folder.val:
        for number in range(3):
            name = f"{number}{picture.path.name}"
            shutil.copy(picture.path, picture.path.with_name(name))
    (tmp_path / "data" / "0" / "loop").symlink_to("..")
    asked = ("--data", "data", "--size", "8", "--epochs", "1", "--batch-size", "16")
    done = cli("train", "digits_resnet8", *asked, "--out", "run")
    assert done.code == 0
    assert "left out, since each picture is used once: data/0/loop\n" in done.err
    assert "pictures for validation with the same bytes as training pictures: data/" in done.err
    assert "Remove one of each pair" in done.err
    predicted = cli("predict", "run", "data/0")
    assert predicted.code == 0
    assert "each picture is used once: data/0/loop\n" in predicted.err
