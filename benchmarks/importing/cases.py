"""Settings of each project, and its own library's network of them.

The settings are written for this comparison, with the keys of real files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from unittest.mock import MagicMock

from torch import Tensor, nn

from ..reference import torchvision_models
from .garden_net import GardenNet
from .keras_net import KerasNet
from .paddle_net import PaddleNet
from .vissl_net import vissl_trunk

Config = dict[str, Any]


def first(y: Any) -> Tensor:
    """The scores, or the last map of a backbone."""
    if isinstance(y, dict):
        y = y[max(y)]
    return y[-1] if isinstance(y, tuple | list) else y


@dataclass(frozen=True)
class Case:
    """One file's settings, and who builds them."""

    name: str
    config: Config
    build: Callable[[Config], nn.Module]
    answer: Callable[[Any], Tensor] = first


def _transformers(config: Config) -> nn.Module:
    torchvision_models()
    library = import_module("transformers")
    settings = library.AutoConfig.for_model(**config)
    if config["model_type"] == "rt_detr_resnet":
        return library.RTDetrResNetBackbone(settings)  # type: ignore[no-any-return]
    return library.AutoModelForImageClassification.from_config(settings)  # type: ignore[no-any-return]


def _hf(y: Any) -> Tensor:
    answer: Tensor = y.logits if "logits" in y else y.feature_maps[-1]
    return answer


def timm_network(config: Config) -> nn.Module:
    """timm's own network of a ``config.json``."""
    torchvision_models()
    given = {name: config[name] for name in ("num_classes",) if name in config}
    args = given | config.get("model_args", {})
    return import_module("timm").create_model(config["architecture"], **args)  # type: ignore[no-any-return]


def _target(config: Config) -> nn.Module:
    torchvision_models()
    config = dict(config)
    module, _, name = config.pop("_target_").rpartition(".")
    return getattr(import_module(module), name)(**config)  # type: ignore[no-any-return]


def _monai(config: Config) -> nn.Module:
    network = dict(config["network_def"])
    name = network.pop("_target_").rpartition(".")[2]
    return getattr(import_module("monai.networks.nets"), name)(**network)  # type: ignore[no-any-return]


def _mmpretrain(config: Config) -> nn.Module:
    torchvision_models()
    return import_module("mmpretrain.models").build_classifier(config["model"])  # type: ignore[no-any-return]


def _mmseg(config: Config) -> nn.Module:
    import_module("mmcv").__version__ = "2.1.0"  # mmsegmentation 1.2 asks for an older one
    # Compiled operations, which no ResNet uses and mmcv-lite leaves out.
    sys.modules.setdefault("mmcv.ops", MagicMock())
    backbone = dict(config["model"]["backbone"])
    library = import_module("mmseg.models.backbones")
    return getattr(library, backbone.pop("type"))(**backbone)  # type: ignore[no-any-return]


def _pycls(config: Config) -> nn.Module:
    core = import_module("pycls.core.config")
    core.reset_cfg()
    core.cfg.merge_from_other_cfg(core.CfgNode(config))
    kind = config["MODEL"]["TYPE"]
    classes = {"anynet": "AnyNet", "regnet": "RegNet", "resnet": "ResNet"}
    return getattr(import_module(f"pycls.models.{kind}"), classes[kind])()  # type: ignore[no-any-return]


def _detectron2(config: Config) -> nn.Module:
    torchvision_models()
    settings = import_module("detectron2.config").get_cfg()
    settings.merge_from_other_cfg(import_module("detectron2.config").CfgNode(config))
    shape = import_module("detectron2.layers").ShapeSpec(channels=len(settings.MODEL.PIXEL_MEAN))
    build = import_module("detectron2.modeling.backbone.resnet").build_resnet_backbone
    return build(settings, shape)  # type: ignore[no-any-return]


def _classy(config: Config) -> nn.Module:
    torchvision_models()
    model = config["model"]
    width = 2048 if model["name"] == "resnext" else 896
    heads = [{"unique_id": "h", "fork_block": _LAST, "in_plane": width, **model["heads"][0]}]
    return import_module("classy_vision.models").build_model(model | {"heads": heads})  # type: ignore[no-any-return]


def _keras(block: str, *, first: bool, deep: bool = False) -> Case:
    config = {
        "input_conv_filters": [32, 32, 64] if deep else [64],
        "input_conv_kernel_sizes": [3, 3, 3] if deep else [7],
        "stackwise_num_filters": [64, 128, 256, 512],
        "stackwise_num_blocks": [2, 2, 2, 2],
        "stackwise_num_strides": [1, 2, 2, 2],
        "block_type": block,
        "use_pre_activation": first,
    }
    words = [block, *["use_pre_activation"] * first, *["three 3x3 in the stem"] * deep]
    return Case(", ".join(words), config, KerasNet)


