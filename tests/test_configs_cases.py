"""Files of each project: parameters, MACs and shapes as the project's own library has them.

One key means another network in another project. Equal parameters do not show it: cases that differ
in their function alone have MACs here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import resforge as rf

HEAD = {"type": "LinearClsHead", "num_classes": 1000, "in_channels": 2048}
GAP = {"type": "GlobalAveragePooling"}


def pycls(kind: str, model: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    outer = {"TYPE": kind, "NUM_CLASSES": 1000} | (model or {})
    return {"MODEL": outer, kind.upper(): keys}


def resnets(**keys: Any) -> dict[str, Any]:
    return {"MODEL": {"META_ARCHITECTURE": "GeneralizedRCNN", "RESNETS": {"DEPTH": 50} | keys}}


def deeplab(**keys: Any) -> dict[str, Any]:
    name = {"NAME": "build_resnet_deeplab_backbone"}
    return {"MODEL": {"BACKBONE": name, "RESNETS": {"OUT_FEATURES": ["res2", "res5"]} | keys}}


def mm(kind: str = "ResNet", **keys: Any) -> dict[str, Any]:
    return {"model": {"backbone": {"type": kind, "depth": 50} | keys}}


def mm_classifier(kind: str = "ResNet", **keys: Any) -> dict[str, Any]:
    model = mm(kind, **keys)["model"]
    return {"model": model | {"type": "ImageClassifier", "neck": GAP, "head": HEAD}}


def classy(name: str = "resnext", **keys: Any) -> dict[str, Any]:
    head = {"name": "fully_connected", "num_classes": 1000}
    return {"model": {"name": name, "heads": [head]} | keys}


def garden(**keys: Any) -> dict[str, Any]:
    model = {"num_classes": 1001, "backbone": {"type": "resnet", "resnet": keys}}
    return {"task": {"model": model}}


def monai(**keys: Any) -> dict[str, Any]:
    network = {"_target_": "monai.networks.nets.ResNet", "block": "bottleneck"}
    rows = {"layers": [3, 4, 6, 3], "block_inplanes": [64, 128, 256, 512], "spatial_dims": 2}
    return {"network_def": network | rows | keys}


def keras(block: str, **keys: Any) -> dict[str, Any]:
    stem = {"input_conv_filters": [64], "input_conv_kernel_sizes": [7], "block_type": block}
    rows = {"stackwise_num_filters": [64, 128, 256, 512], "stackwise_num_blocks": [2, 2, 2, 2]}
    return {"config": stem | rows | {"stackwise_num_strides": [1, 2, 2, 2]} | keys}


DEEP_STEM = {"input_conv_filters": [32, 32, 64], "input_conv_kernel_sizes": [3, 3, 3]}


def timm(name: str, **args: Any) -> dict[str, Any]:
    return {"architecture": name, "model_args": args}


def bit(**keys: Any) -> dict[str, Any]:
    return {"model_type": "bit", "num_labels": 10} | keys


def vissl(**keys: Any) -> dict[str, Any]:
    return {"config": {"MODEL": {"TRUNK": {"NAME": "resnet", "RESNETS": keys}}}}


FOUR = {"DEPTHS": [3, 4, 6, 3], "STRIDES": [1, 2, 2, 2], "STEM_TYPE": "res_stem_in", "STEM_W": 64}
X400 = {"DEPTH": 22, "W0": 24, "WA": 24.48, "WM": 2.54, "GROUP_W": 16}
H4 = FOUR | {"WIDTHS": [256, 512, 1024, 2048], "BOT_MULS": [0.5] * 4, "GROUP_WS": [4, 8, 16, 32]}
DEEP = {"TRANS_FUN": "bottleneck_transform"}
ALL = ["res2", "res3", "res4", "res5"]
CASES: dict[str, tuple[dict[str, Any], tuple[int, int, tuple[int, ...]]]] = {
    "H3": (pycls("regnet", **X400), (5_157_512, 397_677_568, (1000,))),
    "H4": (pycls("anynet", **H4), (25_028_904, 4_230_479_872, (1000,))),
    "H5": (resnets(OUT_FEATURES=ALL), (23_508_032, 3_855_925_248, (2048, 7, 7))),
    "H6": (
        resnets(OUT_FEATURES=["res5"], RES5_DILATION=2),
        (23_508_032, 6_052_429_824, (2048, 14, 14)),
    ),
    "H7": (mm_classifier("ResNetV1c", depth=101), (44_568_392, 8_041_046_016, (1000,))),
    "H8": (
        mm("ResNetV1c", strides=[1, 2, 1, 1], dilations=[1, 1, 2, 4], contract_dilation=True),
        (23_527_264, 19_316_957_184, (2048, 28, 28)),
    ),
    "H9": ({"Arch": {"name": "ResNet18"}}, (11_693_736, 1_826_918_400, (1000,))),
    "H10": (
        classy(num_blocks=[3, 4, 23, 3], base_width_and_cardinality=[4, 32]),
        (44_177_704, 7_969_996_800, (1000,)),
    ),
    "H11": (
        {
            "architecture": "resnet18.a1_in1k",
            "model_args": {"num_classes": 4, "in_chans": 1, "output_stride": 16},
        },
        (11_172_292, 2_968_012_800, (4,)),
    ),
    "H12": (
        pycls("regnet", SE_ON=True, DEPTH=16, W0=48, WA=27.89, WM=2.09, GROUP_W=8),
        (4_344_144, 401_842_848, (1000,)),
    ),
}


def plan(config: dict[str, Any]) -> rf.Plan:
    return rf.plan(rf.from_config(config).spec, 224)


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    config, expected = CASES[name]
    found = plan(config)
    assert (found.params, found.macs, found.output_shape) == expected


ONE = [1, 1, 1, 1]
SAME = {"global_padding": "SAME", "embedding_dynamic_padding": True}


@pytest.mark.parametrize(
    ("config", "params", "macs"),
    [
        (timm("resnet18", block_args={"attn_layer": "gc"}), 11_868_160, 148_793_344),
        (timm("resnet18", block_args={"attn_layer": "gca"}), 11_868_160, 148_793_344),
        (timm("resnet18", block_args={"attn_layer": "cbam"}), 11_777_352, 148_798_544),
        (timm("resnet50d", replace_stem_pool=True), 25_613_256, 364_691_456),
        (timm("resnet18", replace_stem_pool=True, act_layer="silu"), 11_726_504, 157_995_008),
        (timm("seresnet18", norm_layer="groupnorm"), 11_779_624, 148_645_888),
        (timm("resnet50", block_reduce_first=2, down_kernel_size=3), 39_749_992, 423_247_872),
        (
            timm("resnet18", block_reduce_first=3, down_kernel_size=3, output_stride=8),
            5_722_656,
            351_801_344,
        ),
        (timm("senet154", layers=ONE, channels=[64, 100, 160, 320]), 15_358_360, 324_307_712),
        (
            timm("senet154", layers=ONE, avg_down=True, block_reduce_first=1),
            14_817_432,
            336_912_384,
        ),
        (timm("seresnext50_32x4d", channels=[48, 100, 160, 320]), 11_653_272, 172_340_224),
        (timm("gernet_s", num_classes=0), 6_252_761, 60_589_184),
        (bit(), 23_520_842, 333_664_256),
        (bit(output_stride=8), 23_520_842, 1_557_352_448),
        (bit(layer_type="bottleneck", **SAME), 23_528_522, 333_664_256),
        (bit(layer_type="bottleneck", output_stride=8, **SAME), 23_528_522, 1_557_352_448),
        (keras("basic_block"), 11_176_512, 148_045_824),
        (keras("basic_block", use_pre_activation=True), 11_174_720, 148_045_824),
        (keras("bottleneck_block", use_pre_activation=True), 13_938_496, 191_037_440),
        (keras("bottleneck_block", use_pre_activation=True, **DEEP_STEM), 13_957_728, 210_599_936),
        (keras("basic_block_vd", **DEEP_STEM), 11_199_968, 168_656_896),
        (keras("bottleneck_block_vd", **DEEP_STEM), 13_965_408, 210_599_936),
    ],
)
def test_cases_at_64(config: dict[str, Any], params: int, macs: int) -> None:
    """The libraries' own counts, of timm 1.0.31, transformers 5.24 and keras-hub 0.32."""
    found = rf.plan(rf.from_config(config).spec, 64)
    assert (found.params, found.macs) == (params, macs)


