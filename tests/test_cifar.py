"""CIFAR-10 and CIFAR-100 from local files."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import resforge as rf
import torch
from cifar_writer import array, batch_binary, batch_pickle, pictures, string, write_cifar
from hypothesis import given
from resforge.ablation import Sweep, load_sweep, plan_sweep
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial
from resforge.training import Cifar10Spec, Cifar100Spec, Recipe, load_data, train
from resforge.training.data.augmentation import CropFlip
from resforge.training.data.cifar_files import CIFAR10, read_pictures
from resforge.training.streams import Batches
from torch import Tensor, nn

SPECS = {"cifar10": Cifar10Spec, "cifar100": Cifar100Spec}
SMALL = {"train": 20, "test": 4}


@pytest.mark.parametrize("unpacked", [True, False])
@pytest.mark.parametrize("version", ["python", "binary"])
@pytest.mark.parametrize("kind", SPECS)
def test_both_versions_hold_the_same_pictures(
    tmp_path: Path, kind: str, version: str, unpacked: bool
) -> None:
    layout = SPECS[kind].layout
    inside = layout.python_folder if version == "python" else layout.binary_folder
    held = write_cifar(tmp_path / inside if unpacked else tmp_path, kind, version)
    training, test = read_pictures(str(tmp_path), layout)
    rows = np.concatenate([rows for rows, _ in held])
    # The first 1,024 bytes are red, row by row.
    assert np.array_equal(np.concatenate([training.pixels, test.pixels]).reshape(-1, 3072), rows)
    assert training.pixels.shape[1:] == (3, 32, 32)
    assert len(test.pixels) == 4
    labels = [label for _, labels in held for label in labels]
    assert [*training.labels.tolist(), *test.labels.tolist()] == labels


def test_the_first_pictures_are_taken(tmp_path: Path) -> None:
    held = write_cifar(tmp_path)
    found = Cifar10Spec(path=str(tmp_path), train=5, test=2).arrays()
    assert found.train_y.tolist() == [*held[0][1], held[1][1][0]]
    assert found.test_y.tolist() == held[-1][1][:2]


def test_the_mean_picture_of_the_training_images_is_taken_off(tmp_path: Path) -> None:
    held = write_cifar(tmp_path)
    rows = np.concatenate([rows for rows, _ in held[:-1]]).reshape(-1, 3, 32, 32) / 255
    found = Cifar10Spec(path=str(tmp_path), **SMALL).arrays()
    mean = rows.mean(axis=0)
    np.testing.assert_allclose(found.train_x, rows - mean, atol=1e-6)  # float32
    np.testing.assert_allclose(
        found.test_x, held[-1][0].reshape(-1, 3, 32, 32) / 255 - mean, atol=1e-6
    )


def test_each_channel_is_normalised(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    spec = Cifar10Spec(path=str(tmp_path), normalize="channel", **SMALL)
    x = load_data(spec).train_x.double()
    assert torch.allclose(x.mean(dim=(0, 2, 3)), torch.zeros(3).double(), atol=1e-6)
    assert torch.allclose(x.std(dim=(0, 2, 3), correction=0), torch.ones(3).double(), atol=1e-6)


def test_a_channel_of_one_grey_is_left_finite(tmp_path: Path) -> None:
    for name in (*CIFAR10.train, CIFAR10.test):
        (tmp_path / f"{name}.bin").write_bytes(bytes(3073 * 2))
    spec = Cifar10Spec(path=str(tmp_path), normalize="channel", train=10, test=2)
    assert load_data(spec).train_x.abs().max() == 0


def test_the_fingerprint_covers_all_that_decides_a_result(tmp_path: Path) -> None:
    write_cifar(tmp_path / "python")
    write_cifar(tmp_path / "binary", version="binary")

    def told(version: str = "python", **fields: object) -> str:
        tree = {"path": str(tmp_path / version), **SMALL, **fields}
        return Cifar10Spec.model_validate(tree).arrays().fingerprint

    assert told() == told("binary")
    others = [
        told(),
        told(normalize="channel"),
        told(augment="crop_flip"),
        told(train=19),
        told(test=3),
    ]
    assert len(set(others)) == len(others)


class Touch:
    """Pickled, it asks for a file to be made when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.path),))


