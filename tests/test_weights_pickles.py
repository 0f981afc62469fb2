"""What `torch.load(weights_only=True)` reads is read; all else comes with what saves it anew."""

from __future__ import annotations

import argparse
import collections
import io
import os
import pickle
import re
import tarfile
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
from conversions import trace
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.weights.dry_run import is_allowed
from resforge.weights.read import read
from torch import Tensor, nn
from weight_files import SPEC, Intruder, Write, holds, legacy, refused, saved, state


@pytest.fixture(params=["zip", "legacy"])
def pickled(request: pytest.FixtureRequest) -> Write:
    return {"zip": saved, "legacy": legacy}[request.param]


class OldTensor:
    """Pickles as a tensor of torch before 0.4 does."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __reduce__(self) -> Any:
        storage = self.tensor._typed_storage()
        shape, stride = tuple(self.tensor.shape), self.tensor.stride()
        return torch._utils._rebuild_tensor, (storage, 0, shape, stride)


class View:
    """Pickles as a tensor with the arguments that are given."""

    def __init__(self, tensor: Tensor, *arguments: Any) -> None:
        self.tensor, self.arguments = tensor, arguments

    def __reduce__(self) -> Any:
        storage = self.tensor._typed_storage()
        return torch._utils._rebuild_tensor, (storage, *self.arguments)


def loaded(folder: Path, content: bytes) -> nn.Module:
    (folder / "x.pth").write_bytes(content)
    model = rf.build(SPEC)
    rf.load_weights(model, folder / "x.pth")
    return model


def assert_holds(model: nn.Module) -> None:
    assert holds(model, state())


def test_no_name_that_torch_allows_is_forgotten() -> None:
    """But for one, whose argument is an array, which torch does not allow."""
    from torch._weights_only_unpickler import _get_allowed_globals

    refused = {name for name in _get_allowed_globals() if not is_allowed(name)}
    assert refused == {"torch._utils._rebuild_device_tensor_from_numpy"}


def test_tensors_of_torch_before_04(pickled: Write, tmp_path: Path) -> None:
    old = OrderedDict((name, OldTensor(tensor)) for name, tensor in state().items())
    assert_holds(loaded(tmp_path, pickled({"state_dict": old, "best_prec1": 91.7})))


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # some kinds of tensors are prototypes
    BESIDE: dict[str, Any] = {
        "counter": collections.Counter("abca"),
        "set": {1, 2, "x"},
        "bytes": b"\x00\xff",
        "bytearray": bytearray(b"abc"),
        "complex": 1 + 2j,
        "dtype": [torch.float16, torch.float8_e4m3fn, torch.uint16],
        "size": torch.Size([1, 2]),
        "device": torch.device("cuda:1"),
        "layout": torch.sparse_csr,
        "parameter": nn.Parameter(torch.zeros(2)),
        "sparse": torch.eye(3).to_sparse(),
        "csr": torch.eye(3).to_sparse_csr(),
        "nested": torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
        "quantised": torch.quantize_per_tensor(torch.rand(4), 0.1, 0, torch.quint8),
        "meta": torch.zeros(3, device="meta"),
        "narrow": torch.zeros(3).to(torch.float8_e5m2),
        "unsigned": torch.zeros(3, dtype=torch.uint16),
        "expanded": torch.zeros(1).expand(2**20, 2**20),
        "view": torch.zeros(10)[3:9:2],
        "long": 2**100,
        "negative": -5,
        "deep": [[[[{"a": [1]}]]]],
    }


@pytest.mark.filterwarnings("ignore:.*(nested|TypedStorage|CSR|sparse tensor invariants)")
@pytest.mark.parametrize("beside", BESIDE)
def test_what_torch_reads_beside_the_tensors(beside: str, pickled: Write, tmp_path: Path) -> None:
    content = pickled({"args": {"x": BESIDE[beside]}, "extra": BESIDE[beside], "model": state()})
    _skip_what_torch_refuses(content, beside)
    assert_holds(loaded(tmp_path, content))


@pytest.mark.filterwarnings("ignore:.*(nested|TypedStorage|CSR|sparse tensor invariants)")
@pytest.mark.parametrize("kind", ["sparse", "csr", "nested", "quantised", "meta", "expanded"])
def test_what_is_no_plain_tensor_is_named(kind: str, pickled: Write, tmp_path: Path) -> None:
    content = pickled({**state(), "bn1.weight": BESIDE[kind]})
    _skip_what_torch_refuses(content, kind)
    wrong = r"bn1\.weight is (sparse, nested, quantised or without values|1048576x)"
    refused(tmp_path, content, wrong)


def _skip_what_torch_refuses(content: bytes, kind: str) -> None:
    """Some tensors are in no list of torch in its older form of files, nested ones from torch 2.15
    in no form. In the older form torch makes nested ones before it has read what they are made of:
    whether it succeeds depends on what was in memory."""
    if kind == "nested" and not content.startswith(b"PK"):
        pytest.skip("torch reads its own file by chance alone")
    try:
        torch.load(io.BytesIO(content), weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, AttributeError):
        if kind not in ("nested", "narrow", "unsigned"):
            raise
        pytest.skip("torch does not read its own file")


class Hiding:
    """Pickles to a parameter, or a mapping, with attributes that hide its methods."""

    def __init__(self, value: Any, *names: str) -> None:
        self.value, self.attributes = value, dict.fromkeys(names, 5)

    def __reduce__(self) -> Any:
        if isinstance(self.value, dict):
            return OrderedDict, (), self.attributes, None, iter(self.value.items())
        arguments = (self.value, False, OrderedDict(), self.attributes)
        return torch._utils._rebuild_parameter_with_state, arguments


def test_attributes_that_hide_methods(pickled: Write, tmp_path: Path) -> None:
    names = ("numel", "is_floating_point", "detach", "flatten", "to", "copy_", "tensor_split")
    tensors = {
        name: Hiding(tensor, *names) if tensor.is_floating_point() else tensor
        for name, tensor in state().items()
    }
    checkpoint = Hiding({"state_dict": Hiding(tensors, "items", "keys")}, "items", "get", "keys")
    assert_holds(loaded(tmp_path, pickled(checkpoint)))


def test_values_that_are_stored_negated(pickled: Write, tmp_path: Path) -> None:
    tensors = state()
    tensors["conv1.weight"] = torch._neg_view(-tensors["conv1.weight"])
    content = pickled(tensors)
    assert_holds(loaded(tmp_path, content))
    rf.convert_weights(tmp_path / "x.pth", tmp_path / "y.safetensors", spec=SPEC)
    assert_holds(loaded(tmp_path, (tmp_path / "y.safetensors").read_bytes()))


def test_tensors_that_share_memory(pickled: Write, tmp_path: Path) -> None:
    tensors = state()
    tensors["bn1.bias"] = tensors["bn1.running_mean"] = torch.randn(9)[1:5]
    (tmp_path / "x.pth").write_bytes(pickled(tensors))
    rf.convert_weights(tmp_path / "x.pth", tmp_path / "y.safetensors", spec=SPEC)
    written = read(tmp_path / "y.safetensors").tensors
    assert all(torch.equal(written[name], tensor) for name, tensor in tensors.items())
    model = rf.build(SPEC)
    model.bn1.bias = nn.Parameter(model.bn1.weight.detach())
    rf.save_weights(model, tmp_path / "z.safetensors")


@pytest.mark.parametrize(
    "arguments",
    [
        (0, (2**40,), (1,)),
        (0, (5,), (1,)),
        (1, (4,), (1,)),
        (0, (2, 2), (3, 1)),
        (0, (4,), (2**62,)),
        (-1, (4,), (1,)),
        (0, (4,), (-1,)),
        (0, [2**40], [1]),
        (0, torch.Size([2**20, 2**20]), (2**20, 1)),
        (0, (4,), ()),
        (),
    ],
)
def test_a_view_beyond_its_storage(arguments: Any, pickled: Write, tmp_path: Path) -> None:
    """Of an unmapped file torch would enlarge the storage, and hand out what lies in memory."""
    refused(tmp_path, pickled({**state(), "x": View(torch.zeros(4), *arguments)}), "damaged|more")


@pytest.mark.parametrize(
    "call",
    [
        (bytearray, 2**40),
        (torch.FloatTensor, 2**40),
        (torch.Tensor, torch.Size([2**20, 2**20])),
        (torch.UntypedStorage, 2**40),
    ],
)
def test_a_call_that_takes_as_much_memory_as_it_says(
    call: Any, pickled: Write, tmp_path: Path
) -> None:
    refused(tmp_path, pickled({**state(), "x": Intruder(*call)}), "more than tensors .a call of")


def test_a_key_that_takes_for_ever_to_hash(pickled: Write, tmp_path: Path) -> None:
    """A tuple of 40 levels that holds 2^40 empty ones, all of them the same."""
    key: Any = ()
    for _ in range(40):
        key = (key, key)
    refused(tmp_path, pickled({**state(), "x": [key]}), "more than 20,000")


NOT_READ: dict[str, Any] = {
    "numpy scalar": np.float64(71.2),
    "numpy array": np.zeros(3),
    "namespace": argparse.Namespace(lr=0.1),
    "path": Path("x"),
    "default": collections.defaultdict(int),
    "slice": slice(3),
}


@pytest.mark.parametrize("kind", NOT_READ)
@pytest.mark.parametrize("key", ["state_dict", "model", None])
def test_what_torch_does_not_read(
    kind: str, key: str | None, pickled: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of the message, as it stands, writes a file that is read."""
    extra = {"extra": NOT_READ[kind]}
    content = pickled({**extra, key: state()} if key else {**extra, **state()})
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO(content), weights_only=True)
    text = refused(tmp_path, content, r"contains code \([\w.]+\), not only tensors")
    saves_anew(text, tmp_path)