def test_bit_is_that_of_timm() -> None:
    spec = rf.from_config(bit() | {"num_labels": 1000}).spec
    assert spec.digest == rf.load("resnetv2_50x1_bit").digest


def test_blocks_of_bit_project_where_no_shape_asks_for_it() -> None:
    rows = {"embedding_size": 128, "hidden_sizes": [128, 128], "depths": [2, 1]}
    spec = rf.from_config(bit(output_stride=4, **rows)).spec
    names = rf.plan(spec).state_dict
    assert {"layer1.0.downsample.0.weight", "layer2.0.downsample.0.weight"} < names.keys()
    assert [stage.step for stage in spec.stages] == [1, 1]


@pytest.mark.parametrize(
    ("config", "projects"),
    [
        ({"Arch": {"name": "ResNet18"}}, True),
        ({"Arch": {"name": "ResNet18_vd"}}, True),
        ({"Arch": {"name": "ResNet18", "use_first_short_conv": False}}, False),
        (keras("basic_block_vd"), True),
        (keras("basic_block"), False),
        ({"model_type": "rt_detr_resnet", "layer_type": "basic"}, True),
        ({"model_type": "resnet", "layer_type": "basic"}, False),
        (garden(model_id=18), True),
        (resnets(DEPTH=18, RES2_OUT_CHANNELS=64), False),
        (mm(depth=18), False),
        (classy(num_blocks=[2, 2, 2, 2], basic_layer=True), False),
    ],
)
def test_trap_1_the_first_basic_block(config: dict[str, Any], projects: bool) -> None:
    sizes = {"depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512]}
    spec = rf.from_config(config | sizes if "model_type" in config else config).spec
    state = rf.plan(spec).state_dict
    assert any("layer1.0.downsample" in name for name in state) == projects


@pytest.mark.parametrize(
    ("config", "stride_on"),
    [
        (resnets(), "conv1"),
        (pycls("resnet", {"DEPTH": 50}, **DEEP), "conv1"),
        (pycls("resnet", {"DEPTH": 50}, **DEEP, STRIDE_1X1=False), "conv2"),
        (mm(), "conv2"),
        (mm(style="caffe"), "conv1"),
        ({"model_type": "resnet"}, "conv2"),
        ({"Arch": {"name": "ResNet50"}}, "conv2"),
        (garden(), "conv2"),
        (vissl(), "conv2"),
        ({"architecture": "resnet50"}, "conv2"),
        (classy(num_blocks=[3, 4, 6, 3]), "conv2"),
    ],
)
def test_trap_2_the_convolution_that_strides(config: dict[str, Any], stride_on: str) -> None:
    assert rf.from_config(config).spec.block.stride_on == stride_on  # type: ignore[union-attr]


def dilations(config: dict[str, Any]) -> list[int]:
    """Of the 3x3 convolutions of the last stage."""
    layers = rf.plan(rf.from_config(config).spec).stages[-1]
    found = [layer for block in layers for layer in block.branch if layer.kind == "conv"]
    return [layer.dilation for layer in found if layer.kernel == 3]


def test_traps_3_and_4_grids_and_first_dilations() -> None:
    rows = {"strides": [1, 2, 1, 1], "dilations": [1, 1, 2, 4]}
    assert dilations(mm(**rows, multi_grid=[1, 2, 4])) == [1, 2, 4]
    assert dilations(deeplab(RES5_DILATION=2)) == [2, 4, 8]
    assert dilations(deeplab()) == [1, 2, 4]
    assert dilations(resnets(OUT_FEATURES=["res5"], RES5_DILATION=2)) == [2, 2, 2]
    assert dilations(mm(**rows)) == [4, 4, 4]
    assert dilations(mm(**rows, contract_dilation=True)) == [2, 4, 4]
    assert dilations(mm(**rows, contract_dilation=True, style="caffe")) == [2, 4, 4]
    assert dilations({"architecture": "resnet50", "model_args": {"output_stride": 8}}) == [2, 4, 4]
    basic = mm(depth=18, **rows)
    assert dilations(basic) == [4, 1, 4, 1]


def test_trap_5_two_networks_of_200_layers() -> None:
    depths = [
        [len(stage) for stage in rf.plan(rf.from_config(config).spec).stages]
        for config in ({"Arch": {"name": "ResNet200_vd"}}, vissl(DEPTH=200), garden(model_id=200))
    ]
    assert depths == [[3, 12, 48, 3], [3, 24, 36, 3], [3, 24, 36, 3]]


@pytest.mark.parametrize(
    ("config", "widths"),
    [
        (mm("ResNetV1d"), (32, 32, 64)),
        ({"Arch": {"name": "ResNet50_vd"}}, (32, 32, 64)),
        ({"model_type": "rt_detr_resnet"}, (32, 32, 64)),
        (garden(stem_type="v1"), (32, 32, 64)),
        (deeplab(STEM_OUT_CHANNELS=128), (64, 64, 128)),
        ({"architecture": "resnet50", "model_args": {"stem_type": "deep"}}, (64, 64, 128)),
        (
            {
                "architecture": "resnet50",
                "model_args": {"stem_type": "deep_tiered", "stem_width": 32},
            },
            (24, 32, 64),
        ),
    ],
)
def test_trap_6_deep_stems(config: dict[str, Any], widths: tuple[int, ...]) -> None:
    assert rf.from_config(config).spec.stem.widths == widths  # type: ignore[union-attr]


def test_trap_7_the_rounding_of_regnets_is_the_papers() -> None:
    assert plan(mm_classifier("RegNet", arch="regnetx_400mf")).params == 5_157_512
    target = {"_target_": "torchvision.models.regnet_x_400mf"}
    assert plan(target).params == 5_495_976


def test_trap_8_squeeze_and_excitation_by_default() -> None:
    numbers = {"depth": 16, "w_0": 48, "w_a": 27.89, "w_m": 2.09, "group_width": 8}
    assert plan(classy("regnet", **numbers)).params == 4_344_144
    assert plan(classy("regnet", **numbers, use_se=False)).params == 3_676_120
    keys = {"DEPTH": 16, "W0": 48, "WA": 27.89, "WM": 2.09, "GROUP_W": 8}
    assert plan(pycls("regnet", **keys)).params == 3_676_120


def test_trap_9_stochastic_depth_is_each_projects() -> None:
    spec = rf.from_config({"architecture": "resnet50", "model_args": {"drop_path_rate": 0.1}}).spec
    assert spec.stochastic_depth is not None
    assert (spec.stochastic_depth.rule, spec.stochastic_depth.mode) == ("linear_from_zero", "row")
    stages = rf.from_config(garden(stochastic_depth_drop_rate=0.5)).spec.to_tree()["stages"]
    assert [stage["block"]["branch"][-1] for stage in stages] == [
        {"drop_path": rate, "mode": "row"} for rate in (0.2, 0.3, 0.4, 0.5)
    ]


def test_trap_10_defaults_of_monai() -> None:
    whole = rf.from_config(monai(spatial_dims=3)).spec
    assert (whole.dims, whole.stem.stride, whole.head.num_classes) == (3, 1, 400)  # type: ignore[union-attr]
    assert whole.digest == rf.load("resnet50_monai").digest
    assert rf.from_config(monai(bias_downsample=False)).spec.shortcut.change.bias is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("config", "zero"),
    [
        ({"architecture": "resnet50"}, True),
        (mm(), True),
        (pycls("resnet", {"DEPTH": 50}, **DEEP), False),
        (classy(num_blocks=[3, 4, 6, 3]), False),
        (vissl(), False),
        (resnets(), False),
        ({"model_type": "resnet"}, False),
    ],
)
def test_trap_11_branches_that_start_at_0(config: dict[str, Any], zero: bool) -> None:
    assert rf.from_config(config).spec.init.zero_residual is zero


