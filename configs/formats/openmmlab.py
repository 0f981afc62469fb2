"""Settings of OpenMMLab (mmpretrain, mmsegmentation, mmdetection): ``model.backbone.type``.

Python files are read as literals, YAML and JSON as they are, and so are their bases.
"""

from __future__ import annotations

from typing import Final

from ...specs.network import ResNetSpec
from ...specs.regnet import regnet_stages
from ..dilating import drops
from ..format import Format, Tree
from ..keys import (
    ANY,
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    WHOLES,
    Key,
    Keys,
    Record,
    one_of,
    only,
    optional,
)
from ..node import Code, Node
from ..words import DEPTHS, LAST_BASIC, block_of, classifier, deep, grouped, stages_of

_BACKBONE: Final = {
    "type": Key(TEXT),
    "in_channels": Key(WHOLE, 3),
    "stem_channels": Key(WHOLE, 64),
    "base_channels": Key(WHOLE, 64),
    "num_stages": Key(WHOLE, 4),
    "strides": Key(WHOLES, [1, 2, 2, 2]),
    "dilations": Key(WHOLES, [1, 1, 1, 1]),
    "style": Key(one_of("pytorch", "caffe"), "pytorch"),
    "deep_stem": Key(FLAG, False),
    "avg_down": Key(FLAG, False),
    "contract_dilation": Key(FLAG, False),
    "multi_grid": Key(optional(WHOLES), None),
    "norm_cfg": Key(ANY, {"type": "BN"}),
    "zero_init_residual": Key(FLAG, True),
    "drop_path_rate": Key(NUMBER, 0.0),
    "conv_cfg": only(None, why="another convolution"),
    "dcn": only(None, why="deformable convolutions"),
    "plugins": only(None, why="modules within the blocks"),
    "act_cfg": only(None, {"type": "ReLU"}, why="another activation"),
}
RESNET: Final = _BACKBONE | {
    "depth": Key(WHOLE),
    "expansion": Key(optional(WHOLE), None),
    "groups": Key(WHOLE, 1),
    "width_per_group": Key(WHOLE, 64),
    "base_width": Key(WHOLE, 64),
    "se_ratio": Key(WHOLE, 16),
}
RESNEXT: Final = RESNET | {"groups": Key(WHOLE, 32), "width_per_group": Key(WHOLE, 4)}
REGNET: Final = _BACKBONE | {
    "arch": Key(ANY),
    "stem_channels": Key(WHOLE, 32),
    "strides": Key(WHOLES, [2, 2, 2, 2]),
}
ARCH: Final = {
    "w0": Key(WHOLE),
    "wa": Key(NUMBER),
    "wm": Key(NUMBER),
    "group_w": Key(WHOLE),
    "depth": Key(WHOLE),
    "bot_mul": only(1.0, 1, why="another width of the 3x3", kind=NUMBER),
}
#: mmpretrain's names of RegNets, and the catalogue's.
ARCHES: Final = {
    f"regnetx_{amount}": f"regnetx_{amount.replace('.', '_')}"
    for amount in ("400mf", "800mf", "1.6gf", "3.2gf", "4.0gf", "6.4gf", "8.0gf", "12gf")
}
NORM: Final = {
    "type": Key(TEXT),
    "eps": Key(NUMBER, 1e-5),
    "momentum": Key(NUMBER, 0.1),
    "num_groups": Key(WHOLE, 32),
}
#: Names of classes, and the keys that they set.
TYPES: Final[dict[str, Tree]] = {
    "ResNet": {},
    "ResNetV1b": {},
    "ResNetV1c": {"deep_stem": True},
    "ResNetV1d": {"deep_stem": True, "avg_down": True},
    "ResNeXt": {"next": True},
    "SEResNet": {"se": True},
    "SEResNeXt": {"se": True, "next": True},
    "ResNet_CIFAR": {"cifar": True},
    "RegNet": {"regnet": True},
}
#: The classes that average and have one linear layer.
_HEADS: Final = ("LinearClsHead", "ClsHead")
_MODEL: Final = {"backbone": Key(ANY), "head": Key(ANY), "neck": Key(ANY)}
_HEAD: Final = {"type": Key(TEXT), "num_classes": Key(WHOLE)}


def holds(root: Node) -> bool:
    """Whether a file has a model with a backbone of a class, or one that code changes."""
    model = root.child("model")
    changed = model is not None and isinstance(model.value, Code)
    return changed or bool(root.text("model", "backbone", "type"))