_LAST = "block3-2"
_BLOCKS = {"layers": [3, 4, 6, 3], "block_inplanes": [64, 128, 256, 512]}
_RESNETS = {"DEPTH": 50, "OUT_FEATURES": ["res2", "res3", "res4", "res5"]}
_DILATED = {"strides": (1, 2, 1, 1), "dilations": (1, 1, 2, 4)}
_GAP = {"type": "GlobalAveragePooling"}
_X400 = {"DEPTH": 22, "W0": 24, "WA": 24.48, "WM": 2.54, "GROUP_W": 16}
_Y = {"SE_ON": True, "DEPTH": 16, "W0": 48, "WA": 27.89, "WM": 2.09, "GROUP_W": 8}
_H4 = {
    "STEM_TYPE": "res_stem_in",
    "STEM_W": 64,
    "BLOCK_TYPE": "res_bottleneck_block",
    "DEPTHS": [3, 4, 6, 3],
    "WIDTHS": [256, 512, 1024, 2048],
    "STRIDES": [1, 2, 2, 2],
    "BOT_MULS": [0.5, 0.5, 0.5, 0.5],
    "GROUP_WS": [4, 8, 16, 32],
}


def _any(**more: Any) -> Config:
    return {"MODEL": {"TYPE": "anynet", "NUM_CLASSES": 1000}, "ANYNET": _H4 | more}


def _mm(kind: str, classes: int = 1000, width: int = 2048, **more: Any) -> Config:
    head = {"type": "LinearClsHead", "num_classes": classes, "in_channels": width}
    model = {"type": "ImageClassifier", "backbone": {"type": kind} | more}
    return {"model": model | {"neck": _GAP, "head": head}}


def _seg(kind: str, **more: Any) -> Config:
    return {"model": {"backbone": {"type": kind, "depth": 50} | _DILATED | more}}


def _reg(**more: Any) -> Config:
    return {"MODEL": {"TYPE": "regnet", "NUM_CLASSES": 1000}, "REGNET": more}


def _arch(name: str, place: str = "legendary_models.resnet", **more: Any) -> Case:
    words = "".join(f", {key} {value}" for key, value in more.items())
    return Case(name + words, {"Arch": {"name": name, "place": place} | more}, PaddleNet)


def _garden(words: str, kind: str = "resnet", /, model: Config | None = None, **keys: Any) -> Case:
    outer = {"backbone": {"type": kind, kind: keys}} | (model or {})
    return Case(f"{kind} {words}", {"task": {"model": outer}}, GardenNet)


def _trunk(name: str, colours: str = "rgb", **more: Any) -> Case:
    model = {"INPUT_TYPE": colours, "TRUNK": {"NAME": "resnet", "RESNETS": more}}
    return Case(name, {"config": {"MODEL": model}}, vissl_trunk)


def _hub(kind: str, **more: Any) -> Case:
    words = ", ".join(f"{key} {value}" for key, value in more.items())
    name = f"{kind}{', ' + words if words else ''}"
    return Case(name, {"model_type": kind, "num_labels": 10} | more, _transformers, _hf)


def _pretrained(name: str, **args: Any) -> Case:
    words = "".join(f", {key} {value}" for key, value in args.items())
    return Case(name + words, {"architecture": name, "model_args": args}, timm_network)