def test_trap_12_momentum_of_keras_is_one_minus_that_of_pytorch() -> None:
    norm = rf.from_config(garden()).spec.norm
    assert (norm.momentum, norm.eps) == (0.01, 1e-3)  # type: ignore[union-attr]
    norm = rf.from_config(keras("bottleneck_block")).spec.norm
    assert (norm.momentum, norm.eps) == (0.1, 1e-5)  # type: ignore[union-attr]


def test_trap_13_small_pictures() -> None:
    small = rf.from_config(classy(num_blocks=[2, 2, 2, 2], small_input=True)).spec
    assert [stage.width for stage in small.stages] == [256, 512, 1024, 2048]
    assert (small.stem.kind, small.block.kind) == ("conv3x3", "basic")
    cifar = pycls("resnet", {"DEPTH": 56}) | {"TRAIN": {"DATASET": "cifar10"}}
    found = rf.from_config(cifar)
    assert any("DATASET" in note for note in found.notes)
    assert [stage.depth for stage in found.spec.stages] == [9, 9, 9]


def test_trap_14_the_name_of_a_file_is_not_its_content(tmp_path: Any) -> None:
    file = tmp_path / "resnext101.yaml"
    file.write_text("config: {MODEL: {TRUNK: {NAME: resnet, RESNETS: {DEPTH: 101}}}}")
    spec = rf.from_config(file).spec
    assert spec.digest == rf.load("resnet101").replace({"head": None}).digest