def read(record: Record) -> Tree:
    """The spec of the backbone, with the head of a classifier."""
    model = Keys(record, {"model": Key(ANY)}, record.root).sub("model", _MODEL)
    if record.faults:
        return {}
    keys = model.sub("backbone", RESNET)
    name = keys.node.text("type").rpartition(".")[2]
    known = TYPES.get(name)
    if known is None:
        _ = keys["type"]
        keys.refuse("type", f"no spec is made of {name or 'it'}", f"known: {', '.join(TYPES)}")
        return {}
    _ = keys["type"]
    keys.table = REGNET if "regnet" in known else RESNEXT if "next" in known else RESNET
    keys.check()
    tree = _regnet(keys) if "regnet" in known else _resnet(keys, known)
    _common(keys, tree)
    tree["head"] = _head(model)
    return tree


def _common(keys: Keys, tree: Tree) -> None:
    """What all backbones have."""
    tree["in_channels"] = keys["in_channels"]
    if (norm := _norm(keys)) is not None:
        tree["norm"] = norm
    tree["init"] = {"zero_residual": keys["zero_init_residual"]}
    if rate := keys.given("drop_path_rate"):
        tree["stochastic_depth"] = drops(rate)
    if "out_indices" in keys.node.value:
        keys.record.note("which maps are given (out_indices) is the caller's: rf.FeatureMaps")


def _resnet(keys: Keys, known: Tree) -> Tree:
    depth, count = keys["depth"], keys["num_stages"]
    least = LAST_BASIC if known.get("se") or known.get("next") else 0
    if depth not in DEPTHS or depth <= least:
        depths = ", ".join(str(each) for each in DEPTHS if each > least)
        keys.refuse("depth", f"OpenMMLab has no {keys['type']} of depth {depth}", f"use {depths}")
        depth = 50
    widths = [keys["base_channels"] * 2**stage for stage in range(4)]
    strides, dilations = keys["strides"], keys["dilations"]
    for name, row in (("strides", strides), ("dilations", dilations)):
        if len(row) != count and name in keys.node.value:
            keys.refuse(name, f"{len(row)} numbers for {count} stages")
    caffe = depth > LAST_BASIC and keys["style"] == "caffe"
    stages = stages_of(DEPTHS[depth][:count], widths, strides, dilations)
    for index, stage in enumerate(stages):
        _dilate(keys, stage, last=index == len(stages) - 1, strides_first=caffe)
    flags = {name: known.get(name) or keys[name] for name in ("deep_stem", "avg_down")}
    stem: Tree = {"kind": "conv7x7", "width": keys["stem_channels"]}
    if "cifar" in known:
        stem["kind"] = "conv3x3"
    elif flags["deep_stem"]:
        stem = deep(keys["stem_channels"])
    return {
        "stem": stem,
        "stages": stages,
        "block": _block(keys, known, depth, caffe, dilates=any(d > 1 for d in dilations)),
        "shortcut": "avg_projection" if flags["avg_down"] else "projection",
    }


def _dilate(keys: Keys, stage: Tree, *, last: bool, strides_first: bool) -> None:
    """The dilations of a stage's blocks: mmsegmentation's rule of the first, and its grid."""
    dilation, depth = stage.get("dilation", 1), stage["depth"]
    first = dilation // 2 if dilation > 1 and keys["contract_dilation"] else dilation
    grid = keys["multi_grid"] if last else None
    if grid is not None and len(grid) != depth:
        keys.refuse("multi_grid", f"{len(grid)} numbers for {depth} blocks")
    elif grid is not None or (first != dilation and strides_first):
        row = grid or [first, *[dilation] * (depth - 1)]
        del stage["depth"]
        stage["blocks"] = [{"dilation": each} for each in row]
    elif dilation > 1:
        stage["first_dilation"] = first


def _block(keys: Keys, known: Tree, depth: int, caffe: bool, *, dilates: bool) -> Tree:
    block: Tree = {"kind": block_of(depth)}
    if block["kind"] == "basic":
        if dilates:
            block["conv2"] = {"conv": 3, "dilation": 1}
        if keys.given("expansion") not in (None, 1):
            keys.refuse("expansion", "basic blocks of another expansion than 1")
    else:
        width = "base_width" if "base_width" in keys.node.value else "width_per_group"
        block |= grouped(keys["groups"], keys[width]) if "next" in known else {}
        if caffe:
            block["stride_on"] = "conv1"
        if keys.given("expansion"):
            keys.refuse("expansion", "the width of a bottleneck by its output")
    if "se" in known:
        block["attention"] = {"se": keys["se_ratio"], "divisor": 8}
    return block


