"""YAML of TensorFlow's model garden: ``task.model.backbone.type`` resnet or dilated_resnet.

Rules and defaults as in tf-models-official 2.20.
"""

from __future__ import annotations

from typing import Any, Final

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
from ..words import batch_norm, classifier
from .tensorflow_stages import DEPTHS, blocks, dilated, strided

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
    stages = dilated(keys) if kind == "dilated_resnet" else strided(keys)
    size = model["input_size"]
    record.note("TensorFlow pads a map of even side at its end: padding same")
    tree: Tree = {
        "in_channels": size[2] if len(size) == 3 else 3,
        "stem": stem,
        **blocks(keys, block, stages, stem["widths"][-1] if "widths" in stem else stem["width"]),
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