def test_trap_15_maps_that_are_given_are_noted() -> None:
    assert any("out_indices" in note for note in rf.from_config(mm(out_indices=[0, 3])).notes)


@pytest.mark.parametrize(
    ("config", "place", "word"),
    [
        (resnets(DEFORM_ON_PER_STAGE=[False, True, True, True]), "RESNETS.DEFORM", "deformable"),
        (mm(dcn={"type": "DCN"}), "backbone.dcn", "deformable"),
        (mm("ResNeSt"), "backbone.type", "ResNeSt"),
        (classy(num_blocks=[2, 2], final_bn_relu=False), "model.final_bn_relu", "neither norm"),
        ({"backbone": [[-1, 1, "ResNetLayer", [3, 64]]]}, "backbone", "SiLU"),
        ({"architecture": "vit_base_patch16_224"}, "architecture", "vit_base"),
        ({"config": {"stackwise_num_filters": [64]}}, "config", "'block_type' is missing"),
        (keras("basic_block_vd", use_pre_activation=True), "use_pre", "itself fails"),
        (
            keras("basic_block", input_conv_kernel_sizes=[7, 3], use_pre_activation=True),
            "sizes",
            "2",
        ),
        (bit(width_factor=3), "width_factor", "not widened"),
        (bit(global_padding="VALID"), "global_padding", "VALID"),
        (bit(hidden_sizes=[100] * 4), "hidden_sizes", "32 does not divide"),
        (bit(layer_type="bottleneck"), "layer_type", "zeros around"),
        (bit(embedding_dynamic_padding=True), "embedding_dynamic_padding", "zeros around"),
        (timm("regnety_002", act_layer="gelu"), "act_layer", "class ResNet alone"),
        (timm("resnet18", act_layer="geluu"), "act_layer", "geluu"),
        (timm("resnet50", down_kernel_size=2), "down_kernel_size", "even window"),
        (timm("resnet18", cardinality=2), "cardinality", "basic blocks"),
        (timm("resnet50", block_reduce_first=100), "block_reduce_first", "no channel"),
        (timm("resnet50", block="Bottleneck"), "block", "a class"),
        (timm("res2net50d", base_width=32), "base_width", "plain convolutions"),
        (timm("skresnet50", block_reduce_first=2), "block_reduce_first", "plain convolutions"),
        (timm("ecaresnet50d_pruned", channels=[64, 128, 256, 512]), "channels", "blocks differ"),
        (timm("legacy_seresnet50", base_width=32), "base_width", "class ResNet alone"),
        (timm("resnet33ts", stem_width=32), "stem_width", "class ResNet alone"),
        (timm("legacy_seresnet50", output_stride=8), "output_stride", "class SENet"),
        (timm("skresnet18", act_layer="silu"), "act_layer", "attention of their own"),
        (timm("skresnet18", norm_layer="groupnorm"), "norm_layer", "attention of their own"),
        (timm("resnest14d", act_layer="silu"), "act_layer", "attention of their own"),
        (timm("resnetblur18", output_stride=8), "output_stride", "blurs"),
        (timm("resnet50_clip_gap", output_stride=16), "output_stride", "averages in some"),
        (timm("gernet_l", output_stride=8), "output_stride", "projects blocks that dilate"),
        (timm("resnetaa50", replace_stem_pool=True), "replace_stem_pool", "anti-aliased"),
        (timm("resnet50_clip", num_classes=5), "num_classes", "no linear layer"),
        (timm("resnet50_clip", num_classes=0), "num_classes", "no linear layer"),
        (timm("resnet50_clip", drop_rate=0.1), "drop_rate", "no pool"),
        (timm("resnet18", global_pool=""), "global_pool", "without a pool"),
        (timm("resnet18", global_pool="max"), "global_pool", "another pool"),
        (timm("resnet18", norm_layer="layernorm"), "norm_layer", "layernorm"),
        (monai(num_classes="$int(3)"), "num_classes", "code"),
        (monai(num_classes="@missing"), "num_classes", "no value"),
        (pycls("resnet", {"DEPTH": 50}), "RESNET.TRANS_FUN", "basic_transform"),
        (pycls("effnet"), "MODEL.TYPE", "effnet"),
        ({"Arch": {"name": "PPLCNet_x1_0"}}, "Arch.name", "PPLCNet"),
        (pycls("anynet", **(H4 | {"WIDTHS": [1]})), "ANYNET.WIDTHS", "4 of DEPTHS"),
        (pycls("regnet", **(X400 | {"WM": 1.0})), "REGNET.WM", "1.01"),
        (pycls("regnet", **(X400 | {"W0": 0})), "REGNET.W0", "whole number"),
        (vissl(NORM="LayerNorm"), "RESNETS.NORM", "one of"),
        (vissl(DEPTH=51), "RESNETS.DEPTH", "one of"),
    ],
)
def test_what_no_spec_says_is_refused_by_name(
    config: dict[str, Any], place: str, word: str
) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.from_config(config)
    assert any(place in fault.path and word in fault.message for fault in caught.value.faults)


