"""Names as the projects' own networks have them, and numbers in names."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import reference_named as named
import resforge as rf
import torch
from layout_cases import CIFAR, SMALL, WIDE, children
from reference_named import PreActivated
from resforge.planner.plan import lay_out
from resforge.weights import LAYOUTS, infer_spec
from resforge.weights.convert import names_in
from resforge.weights.naming import Form
from torch import Tensor, nn

PRE = {"kind": "bottleneck", "order": "full_pre"}
DEEP_V2 = [
    *({"conv": 3, "width": 8, "stride": 2}, "norm", "act", {"conv": 3, "width": 8}, "norm", "act"),
    *({"conv": 3, "width": 16}, {"pool": "max"}, "norm", "act"),
]
TIERED = [
    *({"conv": 3, "width": 24, "stride": 2}, "norm", "act", {"conv": 3, "width": 32}),
    *("norm", "act", {"conv": 3, "width": 64, "stride": 2}, "norm", "act"),
]
FINAL = [{"conv": 1, "width": 8}, "norm", "act", "global_pool", {"linear": 5}]
BOTTLENECK = {**SMALL, "block": "bottleneck"}

#: Of networks in the language some names in resforge, and in the project's own network.
BYOB: dict[str, Any] = {
    **SMALL,
    "stem": {"kind": "conv3x3", "width": 24, "stride": 2},
    "stages": [
        {
            "depth": 1,
            "width": 32,
            "stride": 2,
            "block": {
                "branch": [
                    {"conv": 3, "width": "x1/2", "stride": "block"},
                    *("norm", "act", {"se": 2}, {"conv": 1}, "norm"),
                ]
            },
        },
        {
            "depth": 1,
            "width": 64,
            "stride": 2,
            "block": {
                "branch": [
                    {"conv": 1, "width": "x1/2"},
                    *("norm", "act", {"conv": 3, "stride": "block"}, "norm", {"se": 4}),
                ]
            },
        },
        {
            "depth": 1,
            "width": 128,
            "stride": 2,
            "block": {
                "kind": "basic",
                "attention": {"se": 4},
                "conv1": {"conv": 3, "width": "x1/4"},
            },
        },
        {"depth": 1, "width": 64, "stride": 2},
    ],
    "block": {"kind": "bottleneck", "attention": {"se": 4}, "attention_at": "inner"},
    "shortcut": "avg_projection",
}
"""timm's test_byobnet."""
REAL: dict[str, tuple[str, dict[str, Any] | str, dict[str, str]]] = {
    "torchvision regnet_x_400mf": (
        "torchvision_regnet",
        "regnetx_400mf",
        {
            "bn1.weight": "stem.1.weight",
            "layer3.2.conv3.weight": "trunk_output.block3.block3-2.f.c.0.weight",
            "layer4.11.bn2.running_var": "trunk_output.block4.block4-11.f.b.1.running_var",
            "layer1.0.downsample.1.bias": "trunk_output.block1.block1-0.proj.1.bias",
        },
    ),
    "timm regnetx_004": (
        "timm_regnet",
        "regnetx_400mf",
        {
            "layer4.11.conv1.weight": "s4.b12.conv1.conv.weight",
            "layer1.0.downsample.0.weight": "s1.b1.downsample.conv.weight",
            "fc.bias": "head.fc.bias",
        },
    ),
    "pycls RegNetX-400MF": (
        "pycls",
        "regnetx_400mf",
        {
            "layer2.1.bn3.weight": "s2.b2.f.c_bn.weight",
            "layer1.0.downsample.0.weight": "s1.b1.proj.weight",
            "layer1.0.downsample.1.weight": "s1.b1.bn.weight",
        },
    ),
    "pycls RegNetY-400MF": (
        "pycls",
        "regnet_y_400mf",
        {"layer1.0.se.fc1.weight": "s1.b1.f.se.f_ex.0.weight"},
    ),
    "timm gernet_s without a pool": (
        "timm_byobnet",
        {**BOTTLENECK, "closing": [{"conv": 1, "width": 32}, "norm", "act"], "head": None},
        {
            "closing.conv1.weight": "final_conv.conv.weight",
            "closing.norm1.bias": "final_conv.bn.bias",
        },
    ),
    "timm resnext26ts": (
        "timm_byobnet",
        {**BOTTLENECK, "stem": {"kind": "deep_base"}},
        {
            "conv3.weight": "stem.conv3.conv.weight",
            "bn3.weight": "stem.conv3.bn.weight",
            "layer2.1.conv2.weight": "stages.1.1.conv2_kxk.conv.weight",
            "layer1.0.downsample.1.weight": "stages.0.0.shortcut.bn.weight",
        },
    ),
    "timm resnet33ts": (
        "timm_byobnet",
        {**BOTTLENECK, "stem": TIERED, "head": FINAL},
        {
            "stem.conv3.weight": "stem.conv3.conv.weight",
            "stem.norm3.weight": "stem.conv3.bn.weight",
            "head.conv1.weight": "final_conv.conv.weight",
            "head.norm1.weight": "final_conv.bn.weight",
            "head.linear1.weight": "head.fc.weight",
        },
    ),
    "timm regnety_002": (
        "timm_regnet",
        "regnety_002",
        {"layer1.0.se.fc1.weight": "s1.b1.se.fc1.weight"},
    ),
    "timm regnetz_005": (
        "timm_regnet",
        "regnetz_005",
        {
            "layer2.1.branch.conv3.weight": "s2.b2.conv3.conv.weight",
            "layer2.1.branch.norm2.weight": "s2.b2.conv2.bn.weight",
            "layer2.1.branch.se1.fc2.bias": "s2.b2.se.fc2.bias",
            "head.conv1.weight": "final_conv.conv.weight",
        },
    ),
    "timm regnetv_064": (
        "timm_regnet",
        "regnetv_064",
        {
            "stem.conv1.weight": "stem.weight",
            "layer1.0.entry.norm1.weight": "s1.b1.norm1.weight",
            "layer1.0.branch.norm1.weight": "s1.b1.norm2.weight",
            "layer1.0.downsample.conv1.weight": "s1.b1.downsample.1.weight",
        },
    ),
    "torchvision regnet_y_400mf": (
        "torchvision_regnet",
        "regnet_y_400mf",
        {"layer2.1.se.fc1.weight": "trunk_output.block2.block2-1.f.se.fc1.weight"},
    ),
    "timm test_byobnet": (
        "timm_byobnet",
        BYOB,
        {
            "layer1.0.branch.conv1.weight": "stages.0.0.conv1_kxk.conv.weight",
            "layer1.0.branch.norm2.weight": "stages.0.0.conv2_1x1.bn.weight",
            "layer1.0.branch.se1.fc1.weight": "stages.0.0.attn.fc1.weight",
            "layer2.0.branch.conv1.weight": "stages.1.0.conv1_1x1.conv.weight",
            "layer2.0.branch.se1.fc1.weight": "stages.1.0.attn_last.fc1.weight",
            "layer3.0.se.fc1.weight": "stages.2.0.attn_last.fc1.weight",
            "layer4.0.downsample.1.weight": "stages.3.0.shortcut.conv.conv.weight",
        },
    ),
    "timm resnet61q": (
        "timm_byobnet",
        "resnet61q",
        {
            "layer2.0.branch.conv3.weight": "stages.1.0.conv2b_kxk.conv.weight",
            "layer2.0.branch.norm4.weight": "stages.1.0.conv3_1x1.bn.weight",
        },
    ),
    "timm resnet51q": (
        "timm_byobnet",
        "resnet51q",
        {
            "stem.conv1.weight": "stem.conv1.weight",
            "stem.conv3.weight": "stem.conv3.conv.weight",
            "stem.norm1.weight": "stem.conv3.bn.weight",
        },
    ),
    "timm gcresnet33ts": (
        "timm_byobnet",
        "gcresnet33ts",
        {
            "layer1.0.se.mask.weight": "stages.0.0.attn.conv_attn.weight",
            "layer1.0.se.norm.weight": "stages.0.0.attn.mlp_add.norm.weight",
        },
    ),
    "timm bat_resnext26ts": (
        "timm_byobnet",
        "bat_resnext26ts",
        {
            "layer1.0.se.rows.weight": "stages.0.0.attn.ba.conv_p.weight",
            "layer1.0.se.wide.fc2.weight": "stages.0.0.attn.conv2.conv.weight",
        },
    ),
    "CBAM": (
        "attention_module",
        "resnet18_cbam",
        {
            "layer1.0.se.fc2.weight": "layer1.0.cbam.ChannelGate.mlp.3.weight",
            "layer1.0.se.norm.weight": "layer1.0.cbam.SpatialGate.spatial.bn.weight",
        },
    ),
    "BAM": (
        "attention_module",
        "resnet50_bam",
        {
            "before2.bam1.channel.fc1.weight": "bam1.channel_att.gate_c.gate_c_fc_0.weight",
            "before2.bam1.spatial.conv3.weight": "bam1.spatial_att.gate_s.gate_s_conv_di_1.weight",
            "before4.bam1.spatial.conv4.bias": "bam3.spatial_att.gate_s.gate_s_conv_final.bias",
        },
    ),
    "timm resnetv2_50d": (
        "timm_resnetv2",
        {**SMALL, "stem": DEEP_V2, "block": PRE, "shortcut": "avg_projection"},
        {
            "stem.conv1.weight": "stem.conv1.weight",
            "stem.norm2.weight": "stem.norm2.weight",
            "stem.norm3.weight": "stages.0.blocks.0.norm1.weight",
            "layer1.0.bn1.weight": "stages.0.blocks.0.norm2.weight",
            "layer2.0.bn0.weight": "stages.1.blocks.0.norm1.weight",
            "layer2.0.downsample.1.weight": "stages.1.blocks.0.downsample.conv.weight",
            "norm.weight": "norm.weight",
        },
    ),
    "xternalz WRN": (
        "wide_resnet",
        WIDE,
        {
            "bn1.weight": "block1.layer.0.bn1.weight",
            "layer1.0.bn1.weight": "block1.layer.0.bn2.weight",
            "layer1.1.bn0.weight": "block1.layer.1.bn1.weight",
            "layer2.0.downsample.0.weight": "block2.layer.0.convShortcut.weight",
            "norm.weight": "bn1.weight",
        },
    ),
    "weiaicunzai resnet50": (
        "weiaicunzai",
        {**CIFAR, "block": "bottleneck"},
        {
            "bn1.weight": "conv1.1.weight",
            "layer1.0.conv3.weight": "conv2_x.0.residual_function.6.weight",
            "layer2.1.bn2.weight": "conv3_x.1.residual_function.4.weight",
        },
    ),
    "pytorchcv resnet50": (
        "pytorchcv",
        "resnet50",
        {
            "conv1.weight": "features.init_block.conv.conv.weight",
            "layer4.2.conv3.weight": "features.stage4.unit3.body.conv3.conv.weight",
            "layer1.0.downsample.0.weight": "features.stage1.unit1.identity_conv.conv.weight",
            "fc.weight": "output.weight",
        },
    ),
    "pytorchcv seresnet18": (
        "pytorchcv",
        "seresnet18",
        {"layer1.0.se.fc2.bias": "features.stage1.unit1.se.conv2.bias"},
    ),
    "pytorchcv resneta18": (
        "pytorchcv",
        "resnet18d",
        {
            "conv2.weight": "features.init_block.conv2.conv.weight",
            "layer2.0.downsample.1.weight": "features.stage2.unit1.identity_block.conv.conv.weight",
        },
    ),
    "detectron2 R-50": (
        "detectron2",
        "resnet50",
        {
            "bn1.weight": "stem.conv1.norm.weight",
            "layer3.5.conv2.weight": "res4.5.conv2.weight",
            "layer1.0.downsample.1.bias": "res2.0.shortcut.norm.bias",
            "fc.weight": "linear.weight",
        },
    ),
    "torchreid resnet50": ("torchreid", "resnet50", {"fc.weight": "classifier.weight"}),
    "fastai resnet34": (
        "fastai",
        {**SMALL, "head": None},
        {"bn1.weight": "0.1.weight", "layer2.0.downsample.0.weight": "0.5.0.downsample.0.weight"},
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_names_of_the_projects_own_networks(name: str) -> None:
    layout, tree, wanted = REAL[name]
    spec = rf.load(tree) if isinstance(tree, str) else rf.ResNetSpec(**tree)
    plan = lay_out(spec)
    names = names_in(layout, plan, "x.pth")
    assert {ours: names[ours] for ours in wanted} == wanted


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("backbone.bottom_up.res5.2.conv3.norm.weight", "layer4.2.bn3.weight"),
        ("backbone.res4.5.conv1.weight", "layer3.5.conv1.weight"),
        ("roi_heads.res5.0.shortcut.weight", "layer4.0.downsample.0.weight"),
        ("backbone.bottom_up.stem.conv3.norm.bias", "bn3.bias"),
    ],
)
def test_detectors_hold_a_backbone(theirs: str, ours: str) -> None:
    forms = LAYOUTS["detectron2"].forms
    assert ours in [form.native(theirs) for form in forms]


