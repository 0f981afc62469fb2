"""``config.json`` of Hugging Face transformers: ResNet, RT-DETR's ResNet, RegNet, BiT.

Keys and defaults as in transformers 5.24.
"""

from __future__ import annotations

from typing import Any, Final

from ...specs.network import ResNetSpec
from ..format import Format, Tree
from ..keys import ANY, FLAG, TEXT, TEXTS, WHOLE, WHOLES, Key, Keys, Record, one_of, optional
from ..node import Node
from ..words import classifier, deep, project_first_block, stages_of
from . import huggingface_bit

PROJECT: Final = "Hugging Face"
#: transformers' names of activations that a spec has under another name, or the same.
ACTIVATIONS: Final = {
    "relu": "relu",
    "relu6": "relu6",
    "gelu": "gelu",
    "silu": "silu",
    "swish": "silu",
    "elu": "elu",
    "selu": "selu",
    "mish": "mish",
    "leaky_relu": "leaky_relu",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "linear": "none",
}
_COMMON: Final = {
    "num_channels": Key(WHOLE, 3),
    "hidden_act": Key(TEXT, "relu"),
    "architectures": Key(optional(TEXTS), None),
    "id2label": Key(ANY, None),
    "num_labels": Key(WHOLE, 2),
    "out_features": Key(optional(TEXTS), None),
}
RESNET: Final = _COMMON | {
    "embedding_size": Key(WHOLE, 64),
    "hidden_sizes": Key(WHOLES, [256, 512, 1024, 2048]),
    "depths": Key(WHOLES, [3, 4, 6, 3]),
    "layer_type": Key(one_of("basic", "bottleneck"), "bottleneck"),
    "downsample_in_first_stage": Key(FLAG, False),
    "downsample_in_bottleneck": Key(FLAG, False),
}
REGNET: Final = _COMMON | {
    "embedding_size": Key(WHOLE, 32),
    "hidden_sizes": Key(WHOLES, [128, 192, 512, 1088]),
    "depths": Key(WHOLES, [2, 6, 12, 2]),
    "groups_width": Key(WHOLE, 64),
    "layer_type": Key(one_of("x", "y"), "y"),
    "downsample_in_first_stage": Key(FLAG, True),
}
BIT: Final = _COMMON | huggingface_bit.KEYS
TABLES: Final = {"resnet": RESNET, "rt_detr_resnet": RESNET, "regnet": REGNET, "bit": BIT}
_OUTER: Final = {"model_type": Key(TEXT, "")}


def holds(root: Node) -> bool:
    """Whether a file names a model type, its own or its backbone's."""
    return bool(root.text("model_type")) and "_target_" not in root.value


def read(record: Record) -> Tree:
    """The spec of a configuration, or of the backbone that it holds."""
    keys = Keys(record, _OUTER, record.root)
    inside = keys.present and record.root.child("backbone_config") is not None
    if keys["model_type"] not in TABLES and inside:
        keys = keys.sub("backbone_config", _OUTER)
        record.note("the model around the backbone is not part of the spec")
    kind = keys.known("model_type", {name: name for name in TABLES}, "no spec is made of it")
    keys.table = TABLES[kind]
    tree = _tree(keys, kind)
    if (channels := keys["num_channels"]) != 3:
        tree["in_channels"] = channels
    if (activation := keys.known("hidden_act", ACTIVATIONS)) != "relu":
        tree["activation"] = activation
    headless = inside or kind == "rt_detr_resnet"
    tree["head"] = None if headless else classifier(_classes(keys))
    if kind == "bit" and (inside or "BitBackbone" in (keys["architectures"] or ())):
        tree["closing"] = []
        record.note("a backbone of BiT leaves out its last norm, of which its files hold weights")
    _cut(keys, tree)
    return tree


def _tree(keys: Keys, kind: str) -> Tree:
    """The spec of a backbone of a kind."""
    if kind == "bit":
        return huggingface_bit.read(keys, _depths(keys))
    return _regnet(keys) if kind == "regnet" else _resnet(keys, d=kind == "rt_detr_resnet")


