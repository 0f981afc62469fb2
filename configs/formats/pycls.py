"""YAML of pycls: ``MODEL.TYPE`` anynet, regnet or resnet. Defaults as in its ``core/config.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ...specs.network import ResNetSpec
from ...specs.regnet import regnet_stages
from ..format import Format, Tree
from ..keys import FLAG, NATURAL, NUMBER, NUMBERS, TEXT, WHOLE, WHOLES, Key, Keys, Record, only
from ..node import Node
from ..words import (
    DEPTHS,
    MOST_STRETCH,
    batch_norm,
    classifier,
    grouped,
    stages_of,
)

ACTIVATIONS: Final = {"relu": "relu", "silu": "silu", "swish": "silu"}
BLOCKS: Final = {
    "res_bottleneck_block": "bottleneck",
    "res_basic_block": "basic",
    "vanilla_block": "vanilla",
    "res_bottleneck_linear_block": "linear",
}
STEMS: Final[dict[str, Tree]] = {
    "simple_stem_in": {"kind": "conv3x3", "stride": 2},
    "res_stem_in": {"kind": "conv7x7"},
    "res_stem_cifar": {"kind": "conv3x3"},
}
OUTER: Final = {"MODEL": Key(NUMBER), "BN": Key(NUMBER), "TRAIN": Key(NUMBER)}
MODEL: Final = {
    "TYPE": Key(TEXT),
    "DEPTH": Key(WHOLE, 0),
    "NUM_CLASSES": Key(WHOLE, 10),
    "ACTIVATION_FUN": Key(TEXT, "relu"),
    "SCALING_TYPE": only("", why="the network is scaled after it is read", kind=TEXT),
}
BN: Final = {
    "EPS": Key(NUMBER, 1e-5),
    "MOM": Key(NUMBER, 0.1),
    "ZERO_INIT_FINAL_GAMMA": Key(FLAG, False),
}
_BODY: Final = {
    "STEM_TYPE": Key(TEXT, "simple_stem_in"),
    "STEM_W": Key(WHOLE, 32),
    "BLOCK_TYPE": Key(TEXT, "res_bottleneck_block"),
    "SE_ON": Key(FLAG, False),
    "SE_R": Key(NUMBER, 0.25),
    "HEAD_W": Key(NATURAL, 0),
}
REGNET: Final = _BODY | {
    "DEPTH": Key(WHOLE, 10),
    "W0": Key(WHOLE, 32),
    "WA": Key(NUMBER, 5.0),
    "WM": Key(NUMBER, 2.5),
    "GROUP_W": Key(WHOLE, 16),
    "BOT_MUL": Key(NUMBER, 1.0),
    "STRIDE": Key(WHOLE, 2),
}
ANYNET: Final = _BODY | {
    "DEPTHS": Key(WHOLES),
    "WIDTHS": Key(WHOLES),
    "STRIDES": Key(WHOLES),
    "BOT_MULS": Key(NUMBERS, []),
    "GROUP_WS": Key(NUMBERS, []),
}
RESNET: Final = {
    "TRANS_FUN": Key(TEXT, "basic_transform"),
    "NUM_GROUPS": Key(WHOLE, 1),
    "WIDTH_PER_GROUP": Key(WHOLE, 64),
    "STRIDE_1X1": Key(FLAG, True),
}
TRAIN: Final = {"DATASET": Key(TEXT, "")}


def holds(root: Node) -> bool:
    """Whether a file names one of pycls's types of models."""
    types = ("anynet", "regnet", "resnet", "effnet", "vit")
    return root.text("MODEL", "TYPE") in types and root.at("MODEL", "TRUNK") is None


def read(record: Record) -> Tree:
    """The spec of a model."""
    outer = Keys(record, OUTER, record.root)
    model = outer.sub("MODEL", MODEL)
    readers = {"regnet": _regnet, "anynet": _anynet, "resnet": _resnet}
    tree: Tree = model.known("TYPE", readers, "no spec is made of it")(outer, model)
    model.check()
    norm = outer.sub("BN", BN)
    tree["norm"] = batch_norm(norm["EPS"], norm["MOM"])
    tree["activation"] = model.known("ACTIVATION_FUN", ACTIVATIONS)
    tree["init"] = {"zero_residual": norm["ZERO_INIT_FINAL_GAMMA"]}
    tree["head"] = classifier(model["NUM_CLASSES"])
    return tree


