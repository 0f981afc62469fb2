"""Pictures from NumPy archives, and the archives that data sets of PyTorch are stored in."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import resforge as rf
import torch
from hypothesis import given
from numpy.typing import NDArray
from resforge.ablation import Sweep, load_sweep, plan_sweep, read_records, run_sweep
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial
from resforge.errors import StoreError
from resforge.training import NpzSpec, load_data, store_dataset

Arrays = dict[str, NDArray[Any]]


def arrays(train: int = 20, test: int = 6, shape: tuple[int, ...] = (3, 8, 9)) -> Arrays:
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 256, (train, *shape), dtype=np.uint8),
        "y_train": np.arange(train) % 4,
        "x_test": random.integers(0, 256, (test, *shape), dtype=np.uint8),
        "y_test": np.arange(test) % 4,
    }


def spec_of(folder: Path, held: Arrays, **fields: Any) -> NpzSpec:
    np.savez(folder / "held.npz", **held)
    return NpzSpec(path=str(folder / "held.npz"), **fields)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.float16])
def test_every_layout_and_type_holds_the_same_pictures(
    tmp_path: Path, save: Any, layout: str, dtype: type
) -> None:
    held = arrays()
    written = {
        name: array if name[0] == "y" else (array / 255 if dtype != np.uint8 else array)
        for name, array in held.items()
    }
    for name in ("x_train", "x_test"):
        turned = written[name] if layout == "NCHW" else written[name].transpose(0, 2, 3, 1)
        written[name] = turned.astype(dtype)  # by column, where it was turned
    written["y_train"] = written["y_train"].astype(np.uint8)[:, None]
    save(tmp_path / "held.npz", **written)
    spec = NpzSpec(path=str(tmp_path / "held.npz"), normalize="none")
    assert (spec.input_shape, spec.num_classes) == ((3, 8, 9), 4)
    assert (spec.trained, spec.tested) == (20, 6)
    found = spec.arrays()
    atol = 1e-3 if dtype == np.float16 else 1e-6
    np.testing.assert_allclose(found.train_x, held["x_train"] / 255, atol=atol)
    np.testing.assert_allclose(found.test_x, held["x_test"] / 255, atol=atol)
    assert found.train_y.tolist() == held["y_train"].tolist()


def test_grey_pictures_need_no_axis_of_channels(tmp_path: Path) -> None:
    held = arrays(shape=(28, 28))
    found = load_data(spec_of(tmp_path, held, normalize="none"))
    assert (found.in_channels, found.train_x.shape) == (1, (20, 1, 28, 28))


@pytest.mark.parametrize("shape", [(3, 3, 3), (8, 8, 8), (1, 8, 3)])
def test_channels_that_could_be_anywhere_are_asked_for(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    held = arrays(shape=shape)
    with pytest.raises(rf.SpecError, match="channels may come first or last") as caught:
        spec_of(tmp_path, held).check()
    assert caught.value.help == "write layout: NCHW, or layout: NHWC"
    assert spec_of(tmp_path, held, layout="NCHW").input_shape == shape
    last = spec_of(tmp_path, held, layout="NHWC")
    assert last.input_shape == (shape[2], *shape[:2])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_each_channel_is_normalised(tmp_path: Path, dtype: type) -> None:
    held = arrays(train=3000)
    for name in ("x_train", "x_test"):
        held[name] = held[name].astype(dtype)
    x = load_data(spec_of(tmp_path, held, normalize="channel")).train_x.double()
    # To the precision of the float32 that images are kept in.
    assert torch.allclose(x.mean(dim=(0, 2, 3)), torch.zeros(3).double(), atol=1e-6)
    assert torch.allclose(x.std(dim=(0, 2, 3), correction=0), torch.ones(3).double(), atol=1e-6)


def test_floats_of_one_value_are_left_finite(tmp_path: Path) -> None:
    held = arrays()
    held["x_train"] = np.full((20, 3, 8, 9), 0.1)
    held["x_test"] = held["x_test"].astype(np.float32)
    assert load_data(spec_of(tmp_path, held, normalize="channel")).train_x.abs().max() < 1e-6


def test_fewer_images_and_more_classes_can_be_asked_for(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, arrays(), train=10, test=2, validation=4, classes=7)
    found = load_data(spec)
    assert (len(found.train_y), len(found.test_y), found.num_classes) == (6, 2, 7)
    assert (spec.trained, spec.tested) == (6, 2)


def changed(**changes: Any) -> Arrays:
    return {name: array for name, array in (arrays() | changes).items() if array is not None}


X = arrays()["x_train"]
WRONG: list[tuple[Arrays, dict[str, Any], str, str]] = [
    (changed(y_test=None), {}, "path", "it lacks y_test, and holds x_test.npy, x_train.npy"),
    (changed(x_train=X.astype(np.int32)), {}, "path", "x_train is of int32: it should be of uint8"),
    (changed(x_train=X[0]), {}, "path", "x_train holds 3 images and y_train 20"),
    (changed(x_train=X[0, 0, 0]), {}, "path", "x_train is 9, which is none of NHW, NCHW"),
    (changed(x_train=X[:0]), {}, "path", "x_train is 0x3x8x9"),
    (changed(x_train=X[:19]), {}, "path", "x_train holds 19 images and y_train 20 labels"),
    (changed(x_test=X[:6, :1]), {}, "path", "training images .* 3x8x9, its test images 1x8x9"),
    (changed(y_train=np.eye(20, dtype=int)), {}, "path", "y_train is 20x20 of int64"),
    (changed(y_train=np.ones(20)), {}, "path", "y_train is 20 of float64: .* N whole numbers"),
    (changed(y_train=np.arange(-1, 19)), {}, "path", "y_train holds labels from -1 to 18"),
    (changed(y_test=np.full(6, 2**40)), {}, "path", "y_test holds labels from 1099511627776"),
    (changed(x_test=X[:6] / np.nan), {}, "path", "x_test holds values that are not finite"),
    (changed(y_train=np.array([{}] * 20)), {}, "path", "y_train is not an array of numbers"),
    (changed(x_train=X[:1], y_train=[0]), {}, "validation", "leaves fewer than 2"),
    (changed(), {"validation": 19}, "validation", "validation 19 leaves fewer than 2"),
    (changed(), {"train": 21}, "train", "train is 21, and the file holds 20 images"),
    (changed(), {"test": 7}, "test", "test is 7, and the file holds 6 images"),
    (changed(), {"classes": 3}, "classes", "classes is 3, and the largest label is 3"),
    (
        changed(y_train=np.zeros(20, int), y_test=np.zeros(6, int)),
        {},
        "path",
        "holds a single class: two or more are needed",
    ),
    (changed(), {"layout": "NHW"}, "layout", "x_train is 20x3x8x9, which is not NHW"),
]


@pytest.mark.filterwarnings("ignore:(divide|invalid)")
@pytest.mark.parametrize(("held", "fields", "path", "message"), WRONG)
def test_what_is_wrong_is_told(
    tmp_path: Path, held: Arrays, fields: dict[str, Any], path: str, message: str
) -> None:
    with pytest.raises(rf.SpecError, match=message) as caught:
        spec_of(tmp_path, held, **fields).arrays()
    assert caught.value.path == path
    assert caught.value.help


class Touch:
    """Pickled, it asks for a folder to be made when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.mkdir, (self.path,))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    made = tmp_path / "made"
    spec = spec_of(tmp_path, changed(y_train=np.array([Touch(made)], dtype=object)))
    with pytest.raises(rf.SpecError, match="y_train is not an array of numbers"):
        spec.arrays()
    (tmp_path / "held.npz").write_bytes(pickle.dumps(Touch(made)))
    with pytest.raises(rf.SpecError, match="BadZipFile"):
        spec.arrays()
    assert not made.exists()


