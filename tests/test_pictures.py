"""Pictures in folders: found, split, decoded, cropped and read ahead."""

from __future__ import annotations

import warnings
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_writer import gradient, write_digits, write_picture
from PIL import Image, ImageOps
from resforge import SpecError
from resforge.classify.feed import Rows
from resforge.classify.picture_feed import PictureFeed
from resforge.training.pictures.colours import measure
from resforge.training.pictures.decode import Crop, PictureError, decode
from resforge.training.pictures.folder import find_pictures, read_folder
from resforge.training.pictures.loader import ahead
from resforge.training.pictures.view import RandomCrop, View

#: Greys that JPEG, and the two ways to one scale, may be apart.
NEAR = 6


def everything(width: int, height: int) -> Crop:
    return Crop((0, 0, width, height))


def plainly(path: Path, size: int) -> np.ndarray:
    """Reference for decoding, by Pillow alone: upright, in colour, scaled as a whole."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
        return np.asarray(upright.resize((size, size), Image.Resampling.BILINEAR))


# the folder


def test_classes_and_pictures_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_digits(tmp_path, 60)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "3" / "notes.txt").write_text("not a picture")
    (tmp_path / "3" / "._0003.png").write_bytes(b"what another system leaves")
    folder = read_folder(tmp_path, val_share=0.25)
    assert folder.class_names == tuple("0123456789")
    whole = [*folder.train, *folder.val]
    assert len(whole) == 60
    for part in (folder.train, folder.val):
        assert [picture.name for picture in part] == sorted(picture.name for picture in part)
        assert all(picture.name.startswith(f"{picture.label}/") for picture in part)


@given(
    counts=st.lists(st.integers(1, 30), min_size=2, max_size=5),
    share=st.floats(0.05, 0.9),
    split=st.integers(0, 3),
)
def test_the_split_keeps_the_fraction_of_each_class(
    counts: list[int], share: float, split: int
) -> None:
    from resforge.training.pictures.folder import Picture, stratified

    pictures = tuple(
        Picture(Path(), f"{label}/{number}", label)
        for label, count in enumerate(counts)
        for number in range(count)
    )
    if all(min(round(share * count), count - 1) == 0 for count in counts):
        with pytest.raises(SpecError, match="holds no picture out"):
            stratified(pictures, share, split)
        return
    train, val = stratified(pictures, share, split)
    assert {*train, *val} == {*pictures}
    assert not {*train} & {*val}
    for label, count in enumerate(counts):
        held = sum(picture.label == label for picture in val)
        assert held == min(round(share * count), count - 1)


def test_the_split_depends_on_names_alone(tmp_path: Path) -> None:
    one, other = (read_folder(write_digits(tmp_path / name, 80)) for name in "ab")
    names = [picture.name for picture in one.val]
    assert names == [picture.name for picture in other.val]
    assert one.fingerprint == other.fingerprint
    drawn_anew = read_folder(tmp_path / "a", split=1)
    assert names != [picture.name for picture in drawn_anew.val]
    assert drawn_anew.fingerprint != one.fingerprint
    zero = tmp_path / "b" / "0" / "0000.png"
    zero.write_bytes(b"replaced")
    assert read_folder(tmp_path / "b").fingerprint == one.fingerprint
    zero.rename(zero.with_name("0001.png"))
    assert read_folder(tmp_path / "b").fingerprint != one.fingerprint


def test_a_folder_that_is_split_already_is_used_as_it_is(tmp_path: Path) -> None:
    write_digits(tmp_path / "train", 40)
    write_digits(tmp_path / "val", 20, classes=3)
    folder = read_folder(tmp_path)
    assert (len(folder.train), {picture.label for picture in folder.val}) == (40, {0, 1, 2})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "is not a folder"),
        (lambda root: root.mkdir(), "holds no class folders"),
        (
            lambda root: write_picture(root / "a.png", gradient(4, 4)),
            "holds pictures, and no class folders",
        ),
        (lambda root: [write_digits(root, 40), (root / "x").mkdir()], "class 'x' has no pictures"),
        (lambda root: write_digits(root, 9, classes=1), "a single class, '0'"),
        (lambda root: write_digits(root / "up", 40), "is .*up the folder that holds the classes"),
        (
            lambda root: [
                write_digits(root / "train", 40, classes=2),
                write_digits(root / "val", 40),
            ],
            "has a class '2', which is not among the 2 known",
        ),
    ],
)
def test_an_unusable_folder_is_refused_with_help(tmp_path: Path, make, message: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "data")
    with pytest.raises(SpecError, match=message) as caught:
        read_folder(tmp_path / "data")
    assert caught.value.help


def test_pictures_are_found_in_files_and_folders(tmp_path: Path) -> None:
    write_digits(tmp_path, 20)
    one = tmp_path / "0" / "0000.png"
    assert find_pictures([one, tmp_path / "1"])[:2] == [one, tmp_path / "1" / "0001.png"]
    with pytest.raises(SpecError, match="no such picture"):
        find_pictures([tmp_path / "none.png"])


# decoding


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_pictures_are_turned_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write_picture(tmp_path / f"a.{suffix}", gradient(48, 30), exif=exif)
    found = decode(path, 16, 3, everything)
    assert np.abs(found.astype(int) - plainly(path, 16)).max() <= NEAR

    def corner(width: int, height: int) -> Crop:
        assert (width, height) == ((30, 48) if orientation > 4 else (48, 30))
        return Crop((0, 0, width / 2, height / 3), mirrored=True)

    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    width, height = upright.size
    part = upright.resize((8, 8), Image.Resampling.BILINEAR, (0, 0, width / 2, height / 3))
    wanted = np.asarray(ImageOps.mirror(part)).astype(int)
    assert np.abs(decode(path, 8, 3, corner) - wanted).max() <= NEAR


def test_a_large_jpeg_is_decoded_small_and_looks_the_same(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg", gradient(640, 480), quality=95)
    assert np.abs(decode(path, 50, 3, everything).astype(int) - plainly(path, 50)).max() <= NEAR


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "I;16", "I"])
def test_every_mode_becomes_colour_and_grey(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(np.full((12, 12), 200, np.uint8))
    if mode.startswith("I"):
        image = Image.fromarray(np.full((12, 12), 200 * 257, np.uint16))
        image = image if mode == "I;16" else image.convert("I")
    else:
        image = grey.convert("RGB").convert(mode)
    path = tmp_path / ("a.tif" if mode in ("CMYK", "YCbCr", "I") else "a.png")
    image.save(path)
    for channels in (1, 3):
        found = decode(path, 6, channels, everything)
        assert found.shape == (6, 6, channels)
        assert found.dtype == np.uint8
        # Of two levels, 200 is a pattern of dots.
        assert abs(found.astype(int).mean() - 200) <= (10 if mode == "1" else 2)


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    clear.save(tmp_path / "a.png")
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([10, 20, 30])
    palette.save(tmp_path / "b.gif", transparency=0)
    for name in ("a.png", "b.gif"):
        assert decode(tmp_path / name, 4, 3, everything).min() == 255


def test_a_broken_picture_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write_picture(tmp_path / "whole.jpg", gradient(64, 64)).read_bytes()
    cases = {
        "cut.jpg": (whole[:-30], "truncated"),
        "empty.jpg": (b"", "not a picture"),
        "page.jpg": (b"<html>404</html>", "not a picture in a supported format"),
        "program.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PictureError, match=message) as caught:
            decode(tmp_path / name, 8, 3, everything)
        assert caught.value.path == str(tmp_path / name)
    with pytest.raises(PictureError, match="No such file"):
        decode(tmp_path / "none.jpg", 8, 3, everything)
    Image.new("F", (4, 4)).save(tmp_path / "f.tif")
    with pytest.raises(PictureError, match="floating-point greys"):
        decode(tmp_path / "f.tif", 8, 3, everything)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3000)
    for limit in (3000, 1000):  # Pillow warns at the first and raises at the second
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(PictureError, match="more pixels"):
            decode(tmp_path / "whole.jpg", 8, 3, everything)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "tif", "bmp"])
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_any_bytes_are_a_picture_or_a_picture_error(
    tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    """Valid files with bytes changed, removed or doubled."""
    path = tmp_path / f"a.{suffix}"
    if not path.exists():
        write_picture(path, gradient(24, 16))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    broken = tmp_path / f"broken.{suffix}"
    broken.write_bytes(content[:end] if data.draw(st.booleans()) else content)
    try:
        assert decode(broken, 8, 3, everything).shape == (8, 8, 3)
    except PictureError as error:
        assert error.why


def test_damaged_exif_data_are_ignored(tmp_path: Path) -> None:
    path = write_picture(
        tmp_path / "a.jpg", gradient(32, 32), exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff"
    )
    assert np.abs(decode(path, 8, 3, everything).astype(int) - plainly_without_exif(path)).max() < 9


def plainly_without_exif(path: Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BILINEAR))


def test_warning_filters_are_restored_after_many_threads(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg", gradient(32, 32))
    before = warnings.filters[:]
    jobs = ([path] * 8 for _ in range(10))
    for _ in ahead(jobs, lambda path: decode(path, 8, 3, everything), workers=4):
        pass
    assert warnings.filters == before


# crops and normalisation


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 99), st.floats(0.01, 1))
def test_crops_stay_inside_and_keep_their_proportions(
    width: int, height: int, seed: int, least: float
) -> None:
    crop = RandomCrop(min_area=least).choose(width, height, Random(seed))
    left, top, right, bottom = crop.box
    slack = 1e-6 * max(width, height)
    assert -slack <= left < right <= width + slack
    assert -slack <= top < bottom <= height + slack
    assert 0.74 < (right - left) / (bottom - top) < 1.34
    left, top, right, bottom = View(size=8, crop=0.5).choose(width, height).box
    assert right - left == bottom - top == min(width, height) / 2
    assert (left + right, top + bottom) == (width, height)


def test_half_are_mirrored_and_areas_are_spread() -> None:
    crops = [RandomCrop(min_area=0.25).choose(100, 100, Random(seed)) for seed in range(400)]
    assert 150 < sum(crop.mirrored for crop in crops) < 250
    areas = [(crop.box[2] - crop.box[0]) * (crop.box[3] - crop.box[1]) for crop in crops]
    assert 2400 < min(areas) < 3500
    assert max(areas) > 9000
    assert not any(RandomCrop(mirror=False).choose(9, 9, Random(n)).mirrored for n in range(9))


def test_colours_are_measured_exactly(tmp_path: Path) -> None:
    for number, grey in enumerate((0, 100, 200)):
        pixels = np.full((9, 9, 3), grey, np.uint8)
        pixels[:, :, 2] = 50
        write_picture(tmp_path / "a" / f"{number}.png", pixels)
        write_picture(tmp_path / "b" / f"{number}.png", pixels)
    folder = read_folder(tmp_path, 0.34)
    pictures = (*folder.train, *folder.val)
    mean, std = measure(pictures, 3)
    assert mean == pytest.approx((100 / 255, 100 / 255, 50 / 255))
    assert std == pytest.approx((np.std([0, 100, 200]) / 255,) * 2 + (1 / 255,))


# batches


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), 60)


def feed_of(digits: Path, **options: object) -> PictureFeed:
    view = View(size=8, mean=(0.5,), std=(0.25,))
    return PictureFeed(read_folder(digits), view, RandomCrop(min_area=0.3), **options)  # type: ignore[arg-type]


BATCHES = [Rows(0, 0, [3, 1, 4]), Rows(0, 1, [0, 2, 5]), Rows(1, 2, [3, 1, 4])]


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_do_not_depend_on_the_number_of_workers(digits: Path, workers: int) -> None:
    alone = list(feed_of(digits, workers=0).training(BATCHES))
    many = list(feed_of(digits, workers=workers).training(BATCHES))
    for (x, y), (other_x, other_y) in zip(alone, many, strict=True):
        assert torch.equal(x, other_x)
        assert torch.equal(y, other_y)
    assert alone[0][0].shape == (3, 1, 8, 8)


def test_a_crop_depends_on_epoch_and_picture_and_not_on_the_batch(digits: Path) -> None:
    (first, _), _, (second, _) = feed_of(digits).training(BATCHES)
    assert not torch.equal(first, second)
    (alone, _) = next(feed_of(digits).training([Rows(0, 9, [4])]))
    assert torch.equal(alone[0], first[2])
    (other, _) = next(feed_of(digits, seed=1).training(BATCHES))
    assert not torch.equal(other, first)


def test_values_are_normalised(digits: Path) -> None:
    feed = feed_of(digits)
    x, y = next(feed.validation(slice(0, 5)))
    with Image.open(feed.folder.val[0].path) as image:
        wanted = (np.asarray(image, np.float32) / 255 - 0.5) / 0.25
    torch.testing.assert_close(x[0, 0], torch.from_numpy(wanted))
    assert y.tolist() == [picture.label for picture in feed.folder.val[:5]]


def test_an_unreadable_picture_stops_the_run_or_is_left_out(tmp_path: Path) -> None:
    write_digits(tmp_path, 60)
    broken = read_folder(tmp_path).train[1].path
    broken.write_bytes(b"broken")
    with pytest.raises(PictureError, match=broken.name):
        list(feed_of(tmp_path).training(BATCHES))
    notes: list[str] = []
    feed = feed_of(tmp_path, unreadable="skip", note=notes.append)
    place = next(n for n, p in enumerate(feed.folder.train) if p.path == broken)
    batches = [Rows(epoch, epoch, [place, place + 1, place + 2]) for epoch in range(2)]
    assert [len(x) for x, _ in feed.training(batches)] == [2, 2]
    assert len(notes) == 1
    assert broken.name in notes[0]


def test_reading_ahead_stops_when_the_iterator_is_closed() -> None:
    done: list[int] = []
    batches = ahead(([number] for number in range(1000)), lambda n: done.append(n), workers=2)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert len(done) < 20