ROWS, LABELS = pictures(4, 10, seed=0)
WHOLE = batch_pickle(ROWS, LABELS, "cifar10")
BAD_BATCHES = [
    (b"", "exhausted before seeing STOP"),
    (WHOLE[:-1], "exhausted before seeing STOP"),
    (b"\x80\x02}r\xff\xff\xff\x7f.", "under the number 2147483647"),
    (b"\x80\x05\x96" + b"\xff" * 7 + b"\x00.", "ValueError"),
    (b"\x80\x02]q\x01.", "does not hold 'data' and 'labels'"),
    (WHOLE.replace(b"U\x06labels", b"U\x06lebels"), "does not hold 'data' and 'labels'"),
    (WHOLE.replace(b"U\x02u1", b"U\x02u2"), "an array in it is not of bytes"),
    (WHOLE.replace(b"U\x02u1", b"U\x02O8"), "an array in it is not of bytes"),
    (WHOLE.replace(b"K\x00tb\x89", b"K\x00tbN").replace(b"J\x04", b"J\x03"), "is not .N, 3,072"),
    (batch_pickle(ROWS, [10, 0, 0, 0], "cifar10"), "whole numbers from 0 to 9"),
    (batch_pickle(ROWS, LABELS[:3], "cifar10"), "4 pictures and 3 labels"),
    (WHOLE.replace(b"](K", b"](\x88K"), "whole numbers from 0 to 9"),
    (b"\x80\x02}(" + string("data") + b"K\x01u.", "does not hold 'data'"),
    (b"\x80\x02}(" + string("data") + array(b"", (0,)) + b"u.", "is not .N, 3,072"),
    (b"cos\nsystem\n(U\x04truetR.", "asks for os.system, which is code"),
    (b"cbuiltins\ngetattr\n.", "asks for builtins.getattr"),
    (b"cnumpy.core.multiarray\nfromstring\n.", "asks for numpy.core.multiarray.fromstring"),
    (b"\x82\x01.", "ValueError"),
    (b"(" * 100_000, "exhausted before seeing STOP"),
]


@pytest.mark.parametrize(("batch", "message"), BAD_BATCHES)
def test_a_file_of_something_else_is_refused(tmp_path: Path, batch: bytes, message: str) -> None:
    write_cifar(tmp_path)
    (tmp_path / "data_batch_3").write_bytes(batch)
    with pytest.raises(rf.SpecError, match=message) as caught:
        Cifar10Spec(path=str(tmp_path), **SMALL).arrays()
    assert "data_batch_3 is not a file of CIFAR-10" in caught.value.message
    assert caught.value.path == "path"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_code_of_a_file_is_run(tmp_path: Path, protocol: int) -> None:
    write_cifar(tmp_path)
    made = tmp_path / "made"
    (tmp_path / "test_batch").write_bytes(pickle.dumps({"x": Touch(made)}, protocol))
    with pytest.raises(rf.SpecError, match="which is code and not data"):
        Cifar10Spec(path=str(tmp_path), **SMALL).arrays()
    assert not made.exists()


