"""Folders of pictures as the data of a sweep."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
from picture_writer import gradient, write_digits, write_picture
from resforge.ablation import Sweep, plan_sweep, preview_sweep, read_sweep
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial
from resforge.classify.feed import Rows
from resforge.classify.picture_feed import PictureFeed
from resforge.training import FolderSpec, load_data
from resforge.training.data import fingerprint_of
from resforge.training.data import folder as folder_data
from resforge.training.feed import DataFeed
from resforge.training.pictures.decode import Crop, cut, decode, decode_whole
from resforge.training.pictures.folder import read_folder
from resforge.training.pictures.view import IMAGENET_MEAN, IMAGENET_STD, RandomCrop, View


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of ten pictures, each of another size."""
    home = tmp_path_factory.mktemp("data") / "flowers"
    for label, name in enumerate(("rose", "tulip")):
        for number in range(10):
            pixels = gradient(20 + 3 * number, 30 - number)
            write_picture(home / name / f"{number}.png", 255 - pixels if label else pixels)
    return home


def spec(path: Path, **fields: Any) -> FolderSpec:
    return FolderSpec(**{"path": str(path), "size": 8, **fields})


def test_pictures_are_split_and_seen_as_train_splits_and_sees_them(flowers: Path) -> None:
    data = load_data(spec(flowers, augment="none", normalize="imagenet", split=3))
    folder = read_folder(flowers, 0.2, 3)
    feed = PictureFeed(folder, View(size=8))
    x, y = next(feed.validation(slice(None)))
    assert torch.equal(data.test_y, y)
    # Bytes are normalised in another order of operations: a rounding of float32.
    torch.testing.assert_close(data.test_x, x, rtol=0, atol=1e-5)
    assert data.train_y.tolist() == [picture.label for picture in folder.train]
    assert data.train_x.shape == (16, 3, 8, 8)
    assert (spec(flowers).trained, spec(flowers).tested, spec(flowers).num_classes) == (16, 4, 2)


def test_crops_are_those_of_train(flowers: Path) -> None:
    """Of pictures of at most twice the size of a crop, which are stored as they are."""
    own = spec(flowers, size=16, normalize="imagenet")
    feed = DataFeed(load_data(own), batch_size=8, seed=5)
    batch = next(feed)
    numbers = feed.order.order[:8].tolist()
    crop = RandomCrop()
    other = PictureFeed(read_folder(flowers), View(size=16), crop, seed=5)
    x, y = next(other.training([Rows(0, 0, numbers)]))
    assert torch.equal(batch.labels, y)
    torch.testing.assert_close(batch.x, x, rtol=0, atol=1e-5)  # as above
    again = next(DataFeed(load_data(own), batch_size=8, seed=6))
    assert not torch.equal(again.x, batch.x)