def _resnet(keys: Keys, *, d: bool) -> Tree:
    basic = keys["layer_type"] == "basic"
    sizes, embedding = keys["hidden_sizes"], keys["embedding_size"]
    divisor = 1 if basic else 4
    if any(size % divisor for size in sizes):
        keys.refuse("hidden_sizes", "4 does not divide the sizes of bottlenecks")
    strides = [2 if keys["downsample_in_first_stage"] else 1, *[2] * (len(sizes) - 1)]
    stages = stages_of(_depths(keys), [size // divisor for size in sizes], strides)
    on_first = not basic and keys["downsample_in_bottleneck"]
    block: Any = "basic" if basic else "bottleneck"
    if keys["hidden_act"] != "relu":
        block = _mixed(basic, on_first)
    elif on_first:
        block = {"kind": "bottleneck", "stride_on": "conv1"}
    shortcut = "avg_projection" if d else "projection"
    if d and basic:
        project_first_block(stages, shortcut)
    stem = deep(embedding) if d else {"kind": "conv7x7", "width": embedding}
    return {"stem": stem, "stages": stages, "block": block, "shortcut": shortcut}


def _mixed(basic: bool, on_first: bool) -> Tree:
    """A block of ReLU within and ``hidden_act`` after the sum, as transformers' ResNet has it."""
    strides = {"stride": "block"}
    convs: list[Tree] = [{"conv": 3} | strides, {"conv": 3}]
    if not basic:
        convs = [{"conv": 1}, {"conv": 3}, {"conv": 1, "width": "x4"}]
        convs[0 if on_first else 1] |= strides
    branch = [step for conv in convs for step in (conv, "norm", {"act": "relu"})]
    return {"branch": branch[:-1], "exit": ["act"]}


def _regnet(keys: Keys) -> Tree:
    sizes = keys["hidden_sizes"]
    strides = [2 if keys["downsample_in_first_stage"] else 1, *[2] * (len(sizes) - 1)]
    block: Tree = {"kind": "x", "group_width": keys["groups_width"]}
    if keys["layer_type"] == "y":
        block |= {"attention": {"se": 4, "of": "input"}, "attention_at": "inner"}
        if any(size % 4 for size in (keys["embedding_size"], *sizes)):
            keys.refuse("hidden_sizes", "squeeze and excitation of sizes that 4 does not divide")
    stem = {"kind": "conv3x3", "width": keys["embedding_size"], "stride": 2}
    return {"stem": stem, "stages": stages_of(_depths(keys), sizes, strides), "block": block}


def _depths(keys: Keys) -> list[int]:
    depths: list[int] = keys["depths"]
    if len(depths) != len(keys["hidden_sizes"]):
        keys.refuse("depths", "depths and hidden_sizes have different lengths")
    return depths


def _classes(keys: Keys) -> int | None:
    """Classes of the head; None for a model without one."""
    names = keys["architectures"]
    if names and not any("ForImageClassification" in name for name in names):
        return None
    labels = keys.given("id2label")
    if isinstance(labels, dict) and labels:
        return len(labels)
    classes: int = keys["num_labels"]
    return classes


def _cut(keys: Keys, tree: Tree) -> None:
    """Leave out the stages after the last map that a backbone gives."""
    names = keys.given("out_features")
    if not names or tree["head"] is not None:
        return
    last = names[-1].removeprefix("stage")
    if last.isdigit() and 0 < int(last) < len(tree["stages"]):
        tree["stages"] = tree["stages"][: int(last)]
    keys.record.note("which maps are given (out_features) is the caller's: rf.FeatureMaps")


def write(spec: ResNetSpec) -> Tree:
    """The settings of the ``ResNet`` or ``RegNet`` that comes nearest to ``spec``."""
    tree = spec.model_dump(mode="json")
    block, stages = tree["block"], tree["stages"]
    regnet, basic = block["kind"] == "x", block["kind"] == "basic"
    times = 1 if regnet or basic else block.get("expansion", 4)
    names = {word: name for name, word in reversed(ACTIVATIONS.items())}
    activation = tree["activation"]
    kind = "RegNet" if regnet else "ResNet"
    found = {
        "architectures": [kind + ("ForImageClassification" if spec.head else "Model")],
        "model_type": kind.lower(),
        "num_channels": spec.in_channels,
        "embedding_size": tree["stem"].get("width", 64),
        "hidden_sizes": [(stage["width"] or 1) * times for stage in stages],
        "depths": [stage["depth"] or len(stage["blocks"]) for stage in stages],
        "hidden_act": names.get(activation if isinstance(activation, str) else "", "relu"),
        "downsample_in_first_stage": stages[0]["stride"] == 2,
    }
    if regnet:
        found["layer_type"] = "y" if block["attention"] else "x"
        found["groups_width"] = block["group_width"]
    else:
        found["layer_type"] = "basic" if basic else "bottleneck"
        found["downsample_in_bottleneck"] = block["stride_on"] == "conv1" and not basic
    if spec.head is not None:
        classes = range(tree["head"].get("num_classes", 1000))
        found["id2label"] = {str(index): f"LABEL_{index}" for index in classes}
        found["label2id"] = {f"LABEL_{index}": index for index in classes}
    return found


FORMAT: Final = Format("huggingface", PROJECT, holds, read, write=write)