def _regnet(keys: Keys) -> Tree:
    if isinstance(keys["arch"], str):
        stem = {"kind": "conv3x3", "width": keys["stem_channels"], "stride": 2}
        return {"base": keys.known("arch", ARCHES), "stem": stem}
    arch = keys.sub("arch", ARCH)
    arch.check()
    if not 1.01 <= arch["wm"] <= 64 or arch["wa"] < 0:
        arch.refuse("wm", "wm is 1.01 or more, and wa is 0 or more")
        return {}
    stages = regnet_stages(arch["depth"], arch["w0"], arch["wa"], arch["wm"], arch["group_w"])
    for stage, stride in zip(stages, keys["strides"], strict=False):
        del stage["block"]
        stage["stride"] = stride
    block = {"kind": "x", "group_width": arch["group_w"]}
    stem = {"kind": "conv3x3", "width": keys["stem_channels"], "stride": 2}
    return {"stem": stem, "stages": stages, "block": block}


def _norm(keys: Keys) -> Tree | None:
    norm = keys.sub("norm_cfg", NORM)
    if not norm.present:
        return None
    if norm["type"] == "GN":
        return {"kind": "group", "groups": norm["num_groups"]}
    norm.known("type", dict.fromkeys(("BN", "SyncBN", "BN2d", "MMSyncBN"), "batch"))
    given = {name: norm.given(name) for name in ("eps", "momentum")}
    return {"kind": "batch"} | {name: value for name, value in given.items() if value is not None}


def _head(model: Keys) -> Tree | None:
    head, neck = model.sub("head", _HEAD), model.sub("neck", _HEAD)
    averages = neck.node.text("type").endswith("GlobalAveragePooling")
    if averages and head.node.text("type").endswith(_HEADS):
        _ = head["type"], neck["type"]
        return classifier(head["num_classes"])
    if head.present or len(model.node.value) > 1:
        model.record.note("neck and head of the model are not part of the spec")
    return None


def write(spec: ResNetSpec) -> Tree:
    """mmpretrain's classifier that comes nearest to ``spec``."""
    tree = spec.model_dump(mode="json")
    block, stages, stem = tree["block"], tree["stages"], tree["stem"]
    basic = block["kind"] == "basic"
    depths = tuple(stage["depth"] or len(stage["blocks"]) for stage in stages)
    kinds = [depth for depth in DEPTHS if (depth <= LAST_BASIC) == basic]
    fits = [depth for depth in kinds if DEPTHS[depth][: len(depths)] == depths]
    groups, se = block.get("groups", 1), block.get("attention")
    deep_stem = stem["kind"] == "deep_base"
    name = ("SE" if se else "") + ("ResNeXt" if groups > 1 else "ResNet")
    norm: Tree = {"type": "GN" if tree["norm"]["kind"] == "group" else "BN"}
    norm |= {key: tree["norm"][key] for key in ("eps", "momentum") if key in tree["norm"]}
    backbone: Tree = {
        "type": "ResNet_CIFAR" if stem["kind"] == "conv3x3" else name,
        "depth": fits[0] if fits else 50,
        "in_channels": spec.in_channels,
        "num_stages": len(stages),
        "out_indices": [len(stages) - 1],
        "stem_channels": stem["widths"][-1] if deep_stem else stem.get("width", 64),
        "base_channels": stages[0]["width"] or 64,
        "strides": [stage["stride"] for stage in stages],
        "dilations": [stage["dilation"] for stage in stages],
        "style": "caffe" if not basic and block.get("stride_on") == "conv1" else "pytorch",
        "deep_stem": deep_stem,
        "avg_down": tree["shortcut"]["change"]["kind"] == "avg_projection",
        "norm_cfg": norm,
        "zero_init_residual": tree["init"]["zero_residual"],
    }
    if groups > 1:
        backbone |= {"groups": groups, "width_per_group": block["width_per_group"]}
    if se:
        backbone["se_ratio"] = se.get("reduction") or 16
    model: Tree = {"type": "ImageClassifier", "backbone": backbone}
    if spec.head is not None:
        width = int((stages[-1]["width"] or 1) * block.get("expansion", 1))
        model["neck"] = {"type": "GlobalAveragePooling"}
        model["head"] = {
            "type": "LinearClsHead",
            "num_classes": tree["head"].get("num_classes", 1000),
            "in_channels": width,
        }
    return {"model": model}


FORMAT: Final = Format("mmpretrain", "OpenMMLab", holds, read, write=write)