def test_pictures_that_do_not_fit_in_memory_give_the_same_batches(
    flowers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = load_data(spec(flowers))
    monkeypatch.setattr(folder_data, "room", lambda: 1000)
    decoded = load_data(spec(flowers))
    assert cached.cropped is not None
    assert decoded.cropped is not None
    assert cached.cropped.cached is not None
    assert decoded.cropped.cached is None
    assert cached.fingerprint == decoded.fingerprint
    one, other = (data.cropped.batch([0, 9, 3], 2, 7) for data in (cached, decoded))
    assert np.array_equal(one, other)


def test_statistics_are_of_the_training_pictures(flowers: Path) -> None:
    data = load_data(spec(flowers, augment="none", normalize="channel"))
    mean = data.train_x.mean(dim=(0, 2, 3))
    deviation = data.train_x.std(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(mean, torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(deviation, torch.ones(3), rtol=0, atol=1e-4)
    grey = load_data(spec(flowers, channels=1, normalize="none"))
    assert grey.test_x.shape == (4, 1, 8, 8)
    assert 0 <= float(grey.test_x.min()) <= float(grey.test_x.max()) <= 1
    assert (len(IMAGENET_MEAN), len(IMAGENET_STD)) == (3, 3)


def test_parts_and_validation(tmp_path: Path) -> None:
    write_digits(tmp_path / "train", 60, classes=3)
    write_digits(tmp_path / "test", 30, classes=3)
    own = spec(tmp_path, channels=1, validation=6, train=12, test=6, augment="none")
    own.check()
    arrays = own.arrays()
    assert arrays.validation is not None
    for labels in (arrays.train_y, arrays.validation[1], arrays.test_y):
        assert len(labels) == 6
        assert set(np.bincount(labels)) <= {1, 2, 3}
    # Among test/ and val/, test/ holds the test pictures.
    write_digits(tmp_path / "val", 90, classes=3)
    assert spec(tmp_path).tested == len([*(tmp_path / "test").rglob("*.png")])


def test_the_fingerprint_is_of_the_pixels_and_of_what_is_done_to_them(tmp_path: Path) -> None:
    write_digits(tmp_path / "a", 40, classes=2)
    write_digits(tmp_path / "b", 40, classes=2)
    one = fingerprint_of(spec(tmp_path / "a"))
    assert one == fingerprint_of(spec(tmp_path / "b"))
    fields = ({"size": 6}, {"channels": 1}, {"augment": "none"}, {"normalize": "none"})
    others = [fingerprint_of(spec(tmp_path / "a", **other)) for other in fields]
    crop = {"kind": "random_crop", "min_area": 0.5}
    others.append(fingerprint_of(spec(tmp_path / "a", augment=crop)))
    assert len({one, *others}) == 6
    changed = next((tmp_path / "a").rglob("*.png"))
    write_picture(changed, np.zeros((8, 8), np.uint8))
    os.utime(changed, ns=(1, 1))
    assert fingerprint_of(spec(tmp_path / "a")) != one


def test_a_sweep_trains_on_a_folder_beside_its_file(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", 60, classes=4)
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "sweep: 1\nbase: cifar_resnet20\narms: {A: {}, B: {shortcut: projection}}\nseeds: 1\n"
        "data: {kind: folder, path: digits, size: 8}\nrecipe: {steps: 3, evaluations: 1}\n"
    )
    sweep = read_sweep(file)
    assert sweep.recipe.batch_size <= sweep.data.trained
    preview = preview_sweep(sweep)
    assert preview.adaptation == "the base has 4 classes instead of 10, as the data"
    plan = plan_sweep(sweep)
    outcomes = [run_trial(make_task(plan, trial)) for trial in (*plan.trials, plan.trials[0])]
    assert outcomes[0].numbers == outcomes[2].numbers != outcomes[1].numbers
    assert [outcome.status for outcome in outcomes] == ["done"] * 3


@pytest.mark.parametrize(
    ("make", "message", "help_"),
    [
        (lambda home: None, "is not a folder", "each class has a folder"),
        (lambda home: home.mkdir(), "holds no class folders", "each class has a folder"),
        (lambda home: (home / "rose").mkdir(parents=True), "holds a single class", ""),
        (
            lambda home: [(home / name).mkdir(parents=True) for name in "ab"],
            "class 'a' has no pictures",
            "put some there",
        ),
        (lambda home: write_digits(home, 3, classes=2), "holds no picture out", "add pictures"),
    ],
)
def test_a_folder_without_pictures_has_place_and_remedy(
    tmp_path: Path, make: Any, message: str, help_: str
) -> None:
    make(tmp_path / "here")
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "sweep: 1\nbase: resnet18\narms: {A: {}}\n"
        "data: {kind: folder, path: here, size: 8, test_share: 0.5}\n"
    )
    with pytest.raises(rf.SpecError, match=message) as caught:
        plan_sweep(read_sweep(file))
    assert caught.value.faults[0].line == 4
    assert help_ in (caught.value.faults[0].help or "")


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    write_digits(tmp_path, 20, classes=2)
    (tmp_path / "0" / "no.jpg").write_bytes(b"no")
    sweep = Sweep(
        sweep=1,
        base="cifar_resnet20",
        arms={"A": {}},
        data=spec(tmp_path),
        recipe={"batch_size": 2},
    )
    with pytest.raises(rf.SpecError, match=r"no\.jpg: it is not a picture") as caught:
        plan_sweep(sweep)
    assert caught.value.path == "data.path"
    assert "move it out" in (caught.value.faults[0].help or "")


def test_whole_pictures_are_upright_and_cut_as_decode_cuts(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", gradient(40, 24))
    whole = decode_whole(path, 100, 3)
    assert whole.shape == (24, 40, 3)
    crop = Crop((3.0, 2.0, 33.5, 20.0), mirrored=True)
    assert np.array_equal(cut(whole, 9, crop), decode(path, 9, 3, lambda w, h: crop))
    assert decode_whole(path, 12, 1).shape == (12, 20, 1)
    turned = tmp_path / "b.jpg"
    from PIL import Image

    image = Image.fromarray(gradient(40, 24))
    exif = image.getexif()
    exif[0x0112] = 6  # lies on its side
    image.save(turned, exif=exif)
    assert decode_whole(turned, 100, 3).shape == (40, 24, 3)


def test_pictures_seen_in_training_and_folders_without_use_are_warned_of(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        write_digits(tmp_path / part, 40, classes=2)
    said = spec(tmp_path).warnings()
    assert len(said) == 2
    assert f"{tmp_path / 'val'} is not used" in said[0]
    assert "pictures for testing with the same bytes as training pictures" in said[1]
    sweep = Sweep(sweep=1, base="digits_resnet8", arms={"a": {}}, data=spec(tmp_path))
    assert set(said) <= set(preview_sweep(sweep).warnings)
    assert spec(tmp_path / "train").warnings() == ()