_RS = {"stem_type": "v1", "se_ratio": 0.25, "resnetd_shortcut": True}
_SWISH = {"num_classes": 10, "norm_activation": {"activation": "swish", "norm_momentum": 0.9}}
_DEEPLAB = {"multigrid": [1, 2, 4], "last_stage_repeats": 2}
_TENSORFLOW = {"global_padding": "SAME", "embedding_dynamic_padding": True}
_BASIC = {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512]}
CASES: dict[str, list[Case]] = {
    "Hugging Face": [
        _hub("resnet"),
        _hub("resnet", **_BASIC),
        _hub("resnet", downsample_in_bottleneck=True),
        _hub("resnet", downsample_in_first_stage=True, hidden_act="silu"),
        _hub("rt_detr_resnet"),
        _hub("rt_detr_resnet", **_BASIC),
        _hub("regnet"),
        _hub("regnet", layer_type="x"),
        _hub("bit"),
        _hub("bit", output_stride=8),
        _hub("bit", layer_type="bottleneck", **_TENSORFLOW),
        _hub("bit", layer_type="bottleneck", output_stride=8, **_TENSORFLOW),
    ],
    "timm": [
        _pretrained("resnet18", num_classes=4, in_chans=1, output_stride=16),
        _pretrained("resnet50d", output_stride=8),
        _pretrained("resnet50", stem_type="deep_tiered", stem_width=32, avg_down=True),
        _pretrained("resnet26", cardinality=32, base_width=4, layers=[1, 2, 2, 1]),
        _pretrained("seresnet18", num_classes=7),
        _pretrained("resnet18", block_args={"attn_layer": "eca"}, channels=[32, 64, 128, 256]),
        _pretrained("resnet18", block_args={"attn_layer": "gc"}),
        _pretrained("resnet18", block_args={"attn_layer": "gca"}),
        _pretrained("resnet18", block_args={"attn_layer": "cbam"}),
        _pretrained("resnet50d", replace_stem_pool=True),
        _pretrained("resnet18", replace_stem_pool=True, act_layer="silu"),
        _pretrained("seresnet18", norm_layer="groupnorm", act_layer="hard_swish"),
        _pretrained("resnet50", block_reduce_first=2, down_kernel_size=3),
        _pretrained("resnet18", block_reduce_first=3, down_kernel_size=3, output_stride=8),
        _pretrained("senet154", layers=[1, 1, 1, 1], channels=[64, 100, 160, 320]),
        _pretrained("seresnext50_32x4d", channels=[48, 100, 160, 320]),
        _pretrained("regnety_002"),
        _pretrained("gernet_s", num_classes=5),
        _pretrained("resnetv2_50"),
    ],
    "Hydra and Lightning": [
        Case("torchvision resnet34", {"_target_": "torchvision.models.resnet34"}, _target),
        Case(
            "torchvision regnet_x_400mf", {"_target_": "torchvision.models.regnet_x_400mf"}, _target
        ),
    ],
    "pycls": [
        Case("regnet X-400MF", _reg(**_X400), _pycls),
        Case("regnet with SE", _reg(**_Y), _pycls),
        Case("anynet, bottlenecks of 1/2 in groups", _any(), _pycls),
        Case("anynet, res_basic_block", _any(BLOCK_TYPE="res_basic_block"), _pycls),
        Case("anynet, vanilla_block", _any(BLOCK_TYPE="vanilla_block"), _pycls),
        Case(
            "anynet, res_bottleneck_linear_block",
            _any(BLOCK_TYPE="res_bottleneck_linear_block", HEAD_W=128),
            _pycls,
        ),
        Case(
            "resnet 50",
            {
                "MODEL": {"TYPE": "resnet", "DEPTH": 50, "NUM_CLASSES": 9},
                "RESNET": {"TRANS_FUN": "bottleneck_transform"},
                "TRAIN": {"DATASET": "imagenet"},
                "TEST": {"DATASET": "imagenet"},
            },
            _pycls,
        ),
    ],
    "vissl": [
        _trunk("resnet 50"),
        _trunk("resnet 50, GroupNorm", NORM="GroupNorm"),
        _trunk("resnet 50, WIDTH_MULTIPLIER 2", WIDTH_MULTIPLIER=2),
        _trunk("resnext 101, 32x8d", DEPTH=101, GROUPS=32, WIDTH_PER_GROUP=8),
        _trunk("resnet 50, lab, LAYER4_STRIDE 1", "lab", LAYER4_STRIDE=1),
        _trunk("resnet 200", DEPTH=200),
    ],
    "TensorFlow's model garden": [
        _garden("18", model_id=18),
        _garden("50, classifier", model={"num_classes": 10}),
        _garden("34, depth_multiplier 0.5", model_id=34, depth_multiplier=0.5),
        _garden(
            "101, depth_multiplier 0.25, scale_stem false",
            model_id=101,
            depth_multiplier=0.25,
            scale_stem=False,
        ),
        _garden(
            "18, depth_multiplier 0.3, se_ratio 0.3333333",
            model_id=18,
            depth_multiplier=0.3,
            se_ratio=0.3333333,
        ),
        _garden("50 with the words of ResNet-RS, swish", model=_SWISH, **_RS),
        _garden(
            "101, ResNet-RS, replace_stem_max_pool, add_head_batch_norm",
            model={"num_classes": 10, "add_head_batch_norm": True},
            model_id=101,
            replace_stem_max_pool=True,
            stochastic_depth_drop_rate=0.2,
            **_RS,
        ),
        _garden("200", model_id=200),
        _garden("50", "dilated_resnet"),
        _garden(
            "50, output_stride 8, multigrid, last_stage_repeats 2, ResNet-RS",
            "dilated_resnet",
            output_stride=8,
            **_RS,
            **_DEEPLAB,
        ),
        _garden(
            "101, output_stride 32, last_stage_repeats 2",
            "dilated_resnet",
            model_id=101,
            output_stride=32,
            **_DEEPLAB,
        ),
    ],
    "PaddleClas": [
        _arch("ResNet18"),
        _arch("ResNet50", class_num=7),
        _arch("ResNet18_vd"),
        _arch("ResNet50_vd"),
        _arch("ResNet50_vc", "model_zoo.resnet_vc"),
        _arch("ResNeXt50_32x4d", "model_zoo.resnext"),
        _arch("SE_ResNet18_vd", "model_zoo.se_resnet_vd"),
        _arch("SE_ResNeXt50_32x4d", "model_zoo.se_resnext"),
        _arch("RegNetX_4GF", "model_zoo.regnet"),
    ],
    "detectron2": [
        Case("R-50", {"MODEL": {"RESNETS": _RESNETS}}, _detectron2),
        Case(
            "R-50, RES5_DILATION 2",
            {"MODEL": {"RESNETS": _RESNETS | {"RES5_DILATION": 2}}},
            _detectron2,
        ),
        Case(
            "X-101-32x8d",
            {
                "MODEL": {
                    "RESNETS": _RESNETS
                    | {"DEPTH": 101, "NUM_GROUPS": 32, "WIDTH_PER_GROUP": 8, "STRIDE_IN_1X1": False}
                }
            },
            _detectron2,
        ),
        Case(
            "R-18",
            {"MODEL": {"RESNETS": _RESNETS | {"DEPTH": 18, "RES2_OUT_CHANNELS": 64}}},
            _detectron2,
        ),
        Case("R-50, GN", {"MODEL": {"RESNETS": _RESNETS | {"NORM": "GN"}}}, _detectron2),
    ],
    "OpenMMLab": [
        Case("mmpretrain ResNetV1c 50", _mm("ResNetV1c", depth=50), _mmpretrain),
        Case("mmpretrain ResNetV1d 50", _mm("ResNetV1d", depth=50), _mmpretrain),
        Case("mmpretrain ResNet 50, caffe", _mm("ResNet", depth=50, style="caffe"), _mmpretrain),
        Case("mmpretrain ResNeXt 50", _mm("ResNeXt", depth=50), _mmpretrain),
        Case("mmpretrain SEResNet 50", _mm("SEResNet", depth=50), _mmpretrain),
        Case("mmpretrain ResNet_CIFAR 18", _mm("ResNet_CIFAR", width=512, depth=18), _mmpretrain),
        Case(
            "mmpretrain RegNet 400mf",
            _mm("RegNet", width=384, arch="regnetx_400mf"),
            _mmpretrain,
        ),
        Case(
            "mmsegmentation ResNetV1c, contracted",
            _seg("ResNetV1c", contract_dilation=True),
            _mmseg,
        ),
        Case("mmsegmentation ResNet, dilated", _seg("ResNet"), _mmseg),
        Case(
            "mmsegmentation ResNet, grid",
            _seg("ResNet", multi_grid=(1, 2, 4), style="caffe"),
            _mmseg,
        ),
        Case("mmsegmentation ResNet 18, dilated", _seg("ResNet", depth=18), _mmseg),
    ],
    "keras-hub": [
        _keras("basic_block", first=False),
        _keras("basic_block", first=True),
        _keras("bottleneck_block", first=False),
        _keras("bottleneck_block", first=True),
        _keras("basic_block_vd", first=False, deep=True),
        _keras("bottleneck_block_vd", first=False, deep=True),
        _keras("bottleneck_block", first=True, deep=True),
    ],
    "MONAI": [
        Case(
            f"ResNet {words}",
            {"network_def": {"_target_": "monai.networks.nets.ResNet"} | _BLOCKS | settings},
            _monai,
        )
        for words, settings in (
            ("2D bottleneck", {"block": "bottleneck", "spatial_dims": 2}),
            (
                "2D basic, A, stride 2",
                {"block": "basic", "spatial_dims": 2, "shortcut_type": "A", "conv1_t_stride": 2},
            ),
            (
                "2D basic, 3x3 stem, half",
                {
                    "block": "basic",
                    "spatial_dims": 2,
                    "conv1_t_size": 3,
                    "no_max_pool": True,
                    "widen_factor": 0.5,
                    "bias_downsample": False,
                },
            ),
        )
    ],
    "ClassyVision": [
        Case(
            "resnext 50, 4x32",
            {
                "model": {
                    "name": "resnext",
                    "num_blocks": [3, 4, 6, 3],
                    "base_width_and_cardinality": [4, 32],
                    "heads": [{"name": "fully_connected", "num_classes": 11}],
                }
            },
            _classy,
        ),
    ],
}