@pytest.mark.parametrize("between", [(), (nn.Flatten(),)])
def test_children_are_counted_to_the_last(between: tuple[nn.Module, ...]) -> None:
    """With an ``nn.Flatten`` between, the last has another number."""
    network = children(*between, last=11)
    spec, _ = infer_spec(network.state_dict())
    assert spec.digest == rf.ResNetSpec(**SMALL).digest


@pytest.mark.parametrize(
    "spec",
    [
        rf.load("resnet18"),
        rf.load("cifar_resnet20"),
        rf.load("resnet50_deep"),
        rf.load("regnetx_200mf"),
        rf.load("seresnet18"),
        rf.load("resnet50d").replace({"stem.pool": "none"}),
        rf.load("resnet18").replace({"head.dropout": 0.5}),
        rf.load("resnet18").replace({"head": None}),
    ],
)
def test_children_are_numbered_as_they_stand(spec: rf.ResNetSpec) -> None:
    row = nn.Sequential(*rf.build(spec, device="meta").children())
    names = names_in("children", lay_out(spec), "x.pth")
    assert list(names.values()) == list(row.state_dict())


def test_a_deep_stem_in_one_child_is_read() -> None:
    """timm's, whose children are ``conv1`` with three convolutions, ``bn1``, and so on."""
    names = {"conv1": "0.0", "bn1": "0.1", "conv2": "0.3", "bn2": "0.4", "conv3": "0.6", "bn3": "1"}
    state = rf.build("resnet18d", device="meta").state_dict()
    renamed = OrderedDict[str, Tensor]()
    for name, tensor in state.items():
        first, _, rest = name.partition(".")
        numbers = {**names, **{f"layer{n}": str(3 + n) for n in range(1, 5)}, "fc": "9"}
        renamed[f"{numbers[first]}.{rest}"] = tensor
    assert infer_spec(renamed).spec.name == "resnet18d"


