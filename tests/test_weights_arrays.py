"""Files of NumPy arrays: BiT's `.npz`, and the `.pkl` of detectron2 and Caffe2, read without
running anything."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from resforge.weights.read import read
from torch import Tensor, nn
from weight_files import SPEC, Intruder, holds, refused, state

DEEP = rf.ResNetSpec(
    resforge=1,
    stem=[{"conv": 7, "width": 4, "stride": 2}, {"pool": "max"}],
    stages=[{"depth": 2, "width": 4}, {"depth": 11, "width": 8, "stride": 2}],
    block={"kind": "bottleneck", "order": "full_pre"},
    norm={"kind": "group", "groups": 2},
    shortcut="projection",
    head={"kind": "classifier", "num_classes": 3},
)
CAFFE2 = rf.ResNetSpec(
    resforge=1,
    stem={"kind": "conv7x7", "width": 4},
    stages=[{"depth": 1, "width": 4}, {"depth": 2, "width": 8, "stride": 2}],
    block={"kind": "bottleneck", "stride_on": "conv1"},
    head={"kind": "classifier", "num_classes": 3},
)


def drawn(spec: rf.ResNetSpec, seed: int = 1) -> dict[str, Tensor]:
    """A state dict with weights of both signs."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(tensor.shape, generator=generator)
        if tensor.is_floating_point() and not name.endswith("running_var")
        else tensor
        for name, tensor in rf.build(spec).state_dict().items()
    }