def saves_anew(text: str, folder: Path) -> None:
    """The file that the message's line of Python writes is read, and has all weights."""
    found = re.search(r"the tensors alone: (import .*); otherwise", text)
    assert found is not None
    exec(found[1])
    model = rf.build(SPEC)
    rf.load_weights(model, folder / "theirs.tensors.pth")
    assert_holds(model)


def test_a_whole_module_is_saved_anew(pickled: Write, tmp_path: Path) -> None:
    saves_anew(refused(tmp_path, pickled(rf.build(SPEC, seed=1)), "whole pickled module"), tmp_path)


def test_another_protocol_is_saved_anew(tmp_path: Path) -> None:
    content = saved({"model": state()}, pickle_protocol=4)
    text = refused(tmp_path, content, r"more than tensors \(the pickle instruction FRAME\)")
    saves_anew(text, tmp_path)


def test_a_torchscript_program_is_saved_anew(tmp_path: Path) -> None:
    model = rf.build(SPEC, seed=1).eval()
    content = trace(model, (torch.zeros(1, 3, 8, 8),)).save_to_buffer()
    text = refused(tmp_path, content, "is a TorchScript program")
    found = re.search(r"trusted: (.*)", text)
    assert found is not None
    exec(found[1])
    assert_holds(loaded(tmp_path, (tmp_path / "theirs.tensors.pth").read_bytes()))


