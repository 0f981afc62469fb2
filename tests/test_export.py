"""Programs for those who do not have resforge: they answer as the network, and are checked."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from command_line import Cli
from resforge import export
from resforge.export import onnx_file
from resforge.export.exporting import Exporting
from torch import nn

NETS = {
    "zero_pad": {"shortcut": "zero_pad", "block": {"kind": "basic", "attention": "eca"}},
    "bottleneck": {
        "block": {"kind": "bottleneck", "groups": 2},
        "norm": {"kind": "group", "groups": 2},
    },
    "full_pre": {"block": {"kind": "basic", "order": "full_pre"}, "shortcut": "avg_projection"},
    "gate": {"shortcut": "gate", "activation": "silu", "stochastic_depth": 0.5, "head": None},
    "d2l": {"block": "d2l", "norm": "none", "shortcut": {"change": "scaled"}},
}
TREE: dict[str, Any] = {
    "resforge": 1,
    "stem": {"kind": "conv3x3", "width": 4},
    "stages": [{"depth": 1, "width": 4}, {"depth": 2, "width": 8, "stride": 2}],
    "head": {"num_classes": 5},
}
Write = Callable[..., Any]
with_onnx = pytest.mark.skipif(
    find_spec("onnxruntime") is None or find_spec("onnxscript") is None,
    reason="onnx, onnxscript or onnxruntime is not installed",
)
#: One network in the normal run, the rest where there is time.
each_net = pytest.mark.parametrize(
    "name", ["zero_pad", *(pytest.param(n, marks=pytest.mark.slow) for n in list(NETS)[1:])]
)


def small(name: str) -> nn.Module:
    return rf.build(rf.ResNetSpec(**{**TREE, **NETS[name]}), seed=1)


@pytest.fixture
def cli(cli: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "net.yaml").write_text(rf.ResNetSpec(**{**TREE, **NETS["zero_pad"]}).to_yaml())
    return cli


@each_net
def test_torch_export(name: str, tmp_path: Path) -> None:
    model = small(name).train()
    found = export.to_torch_export(model, tmp_path / "net.pt2", input_size=(12, 10))
    assert found.batches == (1, 3)
    assert found.difference <= found.tolerance
    program = torch.export.load(tmp_path / "net.pt2").module()
    x = torch.randn(5, 3, 12, 10)
    assert torch.equal(first(program(x)), first(model.eval()(x)))
    assert model.train().training


@pytest.mark.parametrize("name", NETS)
def test_torchscript(name: str, tmp_path: Path) -> None:
    model = small(name)
    export.to_torchscript(model, tmp_path / "net.pt")
    x = torch.randn(2, 3, 9, 7)
    program = torch.jit.load(tmp_path / "net.pt")  # type: ignore[no-untyped-call]
    assert torch.equal(program(x), model.eval()(x))


@with_onnx
@each_net
def test_onnx(name: str, tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    model = small(name)
    found = export.to_onnx(model, tmp_path / "net.onnx", input_size=12, opset=19)
    assert found is not None
    assert found.difference <= found.tolerance == onnx_file.TOLERANCE
    proto = onnx.load(tmp_path / "net.onnx")
    assert {entry.version for entry in proto.opset_import if not entry.domain} == {19}
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (given,), (answer,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape) == ("images", ["batch", 3, 12, 12])
    assert answer.name == ("features" if name == "gate" else "logits")
    images = torch.randn(4, 3, 12, 12)
    (ours,) = session.run(None, {"images": images.numpy()})
    theirs = model.eval()(images).detach()
    torch.testing.assert_close(torch.from_numpy(ours), theirs, rtol=1e-4, atol=1e-5)


@with_onnx
def test_onnx_of_a_map_that_is_moved_before_a_pool(tmp_path: Path) -> None:
    """onnxruntime took the pad of the move into the pool of 1x1, and refused the file."""
    model = rf.build(rf.ResNetSpec(**{**TREE, "shortcut": "factorized"}))
    found = export.to_onnx(model, tmp_path / "net.onnx", input_size=9)
    assert found is not None
    assert found.difference <= found.tolerance


@with_onnx
@pytest.mark.parametrize("content", [b"onnx", "another input"])
def test_what_onnxruntime_cannot_run_is_not_written(
    content: bytes | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Exporting(small("zero_pad"), 8, 2)
    written = content if isinstance(content, bytes) else onnx_file._write(work, None)
    monkeypatch.setattr(onnx_file, "_write", lambda *_: written)
    with pytest.raises(export.ExportError, match=r"onnxruntime cannot run the network \(.*ONNX"):
        export.to_onnx(small("zero_pad"), tmp_path / "net.onnx", input_size=9)
    assert not (tmp_path / "net.onnx").exists()


@with_onnx
def test_maps_are_named_outputs_of_a_fixed_batch(tmp_path: Path) -> None:
    import onnxruntime

    maps = rf.FeatureMaps(small("zero_pad"), (1, 2))
    found = export.to_onnx(maps, tmp_path / "maps.onnx", input_size=8, batch=2)
    assert found is not None
    assert found.batches == (2,)
    session = onnxruntime.InferenceSession(tmp_path / "maps.onnx")
    assert [(y.name, y.shape) for y in session.get_outputs()] == [
        ("layer1", [2, 4, 8, 8]),
        ("layer2", [2, 8, 4, 4]),
    ]


def test_without_onnxruntime_nothing_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = {"onnxruntime"}
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None if name in absent else 1)
    monkeypatch.setattr(onnx_file, "_write", lambda *_: b"onnx")
    assert export.to_onnx(small("d2l"), tmp_path / "net.onnx") is None
    assert (tmp_path / "net.onnx").read_bytes() == b"onnx"
    absent.add("onnxscript")
    with pytest.raises(export.ExportError, match=r"ONNX needs onnxscript: pip install"):
        export.to_onnx(small("d2l"), tmp_path / "other.onnx")


def test_what_answers_otherwise_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.jit, "load", lambda file: lambda x: x.new_zeros(len(x), 5))
    with pytest.raises(export.ExportError, match="answers otherwise than the network"):
        export.to_torchscript(small("d2l"), tmp_path / "net.pt")
    monkeypatch.undo()
    work = Exporting(small("d2l"), 8, None)
    for wrong in (lambda x: [work.model(x) * 1.001], lambda x: [work.model(x)[:1]]):
        with pytest.raises(export.ExportError, match="answers otherwise"):
            work.check(wrong, "a test", tolerance=1e-4)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [export.to_torch_export, export.to_torchscript])
def test_refusals(write: Write, tmp_path: Path) -> None:
    model, file = small("zero_pad"), tmp_path / "net"
    for arguments, error, message in (
        ((nn.Linear(1, 1), file), rf.ResforgeError, "was not built by resforge"),
        ((model, tmp_path), rf.StoreError, "is a folder"),
        ((model, tmp_path / "no" / "net"), rf.StoreError, "is no folder"),
    ):
        with pytest.raises(error, match=message):
            write(*arguments)
    for options, error, message in (
        ({"input_size": 1}, rf.SpecError, "is too small"),
        ({"batch": 0}, export.ExportError, "batch=0 holds no image"),
    ):
        with pytest.raises(error, match=message):
            write(model, file, **options)
    assert not list(tmp_path.iterdir())


def test_the_verb(cli: Cli) -> None:
    rf.save_weights(small("zero_pad"), "net.safetensors")
    done = cli("export", "net.yaml", "--torchscript", "net.pt", "--fuse", "--json")
    assert done.code == 0
    assert done.err.splitlines()[:2] == [
        "the weights are fresh, drawn from seed 0",
        "folded 7 of 7 batch norms into the convolutions before them",
    ]
    assert done.json["check"]["batches"] == [1, 3]
    assert done.json["input_shape"] == [None, 3, 32, 32]
    again = cli("export", "net.yaml", "--torchscript", "own.pt", "--weights", "net.safetensors")
    assert "weights of net.safetensors, in the layout " in again.err
    assert "wrote own.pt\nchecked by TorchScript" in again.err
    x = torch.randn(1, 3, 32, 32)
    program = torch.jit.load("own.pt")  # type: ignore[no-untyped-call]
    assert torch.equal(program(x), small("zero_pad").eval()(x))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--onnx", "a", "--code"], 2, "given: --code and --onnx"),
        (["--onnx", "a", "--batch", "many"], 2, "'many' is not a batch size"),
        (["--torchscript", "a", "--opset", "18"], 2, "--opset is for --onnx"),
        (["--code", "--batch", "2"], 2, "--code cannot be used with --batch"),
        (["--torchscript", "a", "--input", "4x8x8"], 3, "the network takes 3"),
        (["--torchscript", "a", "--weights", "no.pth"], 3, "no.pth"),
        (["--torchscript", "no/a"], 4, "no is no folder"),
        (["--torchscript", "."], 4, "is a folder"),
        pytest.param(["--onnx", "a", "--opset", "3"], 3, "older than torch", marks=with_onnx),
    ],
)
def test_bad_input_to_the_verb(cli: Cli, words: list[str], code: int, message: str) -> None:
    before = set(Path().iterdir())
    done = cli("export", "net.yaml", *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert set(Path().iterdir()) == before


def first(answer: Any) -> torch.Tensor:
    return answer if isinstance(answer, torch.Tensor) else answer[0]
