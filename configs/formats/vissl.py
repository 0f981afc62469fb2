"""YAML of vissl: ``config.MODEL.TRUNK.RESNETS``."""

from __future__ import annotations

from typing import Any, Final

from ..format import Format, Tree
from ..keys import ANY, FLAG, TEXT, WHOLE, Key, Keys, Record, one_of
from ..node import Node
from ..words import DEPTHS, block_of, grouped, stages_of

#: vissl's own depth beside the usual ones (torchvision has none of that).
_DEPTHS: Final = DEPTHS | {200: (3, 24, 36, 3)}
MODEL: Final = {"INPUT_TYPE": Key(TEXT, "rgb"), "TRUNK": Key(ANY)}
TRUNK: Final = {"NAME": Key(TEXT, "resnet"), "RESNETS": Key(ANY), "TRUNK_PARAMS": Key(ANY)}
RESNETS: Final = {
    "DEPTH": Key(one_of(*_DEPTHS), 50),
    "WIDTH_MULTIPLIER": Key(WHOLE, 1),
    "GROUPS": Key(WHOLE, 1),
    "WIDTH_PER_GROUP": Key(WHOLE, 64),
    "LAYER4_STRIDE": Key(one_of(1, 2), 2),
    "ZERO_INIT_RESIDUAL": Key(FLAG, False),
    "NORM": Key(one_of("BatchNorm", "GroupNorm"), "BatchNorm"),
    "GROUPNORM_GROUPS": Key(WHOLE, 32),
}
_CHANNELS: Final = {"rgb": 3, "bgr": 3, "lab": 1}


def _model(root: Node) -> tuple[str, ...]:
    return ("config", "MODEL") if root.child("config") is not None else ("MODEL",)


def holds(root: Node) -> bool:
    """Whether a file has a trunk."""
    return root.at(*_model(root), "TRUNK") is not None


def read(record: Record) -> Tree:
    """The spec of the trunk."""
    keys = Keys(record, {}, record.root)
    for name in _model(record.root):
        keys = keys.sub(name, MODEL)
    channels = keys.known("INPUT_TYPE", _CHANNELS)
    trunk = keys.sub("TRUNK", TRUNK)
    if trunk.node.child("TRUNK_PARAMS") is not None:
        trunk = trunk.sub("TRUNK_PARAMS", TRUNK)
    trunk.known("NAME", {"resnet": "resnet", "resnext": "resnext"}, "no spec is made of it")
    rest = trunk.sub("RESNETS", RESNETS)
    record.note("the head of the pretext task is not part of the spec")
    depth, width = rest["DEPTH"], 64 * rest["WIDTH_MULTIPLIER"]
    block: Any = {"kind": block_of(depth)}
    if block["kind"] == "bottleneck":
        block |= grouped(rest["GROUPS"], rest["WIDTH_PER_GROUP"])
    elif (rest["GROUPS"], rest["WIDTH_PER_GROUP"]) != (1, 64):
        rest.refuse("GROUPS", "basic blocks have no groups")
    widths = [width * 2**stage for stage in range(4)]
    strides = (1, 2, 2, rest["LAYER4_STRIDE"])
    return {
        "in_channels": channels,
        "stem": {"kind": "conv7x7", "width": width},
        "stages": stages_of(_DEPTHS.get(depth, DEPTHS[50]), widths, strides),
        "block": block,
        "norm": _norm(rest),
        "init": {"zero_residual": rest["ZERO_INIT_RESIDUAL"]},
        "head": None,
    }


def _norm(keys: Keys) -> Tree:
    if keys["NORM"] == "GroupNorm":
        return {"kind": "group", "groups": keys["GROUPNORM_GROUPS"]}
    return {"kind": "batch"}


FORMAT: Final = Format("vissl", "vissl", holds, read)