@pytest.mark.parametrize(
    ("names", "layout"),
    [(named.WIDE_RESNET, "wide_resnet"), (named.PYTORCHCV_PREACTIVATED, "pytorchcv")],
)
def test_a_shortcut_before_the_first_norm_is_another_network(
    names: named.Names, layout: str, tmp_path: Path
) -> None:
    """A first block that keeps the shape adds the map as it was before its norm, and resforge's
    the activated one: the same names and shapes, and another function."""
    stranger = PreActivated(names, widths=(8, 16))
    stages = [{"depth": 2, "width": 8}, {"depth": 2, "width": 16, "stride": 2}]
    spec = rf.ResNetSpec(**{**WIDE, "stages": stages})
    torch.save(stranger.state_dict(), tmp_path / "theirs.pth")
    for chosen in (None, layout):
        with pytest.raises(rf.WeightsError):
            rf.load_weights(rf.build(spec), tmp_path / "theirs.pth", layout=chosen)
    for network in (stranger, stranger.state_dict()):
        with pytest.raises(rf.WeightsError, match="no spec for this network"):
            infer_spec(network)
    rf.save_weights(rf.build(spec), tmp_path / "ours.safetensors")
    with pytest.raises(rf.WeightsError, match=f"{layout} has no name for"):
        rf.convert_weights(tmp_path / "ours.safetensors", tmp_path / "x.pth", to=layout)