def bits(tensors: dict[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of DEEP as google-research/big_transfer publishes them."""
    arrays = {}
    for name, tensor in tensors.items():
        layer, leaf = name.rsplit(".", 1)
        parts = layer.split(".")
        values = tensor.numpy()
        if layer == "stem.conv1":
            place = "root_block/standardized_conv2d"
        elif layer == "norm":
            place = "group_norm"
        elif layer == "fc":
            place, values = "head/conv2d", values[..., None, None] if values.ndim == 2 else values
        else:
            unit = f"block{parts[0][5:]}/unit{int(parts[1]) + 1:02}"
            number = int(parts[2][-1]) if parts[2] != "downsample" else 0
            place = {
                "bn": f"{unit}/{'abc'[number % 3]}/group_norm",
                "co": f"{unit}/{'abc'[number - 1]}/standardized_conv2d",
                "do": f"{unit}/a/proj/standardized_conv2d",
            }[parts[2][:2]]
        if values.ndim == 4:
            values = values.transpose(2, 3, 1, 0)
        ends = {"weight": "kernel" if values.ndim == 4 else "gamma", "bias": "beta"}
        end = "bias" if place == "head/conv2d" and leaf == "bias" else ends[leaf]
        arrays[f"resnet/{place}/{end}"] = values
    return arrays


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_bits_archive(write: Callable[..., None], tmp_path: Path) -> None:
    """HWIO kernels, units from 01, gamma and beta, and a head that is a convolution."""
    given = drawn(DEEP)
    write(tmp_path / "BiT-S.npz", **bits(given))
    model = rf.build(DEEP)
    plan = rf.load_weights(model, tmp_path / "BiT-S.npz")
    assert (plan.layout, plan.share, plan.unused) == ("bit", 1.0, ())
    assert holds(model, given)
    with pytest.raises(rf.WeightsError, match=r"TensorFlow's \.npz files, which are read and not"):
        rf.convert_weights(tmp_path / "BiT-S.npz", tmp_path / "x.pth", spec=DEEP, to="bit")


def caffe2(tensors: dict[str, Tensor], statistics: bool) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of CAFFE2 under the names of Detectron's files."""
    arrays = {}
    for name, tensor in tensors.items():
        layer, leaf = name.rsplit(".", 1)
        if leaf == "num_batches_tracked" or (leaf.startswith("running") and not statistics):
            continue
        if layer.startswith("layer"):
            stage, block, own, *rest = layer.removeprefix("layer").split(".")
            branch = "branch1" if own == "downsample" else f"branch2{'abc'[int(own[-1]) - 1]}"
            norm = "_bn" if own.startswith("bn") or rest == ["1"] else ""
            place = f"res{int(stage) + 1}_{block}_{branch}{norm}"
        else:
            place = {"conv1": "conv1", "bn1": "res_conv1_bn", "fc": "pred"}[layer]
        ends = {"weight": "w", "bias": "b", "running_mean": "rm", "running_var": "riv"}
        if place.endswith("bn"):
            ends["weight"] = "s"
        arrays[f"{place}_{ends[leaf]}"] = tensor.numpy()
    return arrays


@pytest.mark.parametrize("statistics", [True, False])
def test_caffe2s_pickle(statistics: bool, tmp_path: Path) -> None:
    """Without statistics a norm scales and shifts: its outputs are those of mean 0, variance 1."""
    given = drawn(CAFFE2)
    if not statistics:
        for name in given:
            if name.endswith("running_mean"):
                given[name] = torch.zeros_like(given[name])
            elif name.endswith("running_var"):
                given[name] = torch.full_like(given[name], 1.0 - 1e-5)
    arrays = caffe2(given, statistics)
    blobs = {**arrays, "conv1_w_momentum": arrays["conv1_w"]}
    (tmp_path / "R.pkl").write_bytes(pickle.dumps({"blobs": blobs, "cfg": "x: 1"}, protocol=2))
    model = rf.build(CAFFE2)
    plan = rf.load_weights(model, tmp_path / "R.pkl")
    assert (plan.layout, plan.share) == ("caffe2", 1.0)
    assert holds(model, given)
    noted = any("norms have no statistics there" in note for note in plan.notes)
    assert noted is not statistics


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("order", ["<", ">"])
def test_detectron2s_pickle(protocol: int, order: str, tmp_path: Path) -> None:
    """Under protocols of Python 2 and 3, in both orders of bytes, beside plain values."""
    rf.save_weights(rf.build(SPEC, seed=1), tmp_path / "ours.safetensors")
    rf.convert_weights(tmp_path / "ours.safetensors", tmp_path / "x.pth", to="detectron2")
    tensors = torch.load(tmp_path / "x.pth")
    arrays = OrderedDict(
        (name, tensor.numpy().astype(tensor.numpy().dtype.newbyteorder(order)))
        for name, tensor in tensors.items()
    )
    arrays["stem.conv1.weight"] = np.asfortranarray(arrays["stem.conv1.weight"])
    extra = {"__author__": "x", "n": np.float32(3), "none": (None, True, 2.5, b"", -(2**70))}
    content = pickle.dumps({"model": arrays, **extra}, protocol=protocol)
    (tmp_path / "R.pkl").write_bytes(content)
    model = rf.build(SPEC)
    assert rf.load_weights(model, tmp_path / "R.pkl").layout == "detectron2"
    assert holds(model, state())


def pickled(value: Any, protocol: int = 2) -> bytes:
    return pickle.dumps({**arrays_of(), "x": value}, protocol=protocol)


def arrays_of() -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in state().items()}


class Named:
    """Pickles as an array with the given state."""

    def __init__(self, *given: Any) -> None:
        self.given = given

    def __reduce__(self) -> Any:
        rebuild, arguments, _ = np.zeros(1).__reduce__()
        return rebuild, arguments, self.given


class Doubled:
    """A tuple of 60 levels that holds 2^60 empty ones, all of them the same."""

    def __reduce__(self) -> Any:
        key: Any = ()
        for _ in range(60):
            key = (key, key)
        return dict, (), None, None, iter([(key, 1)])


F4 = np.dtype("f4")
HOSTILE: dict[str, tuple[Any, str]] = {
    "code": (Intruder(os.mkdir, "ran"), r"more than arrays \(posix\.mkdir\)"),
    "eval": (Intruder(eval, "1"), r"builtins?(__)?\.eval"),
    "a tensor": (torch.zeros(2), r"torch\._utils"),
    "objects": (np.array([{}, "a"], dtype=object), "numbers of type O8"),
    "objects in disguise": (Named(1, (2,), F4, False, [1, 2]), "array of objects"),
    "text": (np.array(["a"]), "numbers of type U1"),
    "records": (np.zeros(2, [("a", "f4")]), "numbers of type V4"),
    "too large": (Named(1, (2**40,), F4, False, b"abcd"), "damaged"),
    "negative": (Named(1, (-1, -1), F4, False, b"abcd"), "damaged"),
    "overflowing": (Named(1, (2**33, 2**33), F4, False, b"abcd"), "damaged"),
    "no shape": (Named(1, 5, F4, False, b"abcd"), "damaged"),
    "no type": (Named(1, (1,), "f4", False, b"abcd"), "damaged"),
    "no values": (Named(1), "damaged"),
    "doubled key": ({((),): 1}, "keys are no names"),
    "a set": ({1, 2}, "EMPTY_SET|builtin__.set"),
    "a class": (SPEC, "resforge"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_hostile_pickle(name: str, protocol: int, tmp_path: Path) -> None:
    value, message = HOSTILE[name]
    text = refused(tmp_path, pickled(value, protocol), message)
    assert not (tmp_path / "ran").exists()
    assert not Path("ran").exists()
    assert "damaged" in text or "nothing was run" in text


def test_levels_without_end(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(90):
        deep = [deep, deep]
    refused(tmp_path, pickled(deep), "more than 50 levels")
    loop: Any = []
    loop.append(loop)
    refused(tmp_path, pickled(loop), "more than 50 levels")


def test_the_same_bytes_again_and_again(tmp_path: Path) -> None:
    """A file of 100 KB with arrays of 100 MB: bytes are copied as often as the file has them."""
    data = bytes(100_000)
    again = [Named(1, (100_000,), np.dtype("u1"), False, data) for _ in range(1_000)]
    refused(tmp_path, pickled(again), "damaged")


def test_what_a_pickle_cannot_say(tmp_path: Path) -> None:
    """A memo of a length that no file has, and more instructions than a network needs."""
    refused(tmp_path, b"\x80\x02}r\xff\xff\xff\x7f.", "without named arrays")
    refused(tmp_path, b"\x80\x02" + b"}0" * 10, "instruction POP")
    refused(tmp_path, b"\x80\x02" + b"}" * 2_000_001 + b".", "more than a network needs")
    refused(tmp_path, b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", "damaged")
    refused(tmp_path, b"\x80\x02.", "damaged")


SOUND = {
    "npz": lambda: saved_npz(arrays_of()),
    "pickle": lambda: pickle.dumps(arrays_of(), protocol=2),
}


def saved_npz(arrays: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", SOUND)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    """Cut short, or with other bytes in it: an error, or tensors."""
    content = bytearray(SOUND[kind]())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(1, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    (tmp_path / "x").write_bytes(content[: data.draw(st.sampled_from([cut, len(content)]))])
    try:
        tensors = read(tmp_path / "x").tensors
    except rf.WeightsError as error:
        assert all(fault.help for fault in error.faults)
    else:
        assert all(isinstance(tensor, Tensor) for tensor in tensors.values())


def test_hostile_archives(tmp_path: Path) -> None:
    objects = io.BytesIO()
    np.savez(objects, x=np.array([Intruder(os.mkdir, "ran")], dtype=object))
    refused(tmp_path, objects.getvalue(), "x is not an array of numbers")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.zeros(2**22))
    refused(tmp_path, buffer.getvalue(), "unfolds to 33,554,")
    refused(tmp_path, saved_npz({"x": np.array(["text"])}), "no arrays of numbers")
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00")
    refused(tmp_path, (tmp_path / "x.zip").read_bytes(), "compressed by a method")
    many = {f"{number}": np.zeros(0) for number in range(20_001)}
    refused(tmp_path, saved_npz(many), "holds 20,001 of at most 20,000")


def test_pytorchs_own_names_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(saved_npz(arrays_of()))
    model: nn.Module = rf.build(SPEC)
    assert rf.load_weights(model, tmp_path / "x.npz").layout == "torchvision"
    assert holds(model, state())
