"""Modules that somebody edited after they were built, and the specs that are theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.blocks import ResNet
from resforge.builder.registration import unregister
from resforge.export import fuse, to_torch_export
from resforge.specs import Call, Module, Operation, call
from resforge.testing.strategies import specs
from safetensors.torch import save_file
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
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
    "stride": (put("conv1", "stride", (1, 1)), "conv1 has stride=1, not 2"),
    "dilation": (put("layer4.1.conv1", "dilation", (2, 2)), "layer4.1.conv1 has dilation=2, not 1"),
    "padding mode": (put("conv1", "padding_mode", "reflect"), "conv1 has padding_mode=reflect"),
    "eps": (put("bn1", "eps", 1e-3), "bn1 has eps=0.001, not 1e-05"),
    "momentum": (put("bn1", "momentum", 0.5), "bn1 has momentum=0.5"),
    "norm": (exchange("layer2.0.bn1", nn.GroupNorm(8, 128)), "layer2.0.bn1 is GroupNorm"),
    "bias": (exchange("layer1.0.conv1", nn.Conv2d(64, 64, 3, 1, 1)), "layer1.0.conv1 has weight"),
    "no shortcut": (exchange("layer2.0.downsample", nn.Identity()), "layer2.0.downsample is Id"),
    "another head": (exchange("fc", nn.ReLU()), "fc is ReLU, not Linear"),
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


class Plus(nn.Identity):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


class Holder(nn.Module):
    """A module that holds the parts of a network, and says that it is one."""

    def __init__(self, model: ResNet) -> None:
        super().__init__()
        for name, child in model.named_children():
            self.add_module(name, child)
        self.spec = model.spec


def half(x: torch.Tensor) -> torch.Tensor:
    return x * 0.5


#: Edits that hide: what is no plain number, methods put onto a module, classes of the same kind.
HIDDEN: dict[str, tuple[str, Edit]] = {
    "a setting that was none": ("resnet18d", put("layer2.0.downsample.0", "divisor_override", 2)),
    "a list": ("digits_resnet8", lambda m: m.flattened_names.clear()),
    "the branch": ("digits_resnet8", put("layer1.0", "transform", half)),
    "a private method": ("digits_resnet8", put("conv1", "_conv_forward", half)),
    "an identity that adds": ("digits_resnet8", lambda m: m.layer1.append(Plus())),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_edits_are_found(name: str) -> None:
    net, edit = HIDDEN[name]
    model = rf.build(net)
    edit(model)
    with pytest.raises(rf.ResforgeError, match="no longer the network of its spec"):
        rf.spec_of(model)
    with pytest.raises(rf.ResforgeError, match="no longer the network of its spec"):
        fuse(model)


def test_parts_of_networks_are_compared_too(tmp_path: Path) -> None:
    def maps() -> rf.FeatureMaps:
        return rf.FeatureMaps(nn.DataParallel(rf.build("digits_resnet8")), (1, 2))

    assert rf.spec_of(maps()) == rf.load("digits_resnet8")
    edits = (
        put("", "forward", half),
        lambda m: delattr(m, "layer2"),
        put("", "ends", ["layer1", "layer1"]),
    )
    for edit in edits:
        edited: Any = maps()
        edit(edited)
        with pytest.raises(rf.ResforgeError, match="no longer the network of its spec"):
            rf.spec_of(edited)
    with pytest.raises(rf.ResforgeError, match="it has no spec"):
        rf.spec_of(Holder(rf.build("digits_resnet8")))
    for save in (rf.save_weights, rf.save_pretrained):
        with pytest.raises(rf.ResforgeError, match="cannot hold a part of a network"):
            save(maps(), tmp_path / "x.safetensors")
    with pytest.raises(rf.SpecError, match="a whole network"):
        rf.FeatureMaps(maps(), (1,))
    to_torch_export(fuse(maps()), tmp_path / "x.pt2")


def compiled(module: nn.Module) -> Any:
    return torch.compile(module, backend="eager")


@pytest.mark.parametrize(
    ("net", "edit"),
    [
        ("digits_resnet8", lambda m: setattr(m.layer1[0], "relu1", m.relu)),
        ("resnet18d", exchange("maxpool", nn.MaxPool2d((3, 3), (2, 2), (1, 1)))),
        ("resnet18d", exchange("avgpool", nn.AdaptiveAvgPool2d((1, 1)))),
        ("resnet18d", exchange("conv2", nn.Conv2d(32, 32, 3, padding="same", bias=False))),
        ("digits_resnet8", exchange("layer1.0.downsample", nn.Identity())),
        ("digits_resnet8", lambda m: setattr(m, "layer1", checkpoint_wrapper(m.layer1))),
        ("digits_resnet8", lambda m: setattr(m, "layer1", compiled(m.layer1))),
    ],
)
def test_other_ways_to_write_the_same_are_no_edits(net: str, edit: Edit, tmp_path: Path) -> None:
    model = rf.build(net, seed=1)
    edit(model)
    assert rf.spec_of(model) == rf.load(net)
    rf.save_weights(model, tmp_path / "model.safetensors")
    again = rf.build(net)
    rf.load_weights(again, tmp_path / "model.safetensors")
    assert torch.equal(again.fc.weight, model.fc.weight)


def test_a_kind_that_is_registered_anew(tmp_path: Path) -> None:
    """As in a notebook, whose cell with the class runs twice."""
    spec = {"closing": ["mirrored"]}
    for _ in range(2):

        class MirroredSpec(Operation):
            kind: Literal["mirrored"] = "mirrored"

            def call(self, module: Module) -> Call:
                return call("Mirrored")

        class Mirrored(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x.flip(-1)

        rf.register(MirroredSpec, Mirrored)
        try:
            model = rf.build(rf.load("digits_resnet8").replace(spec))
            rf.spec_of(model)
        finally:
            unregister(MirroredSpec)


def test_a_folder_whose_weights_do_not_say_their_network(tmp_path: Path) -> None:
    rf.save_pretrained(rf.build("cifar_plain20"), tmp_path)
    save_file(rf.build("cifar_resnet20").state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(rf.ResforgeError, match="does not say that it is of the network"):
        rf.from_pretrained(tmp_path)
