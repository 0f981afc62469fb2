"""Weights that fit a network in part, or only after something was done to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from command_line import Cli, command_line
from hypothesis import given, settings
from resforge.testing.strategies import specs
from resforge.weights import WeightPlan
from torch import Tensor, nn

SMALL = rf.ResNetSpec(
    resforge=1,
    stem={"kind": "conv7x7", "width": 8},
    stages=[{"depth": 2, "width": 8}, {"depth": 2, "width": 16, "stride": 2}],
    head={"kind": "classifier", "num_classes": 6},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rf.save_weights(rf.build(SMALL, seed=1), tmp_path / "small.safetensors")
    return tmp_path / "small.safetensors"


def given_state() -> dict[str, Tensor]:
    return rf.build(SMALL, seed=1).state_dict()


def loaded(file: Path, changes: dict[str, Any], **options: Any) -> tuple[nn.Module, WeightPlan]:
    """A model of a changed spec, loaded, whose plan was told beforehand."""
    spec = SMALL.replace(changes)
    planned = rf.plan_weights(spec, file, **options)
    model = rf.build(spec, seed=2)
    fresh = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    plan = rf.load_weights(model, file, **options)
    assert plan == planned
    assert [tensor.name for tensor in plan.tensors] == list(model.state_dict())
    for tensor in plan.tensors:
        now = model.state_dict()[tensor.name]
        assert tuple(now.shape) == tensor.shape
        if tensor.action == "fresh":
            assert torch.equal(now, fresh[tensor.name])
        elif tensor.action == "copied":
            assert tensor.source is not None
            assert torch.equal(now, given_state()[tensor.source])
    return model, plan


def parts(plan: WeightPlan, action: str) -> set[str]:
    return {tensor.unit for tensor in plan.tensors if tensor.action == action}


@given(specs())
@settings(max_examples=15)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, spec: rf.ResNetSpec) -> None:
    """Any network of the language: every tensor and the spec come back, bitwise."""
    file = tmp_path_factory.mktemp("trip") / "model.safetensors"
    model, other = rf.build(spec, seed=1), rf.build(spec, seed=2)
    rf.save_weights(model, file)
    plan = rf.load_weights(other, file)
    assert plan.share == 1.0
    assert not plan.unused
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_a_fresh_head(file: Path) -> None:
    model, plan = loaded(file, {"head.num_classes": 3}, head="fresh")
    assert parts(plan, "fresh") == {"head"}
    assert plan.unused == ("fc.bias", "fc.weight")
    taken = sum(p.numel() for p in model.parameters()) - 3 * 17
    assert (plan.taken, plan.params) == (taken, taken + 3 * 17)
    assert plan.share == taken / (taken + 3 * 17)


def test_a_fresh_head_of_as_many_classes(file: Path) -> None:
    _, plan = loaded(file, {}, head="fresh")
    assert parts(plan, "fresh") == {"head"}


def test_some_classes_of_the_head(file: Path) -> None:
    model, plan = loaded(file, {"head.num_classes": 3}, head=[5, 0, 2])
    assert parts(plan, "sliced") == {"head"}
    for name in ("fc.weight", "fc.bias"):
        assert torch.equal(model.state_dict()[name], given_state()[name][[5, 0, 2]])


def test_no_head(file: Path) -> None:
    _, plan = loaded(file, {"head": None})
    assert plan.share == 1.0
    assert plan.unused == ("fc.bias", "fc.weight")


@pytest.mark.parametrize("channels", [1, 2, 4, 6, 7])
def test_other_input_channels(channels: int, file: Path) -> None:
    model, plan = loaded(file, {"in_channels": channels})
    assert {tensor.name for tensor in plan.tensors if tensor.action == "adapted"} == {
        "conv1.weight"
    }
    before, now = given_state()["conv1.weight"], model.state_dict()["conv1.weight"]
    if channels % 3 == 0:
        assert torch.allclose(before.sum(1), now.sum(1), atol=1e-6)
    for channel in range(channels):
        wanted = before.sum(1) if channels == 1 else before[:, channel % 3] * 3 / channels
        assert torch.allclose(now[:, channel], wanted, rtol=1e-6)


def test_another_shortcut(file: Path) -> None:
    _, plan = loaded(file, {"shortcut": "zero_pad"}, partial=True)
    assert plan.share == 1.0
    assert {name.rpartition(".")[0] for name in plan.unused} == {
        "layer2.0.downsample.0",
        "layer2.0.downsample.1",
    }
    with pytest.raises(rf.WeightsError, match=r"no place for 6 tensors: layer2\.0 \(6\)"):
        rf.plan_weights(SMALL.replace({"shortcut": "zero_pad"}), file)
    _, plan = loaded(file, {"shortcut": "avg_projection"}, partial=True)
    assert parts(plan, "fresh") == {"layer2.0.downsample"}


def test_other_depths(file: Path) -> None:
    _, plan = loaded(file, {"stages[0].depth": 1, "stages[1].depth": 4}, partial=True)
    assert parts(plan, "fresh") == {"layer2.2", "layer2.3"}
    assert plan.share == plan.taken / plan.params < 1
    why = {tensor.why for tensor in plan.tensors if tensor.unit == "layer2.3"}
    assert why == {"the file has no layer2.3.conv1.weight"}


def test_attention_beside_what_fits(file: Path) -> None:
    change = {"block": {"kind": "basic", "attention": {"kind": "se", "reduction": 2}}}
    _, plan = loaded(file, change, partial=True)
    assert parts(plan, "fresh") == {f"layer{s}.{b}.se" for s in (1, 2) for b in (0, 1)}


def test_a_part_is_taken_whole_or_not_at_all(file: Path) -> None:
    """A wider stage: no norm is copied beside a convolution that is not."""
    _, plan = loaded(file, {"stages[1].width": 24}, partial=True, head="fresh")
    assert parts(plan, "copied") == {"stem", "layer1.0", "layer1.1"}
    assert parts(plan, "fresh") == {"layer2.0", "layer2.0.downsample", "layer2.1", "head"}


def test_nothing_that_fits(file: Path) -> None:
    spec = rf.load("resnet50")
    with pytest.raises(rf.WeightsError, match="fits no part of the model"):
        rf.plan_weights(spec, file, partial=True, head="fresh")


def test_a_narrower_network(file: Path) -> None:
    change = {"stem.width": 4, "stages[0].width": 4, "stages[1].width": 10}
    model, plan = loaded(file, change, slice_wider=True, head="fresh")
    assert parts(plan, "fresh") == {"head"}
    for tensor in plan.tensors:
        if tensor.action == "sliced":
            first = given_state()[tensor.name][tuple(slice(size) for size in tensor.shape)]
            assert torch.equal(model.state_dict()[tensor.name], first)
    assert parts(plan, "sliced") >= {"stem", "layer1.0", "layer2.1"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype, tmp_path: Path) -> None:
    model = rf.build(SMALL, seed=1, dtype=dtype)
    rf.save_weights(model, tmp_path / "x.safetensors")
    other = rf.build(SMALL)
    plan = rf.load_weights(other, tmp_path / "x.safetensors")
    whole = model.state_dict()
    assert all(torch.equal(now, whole[name].to(now)) for name, now in other.state_dict().items())
    assert plan.tensors[0].why == f"same shape, from {str(dtype)[6:]}"


def test_wherever_the_model_stands(file: Path, device: torch.device) -> None:
    model = rf.build(SMALL, device=device).to(memory_format=torch.channels_last)
    rf.load_weights(nn.DataParallel(model), file)
    for name, tensor in given_state().items():
        assert torch.equal(model.state_dict()[name].cpu(), tensor)
    again = file.with_name("again.safetensors")
    rf.save_weights(model, again)
    rf.load_weights(other := rf.build(SMALL), again)
    assert all(torch.equal(t, given_state()[name]) for name, t in other.state_dict().items())


def test_a_head_that_was_exchanged(file: Path) -> None:
    model = rf.build(SMALL)
    model.fc = nn.Linear(16, 2)
    with pytest.raises(rf.WeightsError, match="6x16 in the file, 2x16 in the model"):
        rf.load_weights(model, file)
    assert rf.load_weights(model, file, head="fresh").unused == ("fc.bias", "fc.weight")


def test_writing_under_another_suffix(tmp_path: Path) -> None:
    with pytest.raises(rf.WeightsError, match=r"not named \.safetensors"):
        rf.save_weights(rf.build(SMALL), tmp_path / "x.pth")
    with pytest.raises(rf.StoreError, match="cannot be written"):
        rf.save_weights(rf.build(SMALL), tmp_path / "no" / "x.safetensors")
    with pytest.raises(rf.WeightsError, match="on 'meta'"):
        rf.save_weights(rf.build(SMALL, device="meta"), tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_what_could_not_be_read_again_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resforge.weights.write.MAX_TENSORS", 50)
    with pytest.raises(rf.WeightsError, match="would hold 62 tensors, and 50 are read at most"):
        rf.save_weights(rf.build(SMALL), tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def cli(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    call = command_line(file.parent, monkeypatch, capsys)
    (file.parent / "small.yaml").write_text(SMALL.to_yaml())
    (file.parent / "ten.yaml").write_text(SMALL.replace({"head.num_classes": 10}).to_yaml())
    return call


def test_check(cli: Cli) -> None:
    done = cli("weights", "check", "small.yaml", "small.safetensors")
    assert done.code == 0
    assert done.lines[1].split() == ["stem", "6", "copied", "same", "shape"]
    assert done.lines[-1].endswith("parameters (100.0%) come from the file")
    each = cli("weights", "check", "small.yaml", "small.safetensors", "--all")
    assert len(each.lines) == 1 + len(given_state()) + 2
    tree = cli("weights", "check", "small.yaml", "small.safetensors", "--json").json
    assert tree["share"] == 1.0
    assert tree["tensors"][0]["shape"] == [8, 3, 7, 7]


def test_check_says_what_does_not_fit(cli: Cli) -> None:
    done = cli("weights", "check", "ten.yaml", "small.safetensors")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error[head]: small.safetensors: the head does not fit")
    assert cli("weights", "check", "ten.yaml", "small.safetensors", "--head", "fresh").code == 0
    assert cli("weights", "check", "ten.yaml", "none.pth").code == 3
    assert cli("weights", "check", "ten.yaml", "small.safetensors", "--head", "new").code == 2
    assert cli("weights", "check", "ten.yaml", "small.safetensors", "--layout", "x").code == 3


def test_load(cli: Cli, file: Path) -> None:
    tokens = ("weights", "load", "ten.yaml", "small.safetensors", "--head", "fresh")
    done = cli(*tokens, "--out", "ten.safetensors")
    assert done.code == 0
    assert done.lines[-1] == "written: ten.safetensors"
    model = rf.build(file.with_name("ten.yaml"), seed=7)
    assert rf.load_weights(model, file.with_name("ten.safetensors")).share == 1.0
    assert cli(*tokens, "--out", "no/ten.safetensors").code == 4
    assert cli(*tokens, "--out", "ten.bin").code == 3


def test_convert(cli: Cli, file: Path) -> None:
    done = cli("weights", "convert", "small.safetensors", "hf.pth", "--to", "huggingface")
    assert done.code == 0
    names = torch.load(file.with_name("hf.pth"), weights_only=True)
    assert "resnet.embedder.embedder.convolution.weight" in names
    done = cli("weights", "convert", "hf.pth", "guessed.safetensors")
    assert done.code == 3
    assert "names and shapes do not show it: they fit several" in done.err
    assert not file.with_name("guessed.safetensors").exists()
    done = cli("weights", "convert", "hf.pth", "back.safetensors", "--spec", "small.yaml")
    assert done.code == 0
    assert "Hugging Face" in done.err
    model = rf.build(SMALL)
    rf.load_weights(model, file.with_name("back.safetensors"))
    assert all(torch.equal(t, given_state()[name]) for name, t in model.state_dict().items())