GERNET = [{"conv": 1, "width": 1920}, "norm", "act"]


@pytest.mark.parametrize(
    ("config", "head", "shape"),
    [
        (timm("resnet18", num_classes=0), {"kind": "classifier", "num_classes": 0}, (512,)),
        ({"architecture": "resnet18", "num_classes": 0, "global_pool": ""}, None, (512, 7, 7)),
        (timm("resnet18", num_classes=0, global_pool=""), None, (512, 7, 7)),
        (timm("resnet18", features_only=True), None, (512, 7, 7)),
        (
            timm("gernet_s", num_classes=0, drop_rate=0.2),
            [*GERNET, "global_pool", {"dropout": 0.2}, {"flatten": 1}],
            (1920,),
        ),
        (timm("gernet_s", num_classes=0, global_pool=""), None, (1920, 7, 7)),
        (
            {"_target_": "timm.create_model", "model_name": "resnet18", "drop_rate": 0.3},
            {"kind": "classifier", "num_classes": 1000, "dropout": 0.3},
            (1000,),
        ),
        (
            timm("regnety_002", drop_rate=0.3),
            {"kind": "classifier", "num_classes": 1000, "dropout": 0.3},
            (1000,),
        ),
        (timm("resnet50_clip"), rf.load("resnet50_clip").to_tree()["head"], (1024,)),
    ],
)
def test_heads_of_timm(config: dict[str, Any], head: Any, shape: tuple[int, ...]) -> None:
    """Without classes timm pools, unless it has no pool either."""
    spec = rf.from_config(config).spec
    assert spec.to_tree()["head"] == head
    assert rf.plan(spec, 224).output_shape == shape


