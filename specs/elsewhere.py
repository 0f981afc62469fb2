"""What other libraries call a thing, and what it is called here: for the help of errors.

Names are those of torchvision, timm, Keras, mmsegmentation, detectron2, Lightning and d2l.ai, and
of what people write by guess. Hints go by meaning first, from the tables of this file, and then by
spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

KEYS: dict[str, tuple[str, ...]] = {
    "stages": ("num_blocks", "layers", "depths", "num_layers", "stage_blocks", "blocks", "units"),
    "depth": ("blocks", "num_blocks", "layers", "repeats", "repeat", "n", "num_layers", "count"),
    "width": (
        *("channels", "out_channels", "planes", "filters", "features", "dim", "hidden_size"),
        *("num_filters", "num_channels", "out_chs", "hidden_dim", "widths"),
    ),
    "widths": ("channels", "out_channels", "planes", "filters", "width"),
    "kind": ("type", "name", "class", "variant", "layer", "op", "block_type"),
    "kernel": ("kernel_size", "ks", "k", "size", "filter_size"),
    "stride": ("strides", "step", "downsample", "subsample"),
    "strides": ("stride",),
    "dilation": ("dilation_rate", "rate", "dilations", "replace_stride_with_dilation"),
    "groups": ("num_groups", "cardinality", "group"),
    "width_per_group": ("base_width", "bottleneck_width"),
    "reduction": ("reduction_ratio", "rd_ratio", "squeeze_ratio", "r", "ratio", "se_ratio"),
    "expansion": ("expand", "expand_ratio", "multiplier", "mult"),
    "attention": ("attn", "attn_layer", "se", "plugins"),
    "bias": ("use_bias",),
    "base": ("model", "arch", "architecture", "backbone", "network", "extends", "inherit", "from"),
    "in_channels": ("in_chans", "input_channels", "channels", "in_planes", "num_channels"),
    "activation": ("act", "act_layer", "nonlinearity", "relu", "activation_fn", "hidden_act"),
    "norm": ("norm_layer", "normalization", "normalisation", "bn", "batch_norm", "norm_cfg"),
    "shortcut": ("skip", "residual", "downsample", "skip_connection", "shortcut_type"),
    "stochastic_depth": ("drop_path", "drop_path_rate", "drop_connect", "drop_connect_rate"),
    "head": ("classifier", "fc", "top", "output", "include_top", "head_type"),
    "dims": ("ndim", "spatial_dims", "dimensions"),
    "block": ("block_type", "blocks_type", "unit", "layer_type", "residual_block"),
    "stem": ("stem_type", "input_stem", "conv1", "entry"),
    "num_classes": ("classes", "n_classes", "num_labels", "out_features", "nb_classes", "outputs"),
    "dropout": ("drop_rate", "drop", "dropout_rate", "p"),
    "zero_residual": (
        *("zero_init_residual", "zero_init_last", "zero_init_last_gamma", "zero_gamma"),
        *("zero_init_last_bn",),
    ),
    "resforge": ("version", "schema_version"),
    "name": ("title", "id"),
}
"""Keys of ours, and what each is called elsewhere."""

_NONE = "write head: null for a network without a classifier"
_SYNCHRONISED = "write batch; torch.nn.SyncBatchNorm converts the built network"
_FROZEN = "write batch; a norm is frozen in training, not in a spec"
_LAYER = "write {kind: group, groups: 1}, over all channels and positions"
_C = "write {match: projection, change: projection}, option C"
_D = "write avg_projection, option D"
_INSTANCE = "write {kind: group, size: 1}, over the positions of each channel"


def _with(key: str, *values: str) -> list[tuple[str, str]]:
    """``key`` with each of ``values``."""
    return [(key, value) for value in values]


VALUES: dict[tuple[str, str], str] = {
    **dict.fromkeys(_with("head", "none", "false", "no", "off"), _NONE),
    ("block", "xblock"): "write x",
    ("block", "residual"): "write d2l for d2l.ai's Residual, or basic for that of ResNet-18",
    ("block", "residualblock"): "write basic for that of ResNet-18, or d2l for d2l.ai's Residual",
    ("block", "resnext"): "write {kind: bottleneck, groups: 32, width_per_group: 4}",
    ("block", "resnet"): "write basic (ResNet-18, 34) or bottleneck (ResNet-50 and deeper)",
    ("block", "seresnet"): "write {kind: basic, attention: se}",
    ("block", "se"): "write {kind: basic, attention: se}",
    ("block", "preact"): "write {kind: basic, order: full_pre}",
    ("block", "preactblock"): "write {kind: basic, order: full_pre}",
    ("block", "regnet"): "write x",
    ("stem", "imagenet"): "write conv7x7",
    ("stem", "cifar"): "write conv3x3",
    ("stem", "deep"): "write deep_base",
    ("stem", "resnetd"): "write deep_base",
    ("stem", "stemd"): "write deep_base",
    ("activation", "swish"): "write silu",
    ("activation", "lrelu"): "write leaky_relu",
    ("activation", "parametricrelu"): "write prelu",
    ("activation", "hswish"): "write hardswish",
    ("activation", "hsigmoid"): "write hardsigmoid",
    ("gate", "hsigmoid"): "write hardsigmoid",
    ("activation", "htanh"): "write hardtanh",
    ("activation", "logistic"): "write sigmoid",
    **dict.fromkeys(_with("activation", "linear", "identity", "false"), "write none"),
    ("norm", "bn"): "write batch",
    ("norm", "gn"): "write group",
    ("norm", "frn"): "write filter_response",
    **dict.fromkeys(_with("norm", "identity", "false"), "write none"),
    **dict.fromkeys(_with("norm", "syncbn", "syncbatchnorm"), _SYNCHRONISED),
    **dict.fromkeys(_with("norm", "frozenbn", "frozenbatchnorm2d"), _FROZEN),
    **dict.fromkeys(_with("norm", "ln", "layer", "layernorm"), _LAYER),
    **dict.fromkeys(_with("norm", "in", "instance", "instancenorm", "instancenorm2d"), _INSTANCE),
    **dict.fromkeys(_with("shortcut", "a", "optiona", "typea"), "write zero_pad, option A"),
    **dict.fromkeys(_with("shortcut", "b", "optionb", "typeb"), "write projection, option B"),
    **dict.fromkeys(_with("shortcut", "c", "optionc", "typec"), _C),
    **dict.fromkeys(_with("shortcut", "d", "optiond", "typed"), _D),
    ("shortcut", "resnetd"): _D,
    ("shortcut", "proj"): "write projection",
    ("shortcut", "conv"): "write projection, or conv1x1 without a norm",
    **dict.fromkeys(_with("shortcut", "pad", "padding"), "write zero_pad"),
    **dict.fromkeys(_with("shortcut", "plain", "false", "no", "off"), "write none"),
    **dict.fromkeys(_with("attention", "none", "false", "no", "off"), "leave attention out"),
    ("attention", "senet"): "write se",
}
"""A key and a value that it cannot have, folded, and what to write."""


def _widths(given: object) -> str | None:
    if not isinstance(given, list | tuple):
        return None
    return "each stage has its width: write stages: [{depth: 2, width: 64}, ...]"


WHOLE: dict[str, Callable[[object], str | None]] = {
    "widths": _widths,
    "channels": _widths,
    "planes": _widths,
    "strides": lambda given: "each stage has its stride: write it beside its depth and width",
    "include_top": lambda given: "write head: classifier" if given is True else _NONE,
    "pretrained": lambda given: (
        "a spec holds no weights: `resforge weights load NET FILE`, or --weights of train"
    ),
    "input_size": lambda given: "a network takes every size: --input of `resforge show`",
    "image_size": lambda given: "a network takes every size: --input of `resforge show`",
    "img_size": lambda given: "a network takes every size: --input of `resforge show`",
    "optimizer": lambda given: "that belongs to a recipe: `recipe:` of a sweep, --recipe of train",
    "epochs": lambda given: "that belongs to a recipe: `recipe:` of a sweep, --epochs of train",
    "lr": lambda given: "that belongs to a recipe: `recipe:` of a sweep, --lr of train",
    "batch_size": lambda given: "that belongs to a recipe: `recipe:` of a sweep, or to train",
    "replace_stride_with_dilation": lambda given: "write stride: 1 and dilation: 2 in that stage",
}
"""Keys of a network that mean something else than one key of ours; None for one that does not."""

_OF_TRAIN: dict[str, str] = {
    "pretrained": "--weights FILE --head fresh starts from published weights",
    "finetune": "--weights FILE --head fresh starts from published weights",
    "checkpoint": "--weights FILE starts from weights; --resume continues a run",
    "num-classes": "leave it out, the classes are the folders of DATA",
    "classes": "leave it out, the classes are the folders of DATA",
    "early-stopping": "--patience 5 ends the run after 5 epochs without a better one",
    "opt": "--optimizer",
    "momentum": "a recipe says it: --recipe FILE with `optimizer: {kind: sgd, momentum: 0.9}`",
    "wd": "--weight-decay",
    "scheduler": "--schedule",
    "sched": "--schedule",
    "warmup-epochs": "--warmup STEPS",
    "image-size": "--size",
    "img-size": "--size",
    "input-size": "--size",
    "imgsz": "--size",
    "crop-mode": "--resize",
    "mean": "--normalize MEAN/STD, such as 0.5/0.5",
    "std": "--normalize MEAN/STD, such as 0.5/0.5",
    "input": "--size",
    "learning-rate": "--lr",
    "batch": "--batch-size",
    "num-epochs": "--epochs",
    "num-workers": "--workers",
    "output": "--out",
    "output-dir": "--out",
    "save-dir": "--out",
    "project": "--out",
    "data-dir": "--data",
    "dataset": "--data",
    "train-dir": "--data",
    "val-split": "--val-share",
    "validation-split": "--val-share",
    "freeze-backbone": "--freeze backbone",
    "gpus": "torchrun --nproc-per-node 2 -m resforge train ... divides each batch",
    "gpu": "--device cuda:0",
    "model": "the network stands before the options: resforge train resnet18 --data DATA ...",
    "arch": "the network stands before the options: resforge train resnet18 --data DATA ...",
    "amp": "--precision bfloat16, the default on CUDA",
    "log-dir": "--tensorboard writes RUN/tensorboard",
    "random-seed": "--seed",
}
"""Options of `resforge train` under other names, and ours."""

_PRINTED = dict.fromkeys(
    ("o", "out", "output", "file"), "it is printed: write > FILE after the command"
)
_PICTURES = "pictures stand after the run: resforge predict RUN PICTURE ..."
_RUN = ("run", "model", "weights", "checkpoint")

OPTIONS: dict[str, dict[str, str]] = {
    "train": _OF_TRAIN,
    **dict.fromkeys(("new", "fit", "schema", "completion", "sweep export"), _PRINTED),
    "export": {**_PRINTED, "format": "--code, --config, --onnx or --torch-export"},
    "predict": {
        **dict.fromkeys(_RUN, "the run stands first: resforge predict RUN PICTURE ..."),
        **dict.fromkeys(("image", "images", "data", "source"), _PICTURES),
    },
    "evaluate": dict.fromkeys(_RUN, "the run stands first: resforge evaluate RUN --data DATA"),
    "generate": dict.fromkeys(("num", "number", "samples", "num-samples"), "-n (or --count)"),
    "weights convert": dict.fromkeys(
        ("o", "out", "output"), "the new file stands second: resforge weights convert FILE OUT"
    ),
}
"""Options of each command under other names, and what they are called here."""


def folded(name: object) -> str:
    """A name without case, spaces and signs.

    >>> folded("Num_Blocks"), folded(False)
    ('numblocks', 'false')
    """
    return re.sub(r"[^a-z0-9]", "", str(name).casefold())


_OURS: dict[str, list[str]] = {}
for _key, _names in KEYS.items():
    for _name in _names:
        _OURS.setdefault(folded(_name), []).append(_key)


def ours(key: str) -> list[str]:
    """The keys that ``key`` may mean, likeliest first.

    >>> ours("num_blocks"), ours("inChans"), ours("wdith")
    (['stages', 'depth'], ['in_channels'], [])
    """
    return _OURS.get(folded(key), [])


def ours_in(key: str, known: Collection[str]) -> str | None:
    """The key that ``key`` means among those ``known`` in its place; None for none.

    >>> ours_in("channels", ["depth", "width"]), ours_in("channels", ["kind", "widths"])
    ('width', 'widths')
    """
    return next((name for name in ours(key) if name in known), None)
