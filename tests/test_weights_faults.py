"""Files of weights that are broken, hostile or not what was meant: told so, and nothing changed."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
from conversions import trace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from resforge.weights.read import read
from safetensors import safe_open
from safetensors.torch import save as to_safetensors
from torch import nn
from weight_files import SPEC, Intruder, Write, legacy, refused, saved, state


def arrays(write: Callable[..., None]) -> bytes:
    buffer = io.BytesIO()
    write(buffer, **{"resnet/root_block/standardized_conv2d/kernel": np.zeros((7, 7, 3, 64))})
    return buffer.getvalue()


WRITERS: dict[str, Write] = {"zip": saved, "legacy": legacy, "safetensors": to_safetensors}
PICKLES = {"zip": saved, "legacy": legacy}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Write:
    return WRITERS[request.param]


@pytest.fixture(params=PICKLES)
def pickled(request: pytest.FixtureRequest) -> Write:
    return PICKLES[request.param]


@pytest.mark.parametrize("forced", [False, True])
def test_code_is_never_run(
    forced: bool, pickled: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the environment asks torch to run it: nothing overrides the refusal."""
    if forced:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    marker = tmp_path / "ran"
    content = pickled({**state(), "x": Intruder(os.mkdir, str(marker))})
    text = refused(
        tmp_path, content, r"contains code \(\w+\.mkdir\), not only tensors; nothing was run"
    )
    assert "ask for a .safetensors file" in text
    assert not marker.exists()
    if forced:
        # The same file does run where torch.load is left to the environment.
        with pytest.warns(UserWarning, match="TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"):
            torch.load(tmp_path / "theirs.pth")
        assert marker.exists()


