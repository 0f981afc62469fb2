"""JSON of ClassyVision: ``model.name`` resnext, resnet or regnet."""

from __future__ import annotations

from typing import Any, Final

from ...specs.regnet import regnet_stages
from ..format import Format, Tree
from ..keys import ANY, FLAG, NUMBER, TEXT, WHOLE, WHOLES, Key, Keys, Record, only, optional
from ..node import Node
from ..words import MOST_STRETCH, batch_norm, classifier, stages_of

OUTER: Final = {"model": Key(ANY)}
RESNEXT: Final = {
    "name": Key(TEXT),
    "num_blocks": Key(WHOLES),
    "init_planes": Key(WHOLE, 64),
    "reduction": Key(WHOLE, 4),
    "small_input": Key(FLAG, False),
    "basic_layer": Key(FLAG, False),
    "base_width_and_cardinality": Key(optional(WHOLES), None),
    "use_se": Key(FLAG, False),
    "se_reduction_ratio": Key(WHOLE, 16),
    "zero_init_bn_residuals": Key(FLAG, False),
    "final_bn_relu": only(True, why="the last block ends in neither norm nor ReLU", kind=FLAG),
    "heads": Key(ANY, None),
}
REGNET: Final = {
    "name": Key(TEXT),
    "depth": Key(WHOLE),
    "w_0": Key(WHOLE),
    "w_a": Key(NUMBER),
    "w_m": Key(NUMBER),
    "group_width": Key(WHOLE),
    "bottleneck_multiplier": only(1.0, 1, why="another width of the 3x3", kind=NUMBER),
    "stem_width": Key(WHOLE, 32),
    "stem_type": only("simple_stem_in", "SIMPLE_STEM_IN", why="another stem", kind=TEXT),
    "block_type": only("res_bottleneck_block", why="another block", kind=TEXT),
    "use_se": Key(FLAG, True),
    "se_ratio": only(0.25, why="another reduction", kind=NUMBER),
    "bn_epsilon": Key(NUMBER, 1e-5),
    "bn_momentum": Key(NUMBER, 0.1),
    "heads": Key(ANY, None),
}
_NAMES: Final = {"resnext": RESNEXT, "resnet": RESNEXT, "regnet": REGNET}


def holds(root: Node) -> bool:
    """Whether a file has a model with a name, as ClassyVision's files do."""
    return bool(root.text("model", "name")) and root.at("model", "backbone") is None


def read(record: Record) -> Tree:
    """The spec of a model."""
    keys = Keys(record, OUTER, record.root).sub("model", RESNEXT)
    keys.table = keys.known("name", _NAMES, "no spec is made of it")
    keys.check()
    tree = _regnet(keys) if keys.table is REGNET else _resnext(keys)
    tree["head"] = classifier(_classes(keys))
    return tree


def _resnext(keys: Keys) -> Tree:
    depths, width = keys["num_blocks"], keys["init_planes"]
    basic = keys["basic_layer"] or keys["small_input"]
    least = 1 if keys["basic_layer"] and "reduction" not in keys.node.value else None
    reduction = least or keys["reduction"]
    stem: Tree = {"kind": "conv3x3" if keys["small_input"] else "conv7x7", "width": width}
    times = reduction if basic else 1
    widths = [width * 2**stage * times for stage in range(len(depths))]
    strides = [1, *[2] * (len(depths) - 1)]
    block: Tree = {"kind": "basic"} if basic else _bottleneck(keys, width, reduction)
    if keys["use_se"]:
        block["attention"] = {"se": keys["se_reduction_ratio"]}
    return {
        "stem": stem,
        "stages": stages_of(depths, widths, strides),
        "block": block,
        "init": {"zero_residual": keys["zero_init_bn_residuals"]},
    }


def _bottleneck(keys: Keys, width: int, reduction: int) -> Tree:
    block: Tree = {"kind": "bottleneck"}
    if reduction != 4:
        block["expansion"] = reduction
    pair = keys["base_width_and_cardinality"]
    if pair is None:
        return block
    if len(pair) != 2 or (pair[0] * 64) % width:
        keys.refuse("base_width_and_cardinality", f"no spec says {pair} beside {width} planes")
        return block
    return block | {"groups": pair[1], "width_per_group": pair[0] * 64 // width}


def _regnet(keys: Keys) -> Tree:
    if not 1.01 <= keys["w_m"] <= MOST_STRETCH or keys["w_a"] < 0:
        keys.refuse("w_m", "w_m is 1.01 or more, and w_a is 0 or more")
        return {"stages": [{"depth": 1, "width": 8}]}
    numbers = (keys["depth"], keys["w_0"], keys["w_a"], keys["w_m"], keys["group_width"])
    stages = regnet_stages(*numbers)
    block: Any = {"kind": "x", "group_width": keys["group_width"]}
    if keys["use_se"]:
        block |= {"attention": {"se": 4, "of": "input"}, "attention_at": "inner"}
    for stage in stages:
        del stage["block"]
    return {
        "stem": {"kind": "conv3x3", "width": keys["stem_width"], "stride": 2},
        "stages": stages,
        "block": block,
        "norm": batch_norm(keys["bn_epsilon"], keys["bn_momentum"]),
    }


def _classes(keys: Keys) -> int | None:
    """Classes of the first head; the model's own ``num_classes`` is not the head's."""
    heads = keys["heads"]
    if not isinstance(heads, list) or not heads:
        return None
    head = heads[0]
    classes = head.get("num_classes") if isinstance(head, dict) else None
    if not isinstance(classes, int) or isinstance(classes, bool):
        keys.refuse("heads", "the first head has no num_classes")
        return None
    return classes


FORMAT: Final = Format("classy", "ClassyVision", holds, read)