def test_a_file_of_torch_save_under_the_other_suffix(pickled: Write, tmp_path: Path) -> None:
    """torch.load goes by the suffix; this goes by the first bytes."""
    (tmp_path / "x.safetensors").write_bytes(pickled(state()))
    model = rf.build(SPEC)
    rf.load_weights(model, tmp_path / "x.safetensors")
    assert_holds(model)


def test_a_tar_archive(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    refused(tmp_path, buffer.getvalue(), "is a tar archive")


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(rf.WeightsError, match="it is no regular file"):
        rf.plan_weights(SPEC, tmp_path / "pipe")


@given(instructions=st.binary(max_size=60), begin=st.sampled_from([b"", b"\x80\x02}q\x00("]))
@settings(max_examples=10 * settings().max_examples)
def test_any_instructions(instructions: bytes, begin: bytes, tmp_path_factory: Any) -> None:
    """In a sound archive any pickle is read or refused."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved({"a": torch.zeros(3)}))) as old,
        zipfile.ZipFile(buffer, "w") as new,
    ):
        for record in old.infolist():
            own = record.filename.endswith("data.pkl")
            new.writestr(record.filename, begin + instructions if own else old.read(record))
    file = tmp_path_factory.getbasetemp() / "any.pth"
    file.write_bytes(buffer.getvalue())
    with pytest.raises(rf.WeightsError):
        rf.plan_weights(SPEC, file)