def _regnet(outer: Keys, model: Keys) -> Tree:
    keys = outer.sub("REGNET", REGNET)
    if not 1.01 <= keys["WM"] <= MOST_STRETCH or keys["WA"] < 0:
        keys.refuse("WM", "WM is 1.01 or more, and WA is 0 or more")
        return {"stages": [{"depth": 1, "width": 8}]}
    multiple = keys["BOT_MUL"]
    numbers = (keys["DEPTH"], keys["W0"], keys["WA"], keys["WM"], keys["GROUP_W"])
    stages = regnet_stages(*numbers, ratio=_ratio(multiple) or 1, stride=keys["STRIDE"])
    if multiple != 1 and _ratio(multiple) is None:
        keys.refuse("BOT_MUL", "a spec's RegNet has a bottleneck of 1/b, with a whole b")
    widths = [stage["width"] for stage in stages]
    depths = [stage["depth"] for stage in stages]
    strides = [stage["stride"] for stage in stages]
    rows = [multiple] * len(widths), [keys["GROUP_W"]] * len(widths)
    return _body(keys, depths, widths, strides, *rows)


def _anynet(outer: Keys, model: Keys) -> Tree:
    keys = outer.sub("ANYNET", ANYNET)
    depths, widths, strides = keys["DEPTHS"], keys["WIDTHS"], keys["STRIDES"]
    multiples, groups = keys["BOT_MULS"], keys["GROUP_WS"]
    needs = BLOCKS.get(keys["BLOCK_TYPE"]) in ("bottleneck", "linear")
    count = len(depths)
    rows = {"WIDTHS": widths, "STRIDES": strides}
    rows |= {"BOT_MULS": multiples, "GROUP_WS": groups} if needs else {}
    for name, row in rows.items():
        if len(row) != count:
            keys.refuse(name, f"{len(row)} of {name}, and {count} of DEPTHS")
            return {"stages": [{"depth": 1, "width": 8}]}
    return _body(keys, depths, widths, strides, multiples or [1] * count, groups or [1] * count)


def _body(
    keys: Keys,
    depths: Sequence[int],
    widths: Sequence[int],
    strides: Sequence[int],
    multiples: Sequence[float],
    groups: Sequence[float],
) -> Tree:
    """Stem, stages and what stands before the head."""
    stages = stages_of(depths, widths, strides)
    stem = {**keys.known("STEM_TYPE", STEMS), "width": keys["STEM_W"]}
    tree: Tree = {"stem": stem, "stages": stages}
    kind = keys.known("BLOCK_TYPE", BLOCKS)
    if kind in ("basic", "vanilla"):
        tree["block"] = "basic"
        tree["shortcut"] = "none" if kind == "vanilla" else "projection"
    else:
        rows = zip(stages, multiples, groups, strict=True)
        linear = kind == "linear"
        blocks = [_bottleneck(keys, stage, b, g, linear) for stage, b, g in rows]
        for stage, block in zip(stages, blocks, strict=True):
            stage["block"] = block
        if all(block == blocks[0] for block in blocks):
            tree["block"] = blocks[0]
            for stage in stages:
                del stage["block"]
        if kind == "linear":
            tree["shortcut"] = {"match": "identity", "change": "none"}
    if width := keys["HEAD_W"]:
        tree["closing"] = [{"conv": 1, "width": width}, "norm", "act"]
    return tree


