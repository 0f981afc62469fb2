"""YAML of TensorFlow's model garden: ``task.model.backbone.type`` resnet or dilated_resnet."""

from __future__ import annotations

from typing import Any, Final

from ..format import Format, Tree
from ..keys import ANY, FLAG, NUMBER, TEXT, WHOLE, WHOLES, Key, Keys, Record, one_of, only
from ..node import Node
from ..words import WIDTHS, batch_norm, classifier, project_first_block, stages_of

DEPTHS: Final = {
    10: ("basic", (1, 1, 1, 1)),
    18: ("basic", (2, 2, 2, 2)),
    26: ("basic", (3, 3, 3, 3)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
    200: ("bottleneck", (3, 24, 36, 3)),
    270: ("bottleneck", (4, 29, 53, 4)),
    350: ("bottleneck", (4, 36, 72, 4)),
    420: ("bottleneck", (4, 44, 87, 4)),
}
ACTIVATIONS: Final = {"relu": "relu", "swish": "silu", "silu": "silu"}
BACKBONE: Final = {
    "model_id": Key(one_of(*DEPTHS), 50),
    "depth_multiplier": Key(NUMBER, 1.0),
    "stem_type": Key(one_of("v0", "v1"), "v0"),
    "scale_stem": Key(FLAG, True),
    "se_ratio": Key(NUMBER, 0.0),
    "resnetd_shortcut": Key(FLAG, False),
    "stochastic_depth_drop_rate": only(
        0.0, 0, why="one rate for each stage, rate * (i + 2) / 5", kind=NUMBER
    ),
    "replace_stem_max_pool": only(False, why="a convolution in place of the pool", kind=FLAG),
}
NORM: Final = {
    "activation": Key(TEXT, "relu"),
    "norm_momentum": Key(NUMBER, 0.99),
    "norm_epsilon": Key(NUMBER, 1e-3),
}
MODEL: Final = {
    "backbone": Key(ANY),
    "num_classes": Key(WHOLE, 0),
    "input_size": Key(WHOLES, [224, 224, 3]),
    "dropout_rate": Key(NUMBER, 0.0),
    "norm_activation": Key(ANY),
}


def holds(root: Node) -> bool:
    """Whether a file has a task with a model on a backbone."""
    return bool(root.text("task", "model", "backbone", "type"))


def read(record: Record) -> Tree:
    """The spec of the backbone, with the head of a classifier."""
    model = Keys(record, {}, record.root).sub("task", {}).sub("model", MODEL)
    outer = model.sub("backbone", {"type": Key(TEXT)})
    kind = outer.known("type", {"resnet": "resnet"}, "no spec is made of it")
    keys, norm = outer.sub(kind, BACKBONE), model.sub("norm_activation", NORM)
    keys.check()
    block, depths = DEPTHS.get(keys["model_id"], DEPTHS[50])
    times, reduction = keys["depth_multiplier"], keys["se_ratio"]
    widths = [max(1, int(width * times)) for width in WIDTHS]
    shortcut = "avg_projection" if keys["resnetd_shortcut"] else "projection"
    stages = stages_of(depths, widths)
    if block == "basic":
        shortcut = "projection"
        project_first_block(stages)
    words: Tree = {"kind": block}
    if reduction:
        whole = round(1 / reduction)
        if abs(1 / whole - reduction) > 1e-6:
            keys.refuse("se_ratio", "a spec reduces the channels to 1/r, with a whole r")
        words["attention"] = {"se": whole}
    size = model["input_size"]
    record.note("TensorFlow pads a map of even side at its end: padding same")
    tree: Tree = {
        "in_channels": size[2] if len(size) == 3 else 3,
        "stem": _stem(keys, times),
        "stages": stages,
        "block": words,
        "shortcut": shortcut,
        "norm": batch_norm(norm["norm_epsilon"], round(1 - norm["norm_momentum"], 12)),
        "activation": norm.known("activation", ACTIVATIONS),
        "convolution": {"kind": "plain", "padding": "same"},
        "head": classifier(model.given("num_classes"), model["dropout_rate"]),
    }
    return tree


def _stem(keys: Keys, times: float) -> Tree:
    width = int(64 * times) if keys["scale_stem"] else 64
    half = int(32 * times) if keys["scale_stem"] else 32
    pool: list[Any] = [{"pool": "max", "padding": "same"}]
    if keys["stem_type"] == "v0":
        return {"kind": "conv7x7", "width": width, "pool": pool}
    return {"kind": "deep_base", "widths": [half, half, width], "pool": pool}


FORMAT: Final = Format("tensorflow", "TensorFlow's model garden", holds, read)