@pytest.mark.parametrize("apart", [True, False])
def test_what_timm_takes_from_the_description_of_the_weights(apart: bool) -> None:
    weights: dict[str, Any] = {"input_size": [1, 28, 28], "num_classes": 5}
    config = {"pretrained_cfg": weights} if apart else weights
    spec = rf.from_config({"architecture": "resnet18"} | config).spec
    assert (spec.in_channels, spec.head.num_classes) == (1, 5)  # type: ignore[union-attr]
    again = rf.from_config(timm("resnet18", in_chans=4, num_classes=6) | config).spec
    assert (again.in_channels, again.head.num_classes) == (4, 6)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "config", [mm(depth="x"), vissl(DEPTH="x"), timm("resnet18", output_stride="x")]
)
def test_a_value_of_another_kind_is_one_fault(config: dict[str, Any]) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.from_config(config)
    assert len(caught.value.faults) == 1


def test_references_are_resolved_within_the_file() -> None:
    model = {"_target_": "timm.create_model", "model_name": "${name}"}
    assert plan({"model": model, "name": "resnet34"}).params == 21_797_672
    assert rf.from_config(monai(n_input_channels="@image::channels") | {"image": {"channels": 5}})
    for text in ("${oc.env:HOME}", "${missing}", "x${a}"):
        with pytest.raises(rf.SpecError, match=r"no value|code"):
            rf.from_config({"architecture": text})
    with pytest.raises(rf.SpecError, match="itself"):
        rf.from_config({"architecture": "${a}", "a": "${b}", "b": "${a}"})


