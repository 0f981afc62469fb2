"""Modules that somebody edited after they were built, and the specs that are theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.blocks import ResNet
from resforge.export import fuse, to_torch_export
from resforge.testing.strategies import specs
from torch import nn
from torch.nn.utils import parametrizations, prune

Edit = Callable[[ResNet], object]


def exchange(name: str, module: nn.Module) -> Edit:
    return lambda model: model.set_submodule(name, module)


def put(name: str, attribute: str, value: object) -> Edit:
    return lambda model: setattr(model.get_submodule(name), attribute, value)


def put_last(model: ResNet) -> None:
    pool = model.maxpool
    del model.maxpool
    model.maxpool = pool


#: Edits after which a network computes something else, and what the error says of them.
EDITS: dict[str, tuple[Edit, str]] = {
    "no pool": (exchange("maxpool", nn.Identity()), "maxpool is Identity, not MaxPool2d"),
    "other pool": (exchange("avgpool", nn.AdaptiveMaxPool2d(1)), "avgpool is AdaptiveMaxPool2d"),
    "wider pool": (put("maxpool", "kernel_size", 5), "maxpool has kernel_size=5, not 3"),
    "activation": (exchange("relu", nn.SiLU()), "relu is SiLU, not ReLU"),
    "activation within": (exchange("layer1.0.relu1", nn.GELU()), "layer1.0.relu1 is GELU"),
    "stride": (put("conv1", "stride", (1, 1)), r"conv1 has stride=\(1, 1\), not \(2, 2\)"),
    "dilation": (put("layer4.1.conv1", "dilation", (2, 2)), r"layer4.1.conv1 has dilation=\(2, 2"),
    "padding mode": (put("conv1", "padding_mode", "reflect"), "conv1 has padding_mode=reflect"),
    "eps": (put("bn1", "eps", 1e-3), "bn1 has eps=0.001, not 1e-05"),
    "momentum": (put("bn1", "momentum", 0.5), "bn1 has momentum=0.5"),
    "norm": (exchange("layer2.0.bn1", nn.GroupNorm(8, 128)), "layer2.0.bn1 is GroupNorm"),
    "bias": (exchange("layer1.0.conv1", nn.Conv2d(64, 64, 3, 1, 1)), "layer1.0.conv1 has weight"),
    "no shortcut": (exchange("layer2.0.downsample", nn.Identity()), "layer2.0.downsample is Id"),
    "no head": (exchange("fc", nn.Identity()), "fc is Identity, not Linear"),
    "deeper head": (
        exchange("fc", nn.Sequential(nn.Dropout(), nn.Linear(512, 5))),
        "fc is Sequential, not Linear; if",
    ),
    "a stage cut": (lambda m: setattr(m, "layer4", m.layer4[:1]), "layer4.1 is missing"),
    "one more": (lambda m: m.add_module("more", nn.ReLU()), r"more is not of the spec \(ReLU\)"),
    "another order": (put_last, "the network runs its modules in another order"),
    "forward": (put("layer1.0", "forward", torch.relu), "layer1.0 has a forward of its own"),
    "forward of all": (put("", "forward", torch.relu), "the network has a forward of its own"),
    "pruned": (lambda m: prune.l1_unstructured(m.conv1, "weight", 0.5), "conv1 has weight_orig"),
    "weight norm": (lambda m: parametrizations.weight_norm(m.conv1), "conv1 is ParametrizedConv2d"),
}

#: What a network may go through and still be that of its spec.
HARMLESS: dict[str, Edit] = {
    "half": lambda m: m.half(),
    "frozen": lambda m: m.requires_grad_(False),
    "channels last": lambda m: m.to(memory_format=torch.channels_last),
    "synchronised norms": nn.SyncBatchNorm.convert_sync_batchnorm,
    "frozen norms": rf.freeze_norm,
    "not in place": put("relu", "inplace", False),
    "a hook": lambda m: m.layer4.register_forward_hook(lambda *_: None),
    "a note": put("layer1", "note", "mine"),
    "an idle module": exchange("layer1.0.idle", nn.Identity()),
    "the same layer anew": exchange("layer1.0.conv1", nn.Conv2d(64, 64, 3, 1, 1, bias=False)),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_network_is_no_longer_its_spec(name: str, tmp_path: Path) -> None:
    edit, text = EDITS[name]
    model = rf.build("resnet18")
    edit(model)
    for use in (
        lambda: rf.spec_of(model),
        lambda: rf.save_weights(model, tmp_path / "model.safetensors"),
        lambda: rf.save_pretrained(model, tmp_path / "folder"),
        lambda: to_torch_export(model, tmp_path / "model.pt2", input_size=32),
        lambda: rf.FeatureMaps(model),
    ):
        with pytest.raises(rf.ResforgeError, match=text):
            use()
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_changes_no_function_is_no_edit(name: str) -> None:
    model = rf.build("resnet18")
    HARMLESS[name](model)
    assert rf.spec_of(model) == rf.load("resnet18")
    assert rf.spec_of(nn.DataParallel(model)) == rf.load("resnet18")


def test_other_classes_and_input_channels_are_followed(tmp_path: Path) -> None:
    model = rf.build("resnet18", seed=1).eval()
    model.fc = nn.Linear(512, 5)
    model.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    wanted = rf.load("resnet18").replace({"in_channels": 1, "head.num_classes": 5})
    assert rf.spec_of(model) == wanted
    rf.save_weights(model, tmp_path / "model.safetensors")
    rf.save_pretrained(model, tmp_path / "folder")
    x = torch.randn(2, 1, 64, 64)
    again = rf.build(wanted).eval()
    rf.load_weights(again, tmp_path / "model.safetensors")
    assert torch.equal(again(x), model(x))
    assert torch.equal(rf.from_pretrained(tmp_path / "folder")(x), model(x))


def test_the_classes_of_a_written_head_are_followed() -> None:
    spec = rf.load("digits_resnet8").replace({"head": ["global_pool", {"linear": 5}]})
    model = rf.build(spec)
    model.set_submodule("head.linear1", nn.Linear(32, 7))
    head = rf.spec_of(model).head
    assert head is not None
    assert head.classes == 7


def test_an_edited_network_can_be_given_its_spec(tmp_path: Path) -> None:
    model = rf.build("resnet18", seed=1).eval()
    model.maxpool = nn.Identity()
    model.layer4 = model.layer4[:1]
    model.spec = rf.infer_spec(model).spec
    rf.save_weights(model, tmp_path / "model.safetensors")
    again = rf.build(rf.spec_of(model)).eval()
    rf.load_weights(again, tmp_path / "model.safetensors")
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(again(x), model(x))


def test_a_folded_network_is_exported_but_not_saved(tmp_path: Path) -> None:
    fused = fuse(rf.build("digits_resnet8"))
    to_torch_export(fused, tmp_path / "model.pt2")
    with pytest.raises(rf.ResforgeError, match="save the network as it was built, and fold a copy"):
        rf.save_weights(fused, tmp_path / "model.safetensors")
    fused.relu = nn.Tanh()
    with pytest.raises(rf.ResforgeError, match="relu is Tanh"):
        to_torch_export(fused, tmp_path / "model.pt2")


@given(specs())
@settings(max_examples=15)
def test_what_was_built_is_its_spec(spec: rf.ResNetSpec) -> None:
    model = rf.build(spec)
    assert rf.spec_of(model) == spec
    assert rf.spec_of(torch.compile(model, backend="eager")) == spec