def head(shape: tuple[int, ...]) -> bytes:
    text = str({"descr": "|u1", "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def repacked(path: Path, method: int = zipfile.ZIP_DEFLATED, **files: bytes) -> None:
    """Write the archive anew, some files of it being others."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in (held | {f"{name}.npy": data for name, data in files.items()}).items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x_train|EOF|magic"),
        (head((20, 3, 8, 9)), "the header of x_train promises 20x3x8x9, and its length differs"),
        (head((2**40, 3, 8, 9)), "and its length differs"),
        (head((-1, 3, 8, 9)), "not an array of numbers"),
        (head((20, 3, 8, 9)) + bytes(20 * 3 * 8 * 9 + 1), "and its length differs"),
        (head((20, 3, 8, 9)).replace(b"NUMPY\x01", b"NUMPY\x02"), "not an array of numbers"),
        (head((20, 3, 8, 9)).replace(b"|u1", b"|O1"), "ValueError"),
        (head((20, 3, 8, 9)).replace(b"False", b"print"), "ValueError"),
    ],
)
def test_heads_that_lie_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    spec = spec_of(tmp_path, arrays())
    repacked(tmp_path / "held.npz", x_train=data)
    with pytest.raises(rf.SpecError, match=message) as caught:
        spec.arrays()
    assert caught.value.message.startswith(f"{tmp_path / 'held.npz'} is not a file of pictures")
    assert "numpy.savez" in (caught.value.help or "")


def test_ways_of_packing_that_numpy_does_not_write_are_refused(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, arrays())
    repacked(tmp_path / "held.npz", method=zipfile.ZIP_LZMA)
    with pytest.raises(rf.SpecError, match="compressed by a method that NumPy does not use"):
        spec.arrays()


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, arrays())
    with zipfile.ZipFile(tmp_path / "held.npz", "a", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        with pytest.warns(UserWarning, match="Duplicate name"):
            member = file.open("x_train.npy", "w")
        with member:
            member.write(head((2**40, 1, 1, 1)))
            for _ in range(200):
                member.write(bytes(1_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(rf.SpecError, match="and its length differs"):
            spec.arrays()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


@given(st.data())
def test_a_spoiled_file_ends_in_pictures_or_in_a_spec_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spoiled")
    spec = spec_of(folder, arrays(3, 1, (2, 2)))
    file = folder / "held.npz"
    spoiled = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        spoiled[data.draw(st.integers(0, len(spoiled) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(spoiled)
    try:
        found = spec.arrays()
    except rf.SpecError as error:
        assert error.path in ("path", "validation")
    else:
        assert len(found.train_x) == len(found.train_y)


FILE = """\
sweep: 1
base: {base: digits_resnet8, in_channels: 3, head: {num_classes: 4}}
arms: {A: {}}
seeds: 1
data: {kind: npz, path: held.npz}
recipe: {steps: 2, batch_size: 8}
"""


@pytest.mark.parametrize("there", [None, "folder", "empty"])
def test_what_is_missing_is_told_with_its_place(tmp_path: Path, there: str | None) -> None:
    (tmp_path / "sweep.yaml").write_text(FILE)
    if there == "folder":
        (tmp_path / "held.npz").mkdir()
    elif there == "empty":
        (tmp_path / "held.npz").write_bytes(b"")
    with pytest.raises(rf.SpecError) as caught:
        load_sweep(tmp_path / "sweep.yaml")
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (5, "data.path")
    assert "resforge.training.store_dataset" in (fault.help or "")


def test_a_sweep_is_reported_when_its_file_is_gone(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(FILE)
    np.savez(tmp_path / "held.npz", **arrays())
    run_sweep(load_sweep(tmp_path / "sweep.yaml"), tmp_path / "out", engine="inline")
    (tmp_path / "held.npz").unlink()
    records = read_records(tmp_path / "out")
    assert (records.num_classes, records.input_size, records.finished) == (4, (8, 9), 1)


def test_a_file_that_changed_is_another_data_set(tmp_path: Path) -> None:
    held = arrays()
    spec = spec_of(tmp_path, held)
    before = spec.num_classes, spec.arrays().fingerprint
    held["y_train"] = np.arange(20) % 5
    spec = spec_of(tmp_path, held)
    assert spec.num_classes == before[0] + 1
    assert spec.arrays().fingerprint != before[1]


def test_a_file_that_changed_is_trained_on_anew(tmp_path: Path) -> None:
    curves = []
    for shift in (0, 100):
        held = arrays()
        held["x_train"] += np.uint8(shift)
        spec = spec_of(tmp_path, held)
        net = {"base": "digits_resnet8", "in_channels": 3, "head": {"num_classes": 4}}
        recipe = {"steps": 1, "batch_size": 8}
        plan = plan_sweep(Sweep(sweep=1, base=net, arms={"A": {}}, data=spec, recipe=recipe))
        curves.append(run_trial(make_task(plan, plan.trials[0])).train_curve)
    assert curves[0] != curves[1]


def test_a_task_means_the_same_files_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = {"base": "digits_resnet8", "in_channels": 3, "head": {"num_classes": 4}}
    recipe = {"steps": 1, "batch_size": 8}
    spec_of(tmp_path, arrays())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    data = NpzSpec(path="held.npz")
    sweep = Sweep(sweep=1, base=net, arms={"A": {}}, data=data, recipe=recipe)
    plan = plan_sweep(sweep)
    task = make_task(plan, plan.trials[0], Path("out"))
    assert Path(task.checkpoint).parent == tmp_path / "out" / "checkpoints"
    monkeypatch.chdir("elsewhere")
    assert run_trial(replace(task, checkpoint="")).status == "done"


class Squares(torch.utils.data.Dataset[Any]):
    """Each image's values are its number's square."""

    def __init__(self, form: str, count: int = 5) -> None:
        self.form = form
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        from PIL import Image

        image = np.full((5, 6, 3), index**2, np.uint8)
        forms = {
            "picture": lambda: (Image.fromarray(image), index % 3),
            "grey": lambda: (Image.fromarray(image[..., 0]), np.int64(index % 3)),
            "array": lambda: (image, index % 3),
            "tensor": lambda: (torch.tensor(image).permute(2, 0, 1), torch.tensor(index % 3)),
            "floats": lambda: (torch.tensor(image / 255.0).permute(2, 0, 1), index % 3),
            "halves": lambda: (torch.full((3, 5, 6), index**2).bfloat16() / 256, index % 3),
        }
        return forms[self.form]()


@pytest.mark.parametrize("form", ["picture", "grey", "array", "tensor", "floats", "halves"])
def test_a_torch_data_set_is_stored_and_trained_on(tmp_path: Path, form: str) -> None:
    if form in ("picture", "grey"):
        pytest.importorskip("PIL")
    spec = store_dataset(tmp_path / "squares.npz", train=Squares(form), test=Squares(form, 2))
    assert spec == NpzSpec(path=str(tmp_path / "squares.npz"), layout="NCHW")
    found = load_data(spec.model_copy(update={"normalize": "none"}))
    assert found.train_x.shape == (5, 1 if form == "grey" else 3, 5, 6)
    scale = 256 if form == "halves" else 255
    values = torch.tensor([0, 1, 4, 9, 16]) / scale
    assert torch.allclose(found.train_x[:, 0, 0, 0], values)
    assert torch.equal(found.train_x.amax(dim=(1, 2, 3)), found.train_x.amin(dim=(1, 2, 3)))
    assert found.train_y.tolist() == [0, 1, 2, 0, 1]
    assert found.num_classes == 3
    sweep = Sweep(
        sweep=1, base=rf.load("digits_resnet8"), arms={"A": {}}, data=spec, recipe={"batch_size": 4}
    )
    with pytest.raises(rf.SpecError, match="the network has 10 classes, the data has 3"):
        plan_sweep(sweep)


def test_small_images_are_read_as_they_were_given(tmp_path: Path) -> None:
    items = [(torch.arange(12).reshape(1, 4, 3) + float(i), 0) for i in range(3)]
    spec = store_dataset(tmp_path / "a.npz", train=items, test=items, classes=2)
    assert (spec.input_shape, spec.num_classes) == ((1, 4, 3), 2)


GOOD = [(torch.zeros(3, 8, 8), label) for label in (0, 1, 0)]
BAD_ITEMS: list[tuple[Any, str, str]] = [
    ([], "train", "there are no images"),
    ([torch.zeros(3, 8, 8)], r"train\[0\]", "expected an image and a label, not Tensor"),
    ([(torch.zeros(3, 8, 8), 0.5)], r"train\[0\]", "not a whole number from 0"),
    ([(torch.zeros(3, 8, 8), -1)], r"train\[0\]", "not a whole number from 0"),
    ([(torch.zeros(3, 8, 8), torch.zeros(3))], r"train\[0\]", "not a whole number from 0"),
    ([(torch.zeros(8), 0)], r"train\[0\]", "the image is 8"),
    ([(np.zeros((8, 8, 8)), 0)], r"train\[0\]", "the image is 8x8x8"),
    ([(torch.zeros(3, 8, 8).long(), 0)], r"train\[0\]", "the image is of int64"),
    ([(torch.zeros(3, 8, 8) / 0, 0)], r"train\[0\]", "not finite"),
    (["ab"], r"train\[0\]", "not a whole number"),
    ([*GOOD, (torch.zeros(3, 8, 9), 0)], r"train\[3\]", "is 3x8x9 of float32, and those before"),
    ([*GOOD, (torch.zeros(3, 8, 8).byte(), 0)], r"train\[3\]", "is 3x8x8 of uint8, and those"),
]


@pytest.mark.parametrize(("items", "place", "message"), BAD_ITEMS)
def test_items_of_something_else_are_told_with_their_number(
    tmp_path: Path, items: Any, place: str, message: str
) -> None:
    (tmp_path / "a.npz").write_bytes(b"as it was")
    with pytest.raises(rf.SpecError, match=f"{place}.*{message}"):
        store_dataset(tmp_path / "a.npz", train=items, test=GOOD)
    assert (tmp_path / "a.npz").read_bytes() == b"as it was"
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]


def test_test_images_are_like_training_images(tmp_path: Path) -> None:
    with pytest.raises(rf.SpecError, match=r"test\[0\].*is 1x8x8"):
        store_dataset(tmp_path / "a.npz", train=GOOD, test=[(torch.zeros(1, 8, 8), 0)])


def test_pictures_of_a_palette_are_not_taken_for_values(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image").new("P", (8, 8))
    with pytest.raises(rf.SpecError, match="a picture of mode P"):
        store_dataset(tmp_path / "a.npz", train=[(image, 0)], test=[(image, 0)])


def test_what_has_no_length_or_no_place_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(rf.SpecError, match="takes a data set with a length, not generator"):
        store_dataset(tmp_path / "a.npz", train=(item for item in GOOD), test=GOOD)  # type: ignore[arg-type]
    with pytest.raises(rf.ResforgeError, match="is not a folder: make it"):
        store_dataset(tmp_path / "none" / "a.npz", train=GOOD, test=GOOD)
    (tmp_path / "taken").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        store_dataset(tmp_path / "taken", train=GOOD, test=GOOD)


def test_a_bar_is_drawn_on_a_terminal_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store_dataset(tmp_path / "a.npz", train=GOOD, test=GOOD)
    assert capsys.readouterr() == ("", "")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for progress in (True, False):
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        store_dataset(tmp_path / "a.npz", train=GOOD, test=GOOD, progress=progress)
        assert ("train" in terminal.getvalue()) == progress
