"""YAML of detectron2: ``MODEL.RESNETS``, with the files of ``_BASE_``.

Defaults as in its ``config/defaults.py`` and in its project DeepLab.
"""

from __future__ import annotations

from typing import Any, Final

from ...specs.network import ResNetSpec
from ..format import Format, Tree
from ..keys import ANY, FLAG, FLAGS, NUMBERS, TEXT, TEXTS, WHOLE, WHOLES, Key, Keys, Record
from ..node import Node
from ..words import DEPTHS, LAST_BASIC, deep, grouped, stages_of

NORMS: Final[dict[str, Any]] = {
    "FrozenBN": "batch",
    "BN": "batch",
    "SyncBN": "batch",
    "naiveSyncBN": "batch",
    "nnSyncBN": "batch",
    "GN": {"kind": "group", "groups": 32},
}
OUTER: Final = {"MODEL": Key(ANY)}
MODEL: Final = {"BACKBONE": Key(ANY), "RESNETS": Key(ANY), "PIXEL_MEAN": Key(NUMBERS, [0.0] * 3)}
BACKBONE: Final = {"NAME": Key(TEXT, "build_resnet_backbone")}
RESNETS: Final = {
    "DEPTH": Key(WHOLE, 50),
    "OUT_FEATURES": Key(TEXTS, ["res4"]),
    "NUM_GROUPS": Key(WHOLE, 1),
    "WIDTH_PER_GROUP": Key(WHOLE, 64),
    "STRIDE_IN_1X1": Key(FLAG, True),
    "RES5_DILATION": Key(WHOLE, 1),
    "RES2_OUT_CHANNELS": Key(WHOLE, 256),
    "STEM_OUT_CHANNELS": Key(WHOLE, 64),
    "NORM": Key(TEXT, "FrozenBN"),
    "DEFORM_ON_PER_STAGE": Key(FLAGS, [False] * 4),
}
DEEPLAB: Final = RESNETS | {
    "STEM_TYPE": Key(TEXT, "deeplab"),
    "RES4_DILATION": Key(WHOLE, 1),
    "RES5_MULTI_GRID": Key(WHOLES, [1, 2, 4]),
}
_STAGES: Final = ("res2", "res3", "res4", "res5")


def holds(root: Node) -> bool:
    """Whether a file has keys that only detectron2's models have."""
    model = root.child("MODEL")
    names = ("META_ARCHITECTURE", "RESNETS", "BACKBONE")
    of_pycls = root.text("MODEL", "TYPE") or root.at("MODEL", "TRUNK") is not None
    return model is not None and not of_pycls and any(model.child(name) for name in names)


def read(record: Record) -> Tree:
    """The spec of the residual backbone."""
    model = Keys(record, OUTER, record.root).sub("MODEL", MODEL)
    backbone = model.sub("BACKBONE", BACKBONE)
    name = backbone["NAME"]
    if "resnet" not in name:
        backbone.refuse("NAME", f"{name} is no residual backbone")
    deeplab = "deeplab" in name
    keys = model.sub("RESNETS", DEEPLAB if deeplab else RESNETS)
    _check(keys, deeplab)
    record.note("the heads of the detector are not part of the spec")
    stages = _stages(keys, deeplab)
    block: Any = "basic" if keys["DEPTH"] <= LAST_BASIC else _bottleneck(keys)
    width = keys["STEM_OUT_CHANNELS"]
    stem = deep(width) if deeplab and keys["STEM_TYPE"] == "deeplab" else None
    return {
        "in_channels": len(model["PIXEL_MEAN"]) or 3,
        "stem": stem or {"kind": "conv7x7", "width": width},
        "stages": stages,
        "block": block,
        "norm": keys.known("NORM", NORMS),
        "head": None,
    }


def _check(keys: Keys, deeplab: bool) -> None:
    """Refuse what detectron2 refuses, and what no spec says."""
    depth = keys["DEPTH"]
    if any(keys["DEFORM_ON_PER_STAGE"]):
        keys.refuse("DEFORM_ON_PER_STAGE", "deformable convolutions: no spec says them")
    if depth not in DEPTHS or (deeplab and depth <= LAST_BASIC):
        keys.refuse("DEPTH", f"detectron2 has no ResNet of depth {depth} here")
    elif depth <= LAST_BASIC and keys["RES2_OUT_CHANNELS"] != 64:
        keys.refuse("DEPTH", f"detectron2 asks for RES2_OUT_CHANNELS 64 at depth {depth}")
    if keys["RES5_DILATION"] not in ((1, 2, 4) if deeplab else (1, 2)):
        keys.refuse("RES5_DILATION", f"detectron2 has no dilation of {keys['RES5_DILATION']} here")
    if unknown := [name for name in keys["OUT_FEATURES"] if name not in ("stem", *_STAGES)]:
        keys.refuse("OUT_FEATURES", f"{unknown[0]!r} is no map of a ResNet")
    elif not set(keys["OUT_FEATURES"]) & set(_STAGES):
        keys.refuse("OUT_FEATURES", "a spec has a stage at least")


