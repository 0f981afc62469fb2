"""MNIST and Fashion-MNIST from local files."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import resforge as rf
import torch
from hypothesis import given
from mnist_writer import idx, write_mnist
from resforge.ablation import load_sweep, plan_sweep
from resforge.training import FashionMnistSpec, MnistSpec, load_data

SPECS = {"mnist": MnistSpec, "fashion_mnist": FashionMnistSpec}
SMALL = {"train": 20, "test": 4}
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", SPECS)
def test_the_files_hold_what_was_written(tmp_path: Path, kind: str, packed: bool) -> None:
    (images, labels), (test_images, test_labels) = write_mnist(tmp_path, packed=packed)
    found = SPECS[kind](path=str(tmp_path), normalize="none", **SMALL).arrays()
    assert found.train_x.shape == (20, 1, 28, 28)
    assert np.array_equal(np.rint(found.train_x[:, 0] * 255), images)
    assert np.array_equal(np.rint(found.test_x[:, 0] * 255), test_images)
    assert (found.train_y.tolist(), found.test_y.tolist()) == (
        labels.tolist(),
        test_labels.tolist(),
    )


def test_files_where_torchvision_unpacks_them_are_found(tmp_path: Path) -> None:
    for spec in SPECS.values():
        write_mnist(tmp_path / spec.published.folder)
        assert spec(path=str(tmp_path), **SMALL).arrays().train_x.shape == (20, 1, 28, 28)


def test_some_unpackers_write_a_dot(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    for file in tmp_path.iterdir():
        file.rename(tmp_path / file.name.replace("-idx", ".idx"))
    assert len(MnistSpec(path=str(tmp_path), **SMALL).arrays().train_y) == 20


def test_channels_and_size(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    spec = MnistSpec(path=str(tmp_path), channels=3, size=32, normalize="none", **SMALL)
    plain = MnistSpec(path=str(tmp_path), normalize="none", **SMALL)
    wide = load_data(spec).train_x
    assert wide.shape[1:] == spec.input_shape == (3, 32, 32)
    assert torch.equal(wide[..., 2:30, 2:30], load_data(plain).train_x.expand(-1, 3, -1, -1))
    assert wide.count_nonzero() == wide[..., 2:30, 2:30].count_nonzero()  # the frame is black
    with pytest.raises(ValueError, match="valid integer"):
        MnistSpec(path=str(tmp_path), channels=True)


def test_the_fingerprint_is_of_the_pictures_alone(tmp_path: Path) -> None:
    write_mnist(tmp_path / "bare")
    write_mnist(tmp_path / "packed", packed=True)
    one, other = (MnistSpec(path=str(tmp_path / n), **SMALL).arrays() for n in ("bare", "packed"))
    assert one.fingerprint == other.fingerprint


IMAGE = np.zeros((20, 28, 28), np.uint8)
LABEL = np.zeros(20, np.uint8)
BAD = [
    (IMAGES, b"", "ends 4 bytes too early"),
    (IMAGES, idx(IMAGE)[:7], "ends 9 bytes too early"),
    (IMAGES, idx(IMAGE)[:-1], "ends 1 bytes too early"),
    (IMAGES, idx(IMAGE) + b"x", "bytes follow the 20 images of its header"),
    (IMAGES, idx(LABEL), "it holds labels: were files swapped"),
    (LABELS, idx(IMAGE), "it holds images: were files swapped"),
    (IMAGES, b"\x00\x00\x0d\x03" + idx(IMAGE)[4:], "begins with 00 00 0d 03 instead of 00 00 08"),
    (IMAGES, idx(np.zeros((20, 32, 32), np.uint8)), "its images are 32x32, not 28x28"),
    (IMAGES, idx(IMAGE, count=2**32 - 1), "promises 4,294,967,295 images, of 1 to 60,000"),
    (IMAGES, idx(IMAGE, count=60_000), "too early"),
    (IMAGES, idx(IMAGE[:0]), "promises 0 images"),
    (LABELS, idx(LABEL + np.uint8(10)), "labels are not whole numbers from 0 to 9"),
    (LABELS, idx(LABEL[:19]), "the train files hold 20 images and 19 labels"),
    (f"{IMAGES}.gz", idx(IMAGE), "gzip stream is damaged"),
    (f"{IMAGES}.gz", gzip.compress(idx(IMAGE), mtime=0)[:-9], "gzip stream is damaged"),
    (f"{IMAGES}.gz", gzip.compress(idx(IMAGE), mtime=0)[:-8] + bytes(8), "gzip stream is damaged"),
    (f"{IMAGES}.gz", b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 9, "gzip stream is damaged"),
]


@pytest.mark.parametrize(("name", "data", "message"), BAD)
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    write_mnist(tmp_path)
    (tmp_path / name.removesuffix(".gz")).unlink()
    (tmp_path / name).write_bytes(data)
    with pytest.raises(rf.SpecError, match=message) as caught:
        MnistSpec(path=str(tmp_path), **SMALL).arrays()
    assert caught.value.path == "path"
    assert "https://github.com/cvdfoundation/mnist" in (caught.value.help or "")


def test_test_files_in_the_place_of_training_files_are_told(tmp_path: Path) -> None:
    write_mnist(tmp_path, test=10_001)
    with pytest.raises(rf.SpecError, match="10,001 images, of 1 to 10,000: were files swapped"):
        MnistSpec(path=str(tmp_path), **SMALL).arrays()


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / IMAGES).unlink()
    bomb = gzip.compress(idx(IMAGE) + bytes(200_000_000), compresslevel=1)
    (tmp_path / f"{IMAGES}.gz").write_bytes(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(rf.SpecError, match="bytes follow"):
            MnistSpec(path=str(tmp_path), **SMALL).arrays()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


@given(st.data())
def test_a_spoiled_file_ends_in_pictures_or_in_a_spec_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spoiled")
    packed = data.draw(st.booleans())
    write_mnist(folder, train=2, test=1, packed=packed)
    file = data.draw(st.sampled_from(sorted(folder.iterdir())))
    spoiled = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        spoiled[data.draw(st.integers(0, min(len(spoiled), 200) - 1))] = data.draw(
            st.integers(0, 255)
        )
    file.write_bytes(spoiled[: data.draw(st.integers(0, len(spoiled)))])
    try:
        found = MnistSpec(path=str(folder), train=2, test=1).arrays()
    except rf.SpecError as error:
        assert error.path == "path"
    else:
        assert found.train_x.shape == (2, 1, 28, 28)


FILE = """\
sweep: 1
base: {base: digits_resnet8, head: {num_classes: 10}}
arms: {A: {}}
data: {kind: KIND, path: here, train: 20, test: 4}
recipe: {batch_size: 16}
"""


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (None, "here is not a folder"),
        ("*", "here lacks train-images-idx3-ubyte"),
        ("t10k-labels*", "here lacks t10k-labels-idx1-ubyte"),
    ],
)
@pytest.mark.parametrize("kind", SPECS)
def test_what_is_missing_is_told_with_its_place_and_where_to_get_it(
    tmp_path: Path, kind: str, gone: str | None, message: str
) -> None:
    (tmp_path / "sweep.yaml").write_text(FILE.replace("KIND", kind))
    if gone:
        write_mnist(tmp_path / "here")
        for file in (tmp_path / "here").glob(gone):
            file.unlink()
    with pytest.raises(rf.SpecError) as caught:
        plan_sweep(load_sweep(tmp_path / "sweep.yaml"))
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (4, "data.path")
    assert fault.message.endswith(message)
    assert SPECS[kind].published.page in (fault.help or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / IMAGES).chmod(0)
    with pytest.raises(rf.SpecError, match=r"cannot be read \(Permission denied\)"):
        MnistSpec(path=str(tmp_path), **SMALL).arrays()