def test_torch_itself_reads_only_tensors(
    pickled: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind what is read off a pickle beforehand."""
    asked: list[Any] = []
    load = torch.load

    def spy(*args: Any, **options: Any) -> Any:
        asked.append(options["weights_only"])
        return load(*args, **options)

    monkeypatch.setattr(torch, "load", spy)
    (tmp_path / "x.pth").write_bytes(pickled(state()))
    rf.load_weights(rf.build(SPEC), tmp_path / "x.pth")
    assert asked == [True]


def test_code_is_not_run_where_someone_declared_it_safe(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    content = saved({**state(), "x": Intruder(os.mkdir, str(marker))})
    with torch.serialization.safe_globals([os.mkdir]):
        refused(tmp_path, content, "contains code")
    assert not marker.exists()


def test_what_torch_allows_is_not_all_tensors(tmp_path: Path) -> None:
    """bytearray(n) is on torch's list of safe calls, and takes n bytes."""
    content = saved({**state(), "x": Intruder(bytearray, 2**40)})
    refused(tmp_path, content, r"more than tensors \(a call of builtins\.bytearray with a number\)")


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
def test_code_in_any_protocol(protocol: int, tmp_path: Path) -> None:
    content = saved({"x": Intruder(os.mkdir, str(tmp_path / "ran"))}, pickle_protocol=protocol)
    refused(tmp_path, content, "code|tensors")
    assert not (tmp_path / "ran").exists()


def test_a_whole_module(pickled: Write, tmp_path: Path) -> None:
    text = refused(tmp_path, pickled(rf.build(SPEC)), r"holds a whole pickled module.*resforge\.")
    assert "state_dict()" in text


def test_a_torchscript_program(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    buffer.write(trace(nn.Linear(2, 2), (torch.zeros(1, 2),)).save_to_buffer())
    refused(tmp_path, buffer.getvalue(), "is a TorchScript program, which is code")


def test_a_tensor_that_claims_more_than_there_is(pickled: Write, tmp_path: Path) -> None:
    """Stride 0: a small file, 2^40 values. Its shape is compared; its values are never made."""
    huge = torch.zeros(1).expand(2**20, 2**20)
    content = pickled({**state(), "layer1.0.conv1.weight": huge})
    refused(tmp_path, content, r"layer1\.0\.conv1\.weight is 1048576x1048576 in the file")


def test_a_zip_that_swells(tmp_path: Path) -> None:
    plain = saved({**state(), "conv1.weight": torch.zeros(5_000_000)})
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(plain)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for record in old.infolist():
            new.writestr(record.filename, old.read(record))
    assert len(buffer.getvalue()) < 200_000
    refused(tmp_path, buffer.getvalue(), r"compressed zip of [\d,]+ bytes that unfold to 20,\d+,")


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.onnx", b"x")
    refused(tmp_path, buffer.getvalue(), "is a zip, but not one of torch.save")


@given(share=st.floats(0.0, 0.999), kind=st.sampled_from(list(WRITERS)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_short(share: float, kind: str, tmp_path: Path) -> None:
    content = WRITERS[kind](state())
    refused(tmp_path, content[: int(share * len(content))], "error")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", "Git LFS"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "is a web page"),
        (b"<HTML>", "is a web page"),
        (b"", "is empty"),
        (b"\x1f\x8b\x08\x00", "is compressed"),
        (b"\x89HDF\r\n\x1a\n", "Keras"),
        (b"\x93NUMPY\x01\x00", "NumPy"),
        (b'{"weight_map": {}}', "is JSON"),
        (pickle.dumps({"a": 1}), "is a pickle without named arrays"),
        (arrays(np.savez), "standardized_conv2d.weight is 64x3x7x7 in the file"),
        (b"hello, world", "neither a .safetensors file nor one of torch.save"),
        (saved(torch.zeros(3)), "not named tensors|Tensor"),
        (saved({"epoch": 3}), "holds no named tensors"),
        (saved([1]), "holds a list"),
    ],
)
def test_what_is_no_file_of_weights(content: bytes, message: str, tmp_path: Path) -> None:
    refused(tmp_path, content, message)


@pytest.mark.parametrize("name", ["missing.pth", ".", "a\0b", "theirs.pth/x"])
def test_a_path_that_leads_nowhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(rf.WeightsError, match="cannot be read"):
        rf.load_weights(rf.build(SPEC), f"{tmp_path}/{name}")


def header(entries: dict[str, Any], data: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(*span: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [(span[1] - span[0]) // 4], "data_offsets": [*span]}


@pytest.mark.parametrize(
    "content",
    [
        header({"a": entry(0, 8), "b": entry(12, 16)}, bytes(16)),
        header({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
        header({"a": entry(0, 8)}, bytes(4)),
        header({"a": entry(0, 8)}, bytes(40)),
        header({"a": {**entry(0, 8), "shape": [2**40, 2**40]}}, bytes(8)),
        header({"a": entry(0, 8, dtype="F31")}, bytes(8)),
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 7) + b'{"a":1}',
    ],
    ids=["hole", "overlap", "cut", "rest", "shape", "type", "oversize header", "not a tensor"],
)
def test_a_safetensors_file_that_is_not_sound(content: bytes, tmp_path: Path) -> None:
    refused(tmp_path, content, "not a valid .safetensors file|truncated or damaged")


def test_an_oversize_header(tmp_path: Path) -> None:
    text = b"{" + b" " * (9 * 2**20) + b"}"
    refused(tmp_path, struct.pack("<Q", len(text)) + text, "has a header of 9,437,186 bytes")


def test_very_many_empty_tensors(tmp_path: Path) -> None:
    entries = {f"{number:x}": entry(0, 0) for number in range(30_000)}
    refused(tmp_path, header(entries), "holds 30,000 tensors")
    one = torch.zeros(0)
    refused(tmp_path, saved({str(number): one for number in range(30_000)}), "30,000|more than")


def test_very_much_to_unpickle(tmp_path: Path) -> None:
    refused(tmp_path, saved([[] for _ in range(1_100_000)]), "more than 20,000 tensors")


@given(content=st.binary(max_size=200))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_at_all(content: bytes, tmp_path: Path) -> None:
    refused(tmp_path, content, "error")


@given(data=st.data(), kind=st.sampled_from(list(WRITERS)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_at_all(data: st.DataObject, kind: str, tmp_path: Path) -> None:
    """A few bytes of a good file changed: loaded, or refused as every fault is."""
    content = bytearray(WRITERS[kind](state()))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(content), 6_000) - 1))
        content[at] = data.draw(st.integers(0, 255))
    (tmp_path / "x").write_bytes(content)
    model = rf.build(SPEC)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        rf.load_weights(model, tmp_path / "x")
    except rf.WeightsError:
        assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())


def test_wrong_shapes(write: Write, tmp_path: Path) -> None:
    tensors = {**state(), "layer2.1.bn1.bias": torch.zeros(9)}
    refused(tmp_path, write(tensors), r"layer2\.1\.bn1\.bias is 9 in the file, 8 in the model")


def test_missing_and_unexpected_names_are_grouped(write: Write, tmp_path: Path) -> None:
    tensors = state()
    tensors["layer2.1.conv1.wieght"] = tensors.pop("layer2.1.conv1.weight")
    text = refused(tmp_path, write(tensors), "the file lacks 1 tensor: layer2.1")
    assert "is 'layer2.1.conv1.wieght' meant for 'layer2.1.conv1.weight'?" in text
    assert "the model has no place for 1 tensor: layer2.1" in text


def test_ten_groups_are_shown(tmp_path: Path) -> None:
    extra = {f"layer3.{number}.conv1.weight": torch.zeros(1) for number in range(30)}
    text = refused(tmp_path, saved({**state(), **extra}), "no place for 30 tensors: layer3.0")
    assert "layer3.9, and 20 more" in text
    assert "layer3.10" not in text


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "net."])
def test_a_prefix_is_offered_to_be_stripped(prefix: str, write: Write, tmp_path: Path) -> None:
    content = write({prefix + name: tensor for name, tensor in state().items()})
    text = refused(tmp_path, content, "its names begin with")
    assert f"strip={prefix!r} (--strip {prefix})" in text
    model = rf.build(SPEC)
    rf.load_weights(model, tmp_path / "theirs.pth", strip=prefix)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in state().items())


def test_another_number_of_classes(write: Write, tmp_path: Path) -> None:
    tensors = {**state(), "fc.weight": torch.randn(1000, 8), "fc.bias": torch.randn(1000)}
    text = refused(tmp_path, write(tensors), "1000x8 in the file, 3x8 in the model")
    assert "head='fresh' (--head fresh)" in text
    refused(tmp_path, write(tensors), "the head does not fit", partial=True)
    refused(tmp_path, write(tensors), "the head does not fit", head=[1, 2])
    asked = "3 were requested, 1000 among them; the file has classes 0 to 999, the model has 3"
    refused(tmp_path, write(tensors), f"{asked}\n", head=[1, 2, 1000])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_no_numbers(value: float, write: Write, tmp_path: Path) -> None:
    tensors = state()
    tensors["layer1.0.conv2.weight"][1, 2, 0, 1] = value
    refused(tmp_path, write(tensors), r"layer1\.0\.conv2\.weight: NaN or infinity in 1 of 144 val")


def test_large_values_are_values(tmp_path: Path) -> None:
    """Their sum is infinite, each of them is not."""
    tensors = state()
    tensors["layer1.0.conv2.weight"].fill_(3e38)
    (tmp_path / "x.pth").write_bytes(saved(tensors))
    assert rf.load_weights(rf.build(SPEC), tmp_path / "x.pth").share == 1.0


def test_values_that_the_model_s_precision_does_not_hold(tmp_path: Path) -> None:
    """Finite in the file, they would be infinite in the model."""
    tensors = {name: t.double() if t.is_floating_point() else t for name, t in state().items()}
    tensors["layer1.0.conv2.weight"][1, 2, 0, 1] = 1e300
    text = r"layer1\.0\.conv2\.weight: too large for float32 in 1 of 144 values"
    refused(tmp_path, saved(tensors), text)
    (tmp_path / "x.pth").write_bytes(saved(tensors))
    with pytest.raises(rf.WeightsError, match=text):
        rf.plan_weights(SPEC, tmp_path / "x.pth")
    tensors["layer1.0.conv2.weight"][1, 2, 0, 1] = 1e5
    (tmp_path / "x.pth").write_bytes(saved(tensors))
    with pytest.raises(rf.WeightsError, match="too large for float16 in 1 of 144"):
        rf.load_weights(rf.build(SPEC, dtype=torch.float16), tmp_path / "x.pth")
    assert rf.load_weights(rf.build(SPEC), tmp_path / "x.pth").share == 1.0


def test_a_variance_below_zero(write: Write, tmp_path: Path) -> None:
    tensors = state()
    tensors["bn1.running_var"][2] = -1e-3
    refused(tmp_path, write(tensors), r"bn1\.running_var: a variance below 0 in 1 of 4")


@pytest.mark.parametrize("dtype", [torch.int64, torch.int8, torch.bool, torch.complex64])
def test_other_numbers_than_floating_point(dtype: torch.dtype, tmp_path: Path) -> None:
    tensors = state()
    tensors["bn1.weight"] = tensors["bn1.weight"].to(dtype)
    refused(tmp_path, saved(tensors), r"bn1\.weight is \w+, not floating point")
    refused(tmp_path, saved(tensors), r"bn1\.weight is \w+, not floating point", partial=True)


def test_a_counter_that_does_not_count(tmp_path: Path) -> None:
    tensors = {**state(), "bn1.num_batches_tracked": torch.tensor(1.5)}
    refused(tmp_path, saved(tensors), "bn1.num_batches_tracked is float32, not whole numbers")


def test_sparse_and_meta_tensors(tmp_path: Path) -> None:
    tensors = {**state(), "bn1.weight": torch.zeros(4, device="meta")}
    refused(tmp_path, saved(tensors), "bn1.weight is sparse|contains code|contains more")
    tensors["bn1.weight"] = torch.zeros(4).to_sparse()
    refused(tmp_path, saved(tensors), "bn1.weight is sparse|contains code|contains more")


def test_counters_need_not_be_there(write: Write, tmp_path: Path) -> None:
    tensors = {name: t for name, t in state().items() if not name.endswith("tracked")}
    (tmp_path / "old.pth").write_bytes(write(tensors))
    model = rf.build(SPEC)
    plan = rf.load_weights(model, tmp_path / "old.pth")
    fresh = {tensor.name for tensor in plan.tensors if tensor.action == "fresh"}
    assert fresh == {name for name in state() if name.endswith("tracked")}
    assert plan.share == 1.0


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, saved(state()), "layout 'keras' is unknown", layout="keras")
    refused(tmp_path, saved(state()), "head='new' is unknown", head="new")
    refused(tmp_path, saved(state()), "no name that begins with 'module.'", strip="module.")
    refused(tmp_path, saved(state()), "no name of the layout huggingface", layout="huggingface")