def _stages(keys: Keys, deeplab: bool) -> list[Tree]:
    depth = keys["DEPTH"] if keys["DEPTH"] in DEPTHS else 50
    width = keys["RES2_OUT_CHANNELS"] // (1 if depth <= LAST_BASIC else 4)
    if depth > LAST_BASIC and keys["RES2_OUT_CHANNELS"] % 4:
        keys.refuse("RES2_OUT_CHANNELS", "4 does not divide the channels of bottlenecks")
    fourth = keys["RES4_DILATION"] if deeplab else 1
    dilations = [1, 1, fourth, keys["RES5_DILATION"]]
    strides = [1, 2, *(1 if dilation > 1 else 2 for dilation in dilations[2:])]
    firsts = [dilation if dilation > 1 else None for dilation in dilations]
    widths = [max(1, width) * 2**stage for stage in range(4)]
    stages = stages_of(DEPTHS[depth], widths, strides, dilations, firsts)
    if deeplab:
        grid = keys["RES5_MULTI_GRID"]
        if len(grid) != DEPTHS[depth][3]:
            keys.refuse("RES5_MULTI_GRID", f"res5 has {DEPTHS[depth][3]} blocks")
        last = {"width": widths[3], "stride": strides[3]}
        stages[3] = last | {"blocks": [{"dilation": dilations[3] * each} for each in grid]}
    named = [_STAGES.index(name) for name in keys["OUT_FEATURES"] if name in _STAGES]
    return stages[: max(named, default=3) + 1]


def _bottleneck(keys: Keys) -> Tree:
    """The bottleneck, whose 3x3 has NUM_GROUPS * WIDTH_PER_GROUP channels in res2."""
    width, groups = max(1, keys["RES2_OUT_CHANNELS"] // 4), keys["NUM_GROUPS"]
    each, rest = divmod(keys["WIDTH_PER_GROUP"] * 64, width)
    if rest:
        keys.refuse("WIDTH_PER_GROUP", f"no spec says it beside {4 * width} channels of res2")
    block = {"kind": "bottleneck"} | grouped(groups, max(1, each))
    return block | ({"stride_on": "conv1"} if keys["STRIDE_IN_1X1"] else {})


def write(spec: ResNetSpec) -> Tree:
    """The backbone that comes nearest to ``spec``."""
    tree = spec.model_dump(mode="json")
    block, stages = tree["block"], tree["stages"]
    basic = block["kind"] == "basic"
    depths = tuple(stage["depth"] or len(stage["blocks"]) for stage in stages)
    kinds = [depth for depth in DEPTHS if (depth <= LAST_BASIC) == basic]
    fits = [depth for depth in kinds if DEPTHS[depth][: len(depths)] == depths]
    width = stages[0]["width"] or 64
    group = block.get("width_per_group", 64)
    return {
        "MODEL": {
            "META_ARCHITECTURE": "GeneralizedRCNN",
            "BACKBONE": {"NAME": "build_resnet_backbone"},
            "PIXEL_MEAN": [0.0] * spec.in_channels,
            "RESNETS": {
                "DEPTH": fits[0] if fits else 50,
                "OUT_FEATURES": list(_STAGES[: len(stages)]),
                "STEM_OUT_CHANNELS": tree["stem"].get("width", 64),
                "RES2_OUT_CHANNELS": width if basic else 4 * width,
                "NUM_GROUPS": block.get("groups", 1),
                "WIDTH_PER_GROUP": group * width // 64,
                "STRIDE_IN_1X1": not basic and block.get("stride_on") == "conv1",
                "RES5_DILATION": stages[-1]["dilation"] if len(stages) == 4 else 1,
                "NORM": "GN" if tree["norm"]["kind"] == "group" else "BN",
            },
        }
    }


FORMAT: Final = Format("detectron2", "detectron2", holds, read, write=write)
