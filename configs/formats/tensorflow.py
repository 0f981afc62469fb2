"""YAML of TensorFlow's model garden: ``task.model.backbone.type`` resnet or dilated_resnet.

Rules and defaults as in tf-models-official 2.20.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ..format import Format, Tree
from ..keys import (
    ANY,
    FLAG,
    NATURAL,
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
from ..node import Node
from ..words import WIDTHS, batch_norm, classifier

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
#: Networks of ``dilated_resnet``.
DILATED: Final = (50, 101, 152, 200)
ACTIVATIONS: Final = {
    "relu": "relu",
    "relu6": "relu6",
    "swish": "silu",
    "silu": "silu",
    "hard_swish": "hardswish",
    "mish": "mish",
}
#: Keys of both kinds of backbone.
_COMMON: Final = {
    "stem_type": Key(one_of("v0", "v1"), "v0"),
    "se_ratio": Key(NUMBER, 0.0),
    "resnetd_shortcut": Key(FLAG, False),
    "stochastic_depth_drop_rate": Key(NUMBER, 0.0),
    "replace_stem_max_pool": Key(FLAG, False),
}
BACKBONES: Final = {
    "resnet": {
        "model_id": Key(one_of(*DEPTHS), 50),
        "depth_multiplier": Key(NUMBER, 1.0),
        "scale_stem": Key(FLAG, True),
        **_COMMON,
    },
    "dilated_resnet": {
        "model_id": Key(one_of(*DILATED), 50),
        "output_stride": Key(one_of(4, 8, 16, 32), 16),
        "multigrid": Key(optional(WHOLES), None),
        "last_stage_repeats": Key(WHOLE, 1),
        **_COMMON,
    },
}
NORM: Final = {
    "activation": Key(TEXT, "relu"),
    "norm_momentum": Key(NUMBER, 0.99),
    "norm_epsilon": Key(NUMBER, 1e-3),
}
MODEL: Final = {
    "backbone": Key(ANY),
    "num_classes": Key(NATURAL, 0),
    "input_size": Key(WHOLES, [224, 224, 3]),
    "dropout_rate": Key(NUMBER, 0.0),
    "norm_activation": Key(ANY),
    "add_head_batch_norm": Key(FLAG, False),
    "output_softmax": only(False, why="probabilities in place of scores", kind=FLAG),
}
#: Parts of models that are no classifiers, whose ``num_classes`` is that of another head.
_PARTS: Final = ("anchor", "decoder", "head", "mask_head", "detection_generator", "roi_generator")
#: The window of 2x2 of a shortcut that does not stride; TensorFlow counts no padding.
_STILL: Final = {
    "pool": "avg",
    "kernel": 2,
    "stride": 1,
    "padding": "same",
    "count_include_pad": False,
}


class _Stage(NamedTuple):
    depth: int
    width: int
    stride: int
    dilation: int = 1
    rate: float = 0.0
    """Of its blocks, the share of branches that are left out in training."""
    grid: Sequence[int] = ()
    """Factors of the dilations of its blocks."""


def holds(root: Node) -> bool:
    """Whether a file has a task with a model on a backbone."""
    return bool(root.text("task", "model", "backbone", "type"))


def read(record: Record) -> Tree:
    """The spec of the backbone, with the head of a classifier."""
    model = Keys(record, {}, record.root).sub("task", {}).sub("model", MODEL)
    outer = model.sub("backbone", {"type": Key(TEXT)})
    kind = outer.known("type", {name: name for name in BACKBONES}, "no spec is made of it")
    keys, norm = outer.sub(kind, BACKBONES[kind]), model.sub("norm_activation", NORM)
    model.check("output_softmax")
    block = DEPTHS.get(keys["model_id"], DEPTHS[50])[0]
    stem = _stem(keys, dilated=kind == "dilated_resnet")
    stages = _dilated(keys) if kind == "dilated_resnet" else _strided(keys)
    size = model["input_size"]
    record.note("TensorFlow pads a map of even side at its end: padding same")
    tree: Tree = {
        "in_channels": size[2] if len(size) == 3 else 3,
        "stem": stem,
        **_blocks(keys, block, stages, stem["widths"][-1] if "widths" in stem else stem["width"]),
        "norm": batch_norm(norm["norm_epsilon"], round(1 - norm["norm_momentum"], 12)),
        "activation": norm.known("activation", ACTIVATIONS),
        "convolution": {"kind": "plain", "padding": "same"},
        "head": _head(model),
    }
    return tree | ({"closing": ["norm"]} if tree["head"] and model["add_head_batch_norm"] else {})


def _head(model: Keys) -> Tree | None:
    """The classifier; None for a backbone in another model."""
    part = next((part for part in _PARTS if part in model.node.value), None)
    if part is None:
        return classifier(model.given("num_classes"), model["dropout_rate"])
    model.record.note(f"a model with {part} is no classifier: the spec is its backbone")
    return None


def _strided(keys: Keys) -> list[_Stage]:
    """The stages of ``resnet``."""
    rows = zip(DEPTHS.get(keys["model_id"], DEPTHS[50])[1], WIDTHS, (1, 2, 2, 2), strict=True)
    return [
        _Stage(depth, max(1, int(width * keys["depth_multiplier"])), stride, rate=rate)
        for (depth, width, stride), rate in zip(rows, _rates(keys, 4), strict=True)
    ]


def _dilated(keys: Keys) -> list[_Stage]:
    """The stages of ``dilated_resnet``: beyond its output stride they dilate, the last again and
    again."""
    depths = DEPTHS.get(keys["model_id"], DEPTHS[50])[1]
    more, grid = keys["last_stage_repeats"] - 1, keys["multigrid"]
    still = {4: 1, 8: 2, 16: 3, 32: 4}[keys["output_stride"]]
    if more > _MOST_REPEATS:
        keys.refuse("last_stage_repeats", f"a spec is made of {_MOST_REPEATS + 1} at most")
        more = 0
    if grid is not None and len(grid) != depths[3]:
        keys.refuse("multigrid", f"{len(grid)} numbers for {depths[3]} blocks")
    stages = []
    for index, rate in enumerate(_rates(keys, 4 + more)):
        last, dilates = min(index, 3), index >= still
        stages.append(
            _Stage(
                depths[last],
                WIDTHS[last],
                1 if dilates or not index else 2,
                2 ** (index - still + 1) if dilates else 1,
                rate,
                grid if grid and dilates and index >= 3 else (),
            )
        )
    return stages


_MOST_REPEATS: Final = 6


def _rates(keys: Keys, count: int) -> list[float]:
    """The rate of each stage, of which the stem is the first of two parts before them."""
    rate = keys["stochastic_depth_drop_rate"]
    if not 0 <= rate < 1:
        keys.refuse("stochastic_depth_drop_rate", "a rate of 0 or more, and less than 1")
    return [rate * (index + 2) / (count + 1) for index in range(count)]


def _blocks(keys: Keys, kind: str, stages: Sequence[_Stage], channels: int) -> Tree:
    """The stages after ``channels``, their blocks and their shortcuts.

    The first block of each stage projects, whatever its shape.
    """
    average = keys["resnetd_shortcut"] and kind == "bottleneck"
    words = [_block(keys, kind, stage) for stage in stages]
    alike = all(each == words[0] for each in words)
    trees = []
    for stage, block in zip(stages, words, strict=True):
        tree: Tree = {"depth": stage.depth, "width": stage.width, "stride": stage.stride}
        if not alike:
            tree["block"] = block
        if stage.dilation > 1:
            tree |= {"dilation": stage.dilation, "first_dilation": stage.dilation}
        change: Any = "avg_projection" if average else "projection"
        if average and stage.stride == 1:
            change = {"path": [_STILL, {"conv": 1}, "norm"]}
            tree["shortcut"] = {"match": "identity", "change": change}
        entries: list[Tree] = [{} for _ in range(stage.depth)]
        if stage.stride == 1 and channels == _out(kind, stage):
            entries[0]["shortcut"] = {"match": change, "change": change}
        for entry, times in zip(entries, stage.grid, strict=False):
            entry["dilation"] = stage.dilation * times
        if any(entries):
            del tree["depth"]
            tree["blocks"] = entries
        trees.append(tree)
        channels = _out(kind, stage)
    shortcut = "avg_projection" if average else "projection"
    return {"stages": trees, "block": words[0] if alike else kind, "shortcut": shortcut}


def _out(kind: str, stage: _Stage) -> int:
    """The channels that a stage puts out."""
    return stage.width * (4 if kind == "bottleneck" else 1)


def _block(keys: Keys, kind: str, stage: _Stage) -> Tree:
    """The block of a stage."""
    ratio, out = keys["se_ratio"], _out(kind, stage)
    attention: Tree = {}
    if 0 < ratio <= 1:
        reduced = max(1, int(out * ratio))
        whole = out // (out // reduced) == reduced
        attention = {"se": out // reduced} if whole else {"kind": "se", "width": reduced}
    if not stage.rate:
        return {"kind": kind} | ({"attention": attention} if attention else {})
    ones: list[Any] = [{"conv": 1}, "norm", "act"] if kind == "bottleneck" else []
    last: Tree = {"conv": 1, "width": "x4"} if kind == "bottleneck" else {"conv": 3}
    strides = {"conv": 3, "stride": "block"}
    drop = {"drop_path": stage.rate, "mode": "row"}
    rest = [attention, drop] if attention else [drop]
    return {"branch": [*ones, strides, "norm", "act", last, "norm", *rest]}


def _stem(keys: Keys, *, dilated: bool) -> Tree:
    """The stem, which a multiplier narrows unless the file says otherwise."""
    times = 1.0 if dilated else keys["depth_multiplier"]
    scale = 1.0 if dilated or not keys["scale_stem"] else times
    width, half = max(1, int(64 * scale)), max(1, int(32 * scale))
    pool: list[Any] = [{"pool": "max", "padding": "same"}]
    if keys["replace_stem_max_pool"]:
        pool = [{"conv": 3, "stride": 2, "width": max(1, int(64 * times))}, "norm", "act"]
    if keys["stem_type"] == "v0":
        return {"kind": "conv7x7", "width": width, "pool": pool}
    widths = [64, 64, 128] if dilated else [half, half, width]
    return {"kind": "deep_base", "widths": widths, "pool": pool}


FORMAT: Final = Format("tensorflow", "TensorFlow's model garden", holds, read)