@pytest.mark.parametrize(
    ("target", "params"),
    [
        ({"_target_": "timm.create_model", "model_name": "resnet50d"}, 25_576_264),
        ({"_target_": "torchvision.models.resnet18", "num_classes": 10}, 11_181_642),
        (
            {"_target_": "segmentation_models_pytorch.Unet", "encoder_name": "resnet18"},
            11_176_512,
        ),
    ],
)
def test_functions_that_a_file_would_call(target: dict[str, Any], params: int) -> None:
    for config in (target, {"model": target}, {"model": {"net": target}}):
        assert plan(config).params == params


DILATED = {"output_stride": 8, "multigrid": [1, 2, 4], "last_stage_repeats": 2}
WHOLE = [
    *(config for config, _ in CASES.values()),
    *(vissl(WIDTH_MULTIPLIER=2), garden(model_id=18), deeplab(), mm(depth=18), monai(), bit()),
    *(keras("basic_block"), timm("senet154", layers=ONE, block_args={"attn_layer": "se"})),
    {"task": {"model": {"backbone": {"type": "dilated_resnet", "dilated_resnet": DILATED}}}},
    {"Arch": {"name": "RecModel", "Backbone": {"name": "ResNet50", "input_image_channel": 3}}},
    {"model": {"_target_": "segmentation_models_pytorch.Unet", "encoder_name": "resnet18"}},
]


@pytest.mark.parametrize("config", WHOLE)
def test_a_value_of_another_kind_is_a_fault_or_understood(config: dict[str, Any]) -> None:
    """Each value in turn is null, empty, negative or text, which a fault says or a network has."""
    found = rf.from_config(config).format
    for path in _paths(config):
        for value in (None, [], {}, -1, 0, "x", [None], True):
            with contextlib.suppress(rf.SpecError):
                rf.from_config(_with(config, path, value), found)


def _paths(tree: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


def _with(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    inner = value if len(path) == 1 else _with(tree[path[0]], path[1:], value)
    return tree | {path[0]: inner}