@given(st.data())
def test_a_spoiled_batch_ends_in_pictures_or_in_a_spec_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    # The head, where every name and number of the pickle stands; not the pixels.
    rows, labels = pictures(1, 10, seed=0)
    batch = bytearray(batch_pickle(rows, labels, "cifar10"))
    head = batch.index(b"T\x00\x0c")
    for _ in range(data.draw(st.integers(1, 3))):
        batch[data.draw(st.integers(0, head))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("spoiled")
    write_cifar(folder, count=1)
    (folder / "test_batch").write_bytes(batch)
    try:
        _, test = read_pictures(str(folder), CIFAR10)
    except rf.SpecError as error:
        assert error.path == "path"
    else:
        assert test.pixels.shape == (1, 3, 32, 32)


def test_an_array_by_columns_is_turned(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    turned = array(np.asfortranarray(ROWS).tobytes("F"), ROWS.shape, by_column=True)
    upright = array(ROWS.tobytes(), ROWS.shape)
    (tmp_path / "test_batch").write_bytes(WHOLE.replace(upright, turned))
    _, test = read_pictures(str(tmp_path), CIFAR10)
    assert np.array_equal(test.pixels.reshape(4, -1), ROWS)


def test_half_a_record_is_refused(tmp_path: Path) -> None:
    write_cifar(tmp_path, version="binary")
    (tmp_path / "test_batch.bin").write_bytes(batch_binary(ROWS, LABELS, "cifar10")[:-1])
    with pytest.raises(rf.SpecError, match="no whole number of records of 3,073"):
        read_pictures(str(tmp_path), CIFAR10)


FILE = """\
sweep: 1
base: cifar_resnet20
arms: {A: {}}
data: {kind: cifar10, path: here, train: 20, test: 4}
recipe: {batch_size: 16}
"""


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (None, "here is not a folder"),
        ("*", "here holds none of its files"),
        ("data_batch_[24]", "here lacks data_batch_2, data_batch_4"),
        ("test_batch", "here lacks test_batch"),
    ],
)
def test_what_is_missing_is_told_with_its_place_and_where_to_get_it(
    tmp_path: Path, gone: str | None, message: str
) -> None:
    (tmp_path / "sweep.yaml").write_text(FILE)
    if gone:
        write_cifar(tmp_path / "here")
        for file in (tmp_path / "here").glob(gone):
            file.unlink()
    with pytest.raises(rf.SpecError) as caught:
        plan_sweep(load_sweep(tmp_path / "sweep.yaml"))
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (4, "data.path")
    assert fault.message.endswith(message)
    assert "cifar-10-python.tar.gz" in (fault.help or "")
    assert "https://www.cs.toronto.edu/~kriz/cifar.html" in (fault.help or "")


def test_fewer_images_than_asked_for_are_told(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(FILE.replace("train: 20", "train: 21"))
    write_cifar(tmp_path / "here")
    with pytest.raises(rf.SpecError, match="train is 21, and the files hold 20") as caught:
        plan_sweep(load_sweep(tmp_path / "sweep.yaml"))
    assert (caught.value.path, caught.value.help) == ("data.train", "write train: 20")


def test_a_relative_path_starts_at_the_sweep_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweep.yaml").write_text(FILE)
    write_cifar(tmp_path / "here")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert plan_sweep(load_sweep(Path("../sweep.yaml"))).trials
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "sweep.yaml").write_text(FILE.replace("here", "~/here"))
    assert plan_sweep(load_sweep(Path("../sweep.yaml"))).trials


class Watched(nn.Module):
    """A linear layer that remembers the images it is trained on."""

    def __init__(self, extra: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Flatten(), extra, nn.Linear(3072, 10))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen.append(x.clone())
        return self.inner(x)


def test_arms_of_one_seed_see_the_same_augmented_batches(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    spec = Cifar10Spec(path=str(tmp_path), **SMALL)
    plain, augmented = (
        load_data(spec),
        load_data(spec.model_copy(update={"augment": CropFlip()})),
    )
    recipe = Recipe(steps=4, batch_size=8, evaluations=1)
    seen = {}
    for name, data, model, seed in [
        ("plain", plain, Watched(nn.Identity()), 7),
        ("one", augmented, Watched(nn.Identity()), 7),
        ("other", augmented, Watched(nn.Dropout(0.5)), 7),
        ("third", augmented, Watched(nn.Identity()), 8),
    ]:
        train(model, data, recipe, seed)
        seen[name] = torch.stack(model.seen)
    assert torch.equal(seen["one"], seen["other"])
    assert not torch.equal(seen["one"], seen["plain"])
    assert not torch.equal(seen["one"], seen["third"])
    # Augmentation has a stream of its own: the order of the images is as without it.
    rows = next(Batches(20, 8, seed=7))
    assert torch.equal(seen["plain"][0], plain.train_x[rows])


def test_trials_are_bitwise_the_same_again(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    plan = plan_sweep(
        Sweep(
            sweep=1,
            base="cifar_resnet20",
            arms={"A": {"stages[*].depth": 1}},
            seeds=1,
            data={"kind": "cifar10", "path": str(tmp_path), "augment": "crop_flip", **SMALL},
            recipe={"steps": 2, "batch_size": 8},
        )
    )
    task = make_task(plan, plan.trials[0])
    assert run_trial(task).numbers == run_trial(task).numbers