def test_models_that_cannot_take_weights(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(saved(state()))
    with pytest.raises(rf.WeightsError, match="on 'meta'"):
        rf.load_weights(rf.build(SPEC, device="meta"), tmp_path / "x.pth")
    with pytest.raises(rf.ResforgeError, match="was not built by resforge"):
        rf.load_weights(nn.Linear(2, 2), tmp_path / "x.pth")


def test_writing_over_the_file_that_is_mapped(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    rf.save_weights(rf.build(SPEC, seed=1), file)
    held = read(file).tensors
    rf.save_weights(rf.build(SPEC, seed=2), file)
    assert all(torch.equal(held[name], tensor) for name, tensor in state(1).items())
    now = read(file).tensors
    assert all(torch.equal(now[name], tensor) for name, tensor in state(2).items())
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    # Also a model whose own tensors are the mapped ones.
    model = rf.build(SPEC)
    model.load_state_dict(now, assign=True)
    rf.save_weights(model, file)
    assert all(torch.equal(read(file).tensors[name], t) for name, t in state(2).items())


@given(at=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit(at: float, bit: int, tmp_path: Path) -> None:
    """Of what resforge wrote: refused, or it was of no consequence."""
    file = tmp_path / "model.safetensors"
    rf.save_weights(rf.build(SPEC, seed=1), file)
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 1 << bit
    file.write_bytes(content)
    model = rf.build(SPEC)
    try:
        rf.load_weights(model, file)
    except rf.WeightsError:
        wanted = rf.build(SPEC).state_dict()
    else:
        wanted = state(1)
    assert all(torch.equal(wanted[name], now) for name, now in model.state_dict().items())


def test_a_flipped_bit_of_a_tensor_is_refused(tmp_path: Path) -> None:
    rf.save_weights(rf.build(SPEC, seed=1), tmp_path / "x.safetensors")
    content = bytearray((tmp_path / "x.safetensors").read_bytes())
    content[-1] ^= 1
    refused(tmp_path, bytes(content), "its SHA-256 differs")


def test_another_spec_under_the_same_seal(tmp_path: Path) -> None:
    """The digest covers the spec too."""
    rf.save_weights(rf.build(SPEC, seed=1), tmp_path / "x.safetensors")
    with safe_open(tmp_path / "x.safetensors", framework="pt") as opened:
        sealed = json.loads(opened.metadata()["resforge"])
    sealed["spec"] = sealed["spec"].replace("conv3x3", "conv7x7")
    content = to_safetensors(state(1), {"resforge": json.dumps(sealed)})
    refused(tmp_path, content, "its SHA-256 differs")


def test_a_newer_seal(tmp_path: Path) -> None:
    sealed = {"resforge": json.dumps({"version": 9})}
    refused(tmp_path, to_safetensors(state(), sealed), "written by a newer resforge")


MEASURED = """
import gc, sys, resforge as rf
spec = rf.load("resnet18")
model = rf.build(spec)
def most():
    lines = open("/proc/self/status").read().split("\\n")
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
for file in sys.argv[1:]:
    rf.plan_weights(spec, file)  # whatever is imported on the way
    gc.collect()
    open("/proc/self/clear_refs", "w").write("5")  # the high-water mark is where we stand now
    before = most()
    rf.load_weights(model, file)
    print(most() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory(tmp_path: Path) -> None:
    """Beside the model at most the file and 20 MB, mapped or not."""
    tensors = dict(rf.build("resnet18").state_dict())
    for kind, write in WRITERS.items():
        (tmp_path / kind).write_bytes(write(tensors))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *(str(tmp_path / kind) for kind in WRITERS)],
        capture_output=True,
        text=True,
        check=True,
    )
    size = sum(tensor.nbytes for tensor in tensors.values())
    assert [int(line) < size + 20e6 for line in done.stdout.split()] == [True, True, True]


def test_entries_of_a_training_checkpoint(pickled: Write, tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(
        pickled(
            {
                "epoch": 90,
                "arch": "resnet18",
                "state_dict": OrderedDict(state()),
                "ema": {"conv1.weight": torch.zeros(1)},
                "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "lr": 0.1},
            }
        )
    )
    plan = rf.load_weights(rf.build(SPEC), tmp_path / "x.pth")
    assert plan.notes == ("the tensors come from its entry 'state_dict'; not read: ema",)
