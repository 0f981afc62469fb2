"""``config.json`` of keras-hub: the settings of ``ResNetBackbone``."""

from __future__ import annotations

from typing import Any, Final

from ..format import Format, Tree
from ..keys import ANY, FLAG, WHOLE, WHOLES, Key, Keys, Record, one_of
from ..node import Node
from ..words import batch_norm, project_first_block, stages_of

_BLOCKS: Final = ("basic_block", "bottleneck_block", "basic_block_vd", "bottleneck_block_vd")
OUTER: Final = {"config": Key(ANY), "class_name": Key(ANY, "ResNetBackbone")}
BACKBONE: Final = {
    "input_conv_filters": Key(WHOLES),
    "input_conv_kernel_sizes": Key(WHOLES),
    "stackwise_num_filters": Key(WHOLES),
    "stackwise_num_blocks": Key(WHOLES),
    "stackwise_num_strides": Key(WHOLES),
    "block_type": Key(one_of(*_BLOCKS)),
    "use_pre_activation": Key(FLAG, False),
    "image_shape": Key(ANY, [None, None, 3]),
    "num_classes": Key(WHOLE, 1000),
}


def holds(root: Node) -> bool:
    """Whether a file has the rows of a ResNetBackbone."""
    inner = root.child("config") or root
    return inner.child("stackwise_num_filters") is not None


def read(record: Record) -> Tree:
    """The spec of the backbone."""
    keys = Keys(record, BACKBONE, record.root)
    if record.root.child("config") is not None:
        keys = Keys(record, OUTER, record.root).sub("config", BACKBONE)
    depths, widths = keys["stackwise_num_blocks"], keys["stackwise_num_filters"]
    strides, block = keys["stackwise_num_strides"], keys["block_type"]
    for name, row in (("stackwise_num_filters", widths), ("stackwise_num_strides", strides)):
        if len(row) != len(depths):
            keys.refuse(name, f"{len(row)} numbers for {len(depths)} stages")
    first = keys["use_pre_activation"]
    d = block.endswith("_vd")
    if d and first:
        keys.refuse("use_pre_activation", f"keras-hub itself fails for {block} with it")
    shortcut = "avg_projection" if d else "projection"
    stages = stages_of(depths, widths, strides)
    if block == "basic_block_vd":
        project_first_block(stages, shortcut)
    shape = keys["image_shape"]
    last = shape[-1] if isinstance(shape, list) and shape else 3
    return {
        "in_channels": last if isinstance(last, int) else 3,
        "stem": _bare_stem(keys) if first else _stem(keys),
        "stages": stages,
        "block": {"kind": block.partition("_")[0]} | ({"order": "full_pre"} if first else {}),
        "shortcut": shortcut,
        "norm": batch_norm(1e-5, 0.1),
        "head": None,
    }


def _stem(keys: Keys) -> Tree:
    filters, kernels = keys["input_conv_filters"], keys["input_conv_kernel_sizes"]
    stem: Any = {"kind": "conv7x7", "width": filters[0]}
    if kernels == [3] * len(filters) and len(filters) > 1:
        return {"kind": "deep_base", "widths": filters}
    if kernels != [7] or len(filters) != 1:
        keys.refuse("input_conv_kernel_sizes", "a stem of one 7x7, or of several 3x3")
    return dict(stem)


def _bare_stem(keys: Keys) -> list[Tree | str]:
    """The stem of pre-activated blocks, whose last convolution has neither norm nor activation."""
    filters, kernels = keys["input_conv_filters"], keys["input_conv_kernel_sizes"]
    if len(filters) != len(kernels):
        keys.refuse("input_conv_kernel_sizes", f"{len(kernels)} numbers for {len(filters)}")
    steps: list[Tree | str] = []
    for index, (width, kernel) in enumerate(zip(filters, kernels, strict=False)):
        steps += ["norm", "act"] if index else []
        steps.append({"conv": kernel, "width": width, "stride": 1 if index else 2})
    return [*steps, {"pool": "max"}]


FORMAT: Final = Format("keras_hub", "keras-hub", holds, read)