def _bottleneck(keys: Keys, stage: Tree, multiple: float, group: float, linear: bool) -> Tree:
    """The block of a stage, of which the 3x3 has ``multiple`` of the stage's channels."""
    width = stage["width"]
    inner, group = round(width * multiple), int(group)
    if inner < 1 or group < 1 or inner % group:
        keys.refuse("WIDTHS", f"{inner} channels of a 3x3 in groups of {group}")
        return {"kind": "x"}
    attention = _attention(keys)
    if linear:
        stage["inner"] = inner
        branch: list[Any] = [{"conv": 1, "width": "inner"}, "norm", "act"]
        window = {"conv": 3, "width": "inner", "stride": "block", "groups": inner // group}
        branch += [window, "norm", "act", *([attention] if attention else [])]
        return {"branch": [*branch, {"conv": 1}, "norm"], "exit": []}
    more: Tree = {"attention": attention, "attention_at": "inner"} if attention else {}
    ratio = _ratio(multiple)
    if ratio is not None and width % ratio == 0:
        return {"kind": "x", "group_width": group} | ({"ratio": ratio} if ratio > 1 else {}) | more
    stage["inner"] = inner
    middle = {"conv": 3, "groups": inner // group}
    return {"kind": "bottleneck", "expansion": 1, "conv2": middle} | more


def _attention(keys: Keys) -> Tree | None:
    """Squeeze and excitation between fewer channels by a fraction of the block's input."""
    if not keys["SE_ON"]:
        return None
    reduction = _ratio(keys["SE_R"])
    if reduction is None:
        keys.refuse("SE_R", "a spec reduces the channels to 1/r, with a whole r")
    return {"se": reduction or 4, "of": "input"}


def _resnet(outer: Keys, model: Keys) -> Tree:
    keys, train = outer.sub("RESNET", RESNET), outer.sub("TRAIN", TRAIN)
    depth = model["DEPTH"]
    if "cifar" in train["DATASET"]:
        outer.record.note("pycls chooses the network's kind by TRAIN.DATASET")
        if (depth - 2) % 6 or depth < 8:
            model.refuse("DEPTH", "a ResNet for CIFAR has 6n + 2 layers")
        basic = keys["TRANS_FUN"] == "basic_transform"
        if not basic:
            keys.refuse("TRANS_FUN", "only networks of basic_transform are read for CIFAR")
        rows = [max(1, (depth - 2) // 6)] * 3
        stages = stages_of(rows, (16, 32, 64), (1, 2, 2))
        return {"stem": {"kind": "conv3x3", "width": 16}, "stages": stages}
    if depth not in (50, 101, 152):
        model.refuse("DEPTH", f"pycls has no ResNet-{depth} for ImageNet", "use 50, 101 or 152")
        depth = 50
    if keys["TRANS_FUN"] != "bottleneck_transform":
        message = f"pycls builds no ResNet for ImageNet of {keys['TRANS_FUN']}"
        keys.refuse("TRANS_FUN", message, "write TRANS_FUN: bottleneck_transform")
    block: Tree = {"kind": "bottleneck"} | grouped(keys["NUM_GROUPS"], keys["WIDTH_PER_GROUP"])
    if keys["STRIDE_1X1"]:
        block["stride_on"] = "conv1"
    return {"stem": "conv7x7", "stages": stages_of(DEPTHS[depth]), "block": block}


def _ratio(multiple: float) -> int | None:
    """The whole number of which ``multiple`` is the inverse."""
    whole = round(1 / multiple) if multiple > 1e-4 else 0
    return whole if whole >= 1 and abs(1 / whole - multiple) < 1e-6 else None


def write(spec: ResNetSpec) -> Tree:
    """The anynet that comes nearest to ``spec``."""
    tree = spec.model_dump(mode="json")
    stages = tree["stages"]
    blocks = [stage["block"] or tree["block"] for stage in stages]
    stem = tree["stem"]
    names = {"conv7x7": "res_stem_in", "conv3x3": "simple_stem_in"}
    name = names.get(stem["kind"], "res_stem_in")
    if stem["kind"] == "conv3x3" and stem["stride"] == 1:
        name = "res_stem_cifar"
    first = blocks[0]["kind"]
    plain = first == "basic" and tree["shortcut"]["change"]["kind"] == "none"
    body: Tree = {
        "STEM_TYPE": name,
        "STEM_W": stem.get("width", 64),
        "BLOCK_TYPE": "vanilla_block"
        if plain
        else "res_basic_block"
        if first == "basic"
        else "res_bottleneck_block",
        "DEPTHS": [stage["depth"] or len(stage["blocks"]) for stage in stages],
        "WIDTHS": [_out(stage, block) for stage, block in zip(stages, blocks, strict=True)],
        "STRIDES": [stage["stride"] for stage in stages],
    }
    if first != "basic":
        pairs = [_row(stage, block) for stage, block in zip(stages, blocks, strict=True)]
        body["BOT_MULS"] = [multiple for multiple, _ in pairs]
        body["GROUP_WS"] = [group for _, group in pairs]
    if first == "x" and blocks[0]["attention"]:
        body |= {"SE_ON": True, "SE_R": 1 / (blocks[0]["attention"].get("reduction") or 4)}
    norm, head = tree["norm"], tree["head"] or {}
    return {
        "MODEL": {
            "TYPE": "anynet",
            "NUM_CLASSES": head.get("num_classes", 1000),
            "ACTIVATION_FUN": "silu" if tree["activation"] == "silu" else "relu",
        },
        "ANYNET": body,
        "BN": {
            "EPS": norm.get("eps", 1e-5),
            "MOM": norm.get("momentum", 0.1),
            "ZERO_INIT_FINAL_GAMMA": tree["init"]["zero_residual"],
        },
    }


def _out(stage: Tree, block: Tree) -> int:
    return int((stage["width"] or 1) * block.get("expansion", 1))


def _row(stage: Tree, block: Tree) -> tuple[float, int]:
    """The bottleneck multiple and the group width of a block."""
    if block["kind"] == "x":
        return 1 / block["ratio"], block["group_width"]
    width, groups = stage["width"] or 1, block.get("groups", 1)
    inner = width * block.get("width_per_group", 64) // 64 * groups
    return inner / _out(stage, block), max(1, inner // groups)


FORMAT: Final = Format("pycls", "pycls", holds, read, write=write)