RESNETV2 = named.Names(
    ("stem.conv", ""),
    lambda stage, block: f"stages.{stage - 1}.blocks.{block - 1}",
    lambda layer: (f"conv{layer}", f"norm{layer}"),
    ("downsample.conv", ""),
    "head.fc",
    "norm",
)


class ConvolvedHead(PreActivated):
    """As timm's resnetv2: the last layer is a 1x1 convolution of the mean of the map."""

    def __init__(self) -> None:
        super().__init__(replace(RESNETV2, head="head.linear"))
        named.put(self, "head.fc", nn.Conv2d(32, 5, 1))
        del self.head.linear
        self.names = RESNETV2

    def forward(self, x: Tensor) -> Tensor:
        for name in (self.names.stem[0], *self.blocks):
            x = self.run_block(name, x) if name in self.blocks else self.get_submodule(name)(x)
        y: Tensor = self.head.fc(torch.relu(self.norm(x)).mean((2, 3), keepdim=True))
        return y.flatten(1)


def test_a_last_layer_that_is_a_convolution(tmp_path: Path) -> None:
    theirs = ConvolvedHead().eval()
    stem = [{"conv": 3, "width": 8}, "norm", "act"]
    spec = rf.ResNetSpec(**{**WIDE, "stem": stem})
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    model = rf.build(spec, seed=1).eval()
    plan = rf.load_weights(model, tmp_path / "theirs.pth")
    assert (plan.layout, plan.share) == ("timm_resnetv2", 1.0)
    x = torch.randn(2, 3, 21, 32)
    # The sums of a convolution and those of a linear layer may be in another order.
    torch.testing.assert_close(model(x), theirs(x), rtol=1e-5, atol=1e-5)
    rf.convert_weights(tmp_path / "theirs.pth", tmp_path / "ours.safetensors", spec=spec)
    rf.convert_weights(tmp_path / "ours.safetensors", tmp_path / "again.pth", to="timm_resnetv2")
    again = torch.load(tmp_path / "again.pth", weights_only=True)
    assert set(again) == set(theirs.state_dict())
    assert all(torch.equal(again[name], tensor) for name, tensor in theirs.state_dict().items())
    few = rf.build(spec.replace({"head.num_classes": 2}))
    chosen = rf.load_weights(few, tmp_path / "theirs.pth", head=[3, 1])
    assert {t.name for t in chosen.tensors if t.action == "sliced"} == {"fc.weight", "fc.bias"}
    assert torch.equal(few.fc.weight, theirs.head.fc.weight[[3, 1], :, 0, 0])


def test_a_field_that_stands_twice_has_one_number() -> None:
    form = Form((("layer{s}.{b}.conv1", "block{s}.block{s}-{b}"),))
    assert form.native("block2.block2-0.weight") == "layer2.0.conv1.weight"
    assert form.native("block2.block3-0.weight") is None


def test_steps_are_whole() -> None:
    form = Form((("conv{n}", "stem.{3n-3}"), ("bn{n}", "stem.{3n-2}")))
    names = [form.native(f"stem.{number}.weight") for number in range(6)]
    wanted = ["conv1.weight", "bn1.weight", None, "conv2.weight", "bn2.weight", None]
    assert names == wanted
    assert form.foreign("conv3.weight") == "stem.6.weight"
    assert form.foreign("conv0.weight") is None


def test_stages_are_counted_from_1() -> None:
    form = Form((("layer{s}.{b}.conv1", "{s+3}.{b}.conv1"),))
    assert form.native("4.0.conv1.weight") == "layer1.0.conv1.weight"
    assert form.native("3.0.conv1.weight") is None
