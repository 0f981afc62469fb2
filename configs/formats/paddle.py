"""YAML of PaddleClas: ``Arch.name``."""

from __future__ import annotations

import re
from typing import Any, Final

from ...specs.catalogue import list_specs
from ..format import Format, Tree
from ..keys import ANY, FLAG, TEXT, WHOLE, Key, Keys, Record
from ..node import Node
from ..words import (
    DEPTHS,
    STRIDES,
    WIDTHS,
    block_of,
    classifier,
    deep,
    project_first_block,
    stages_of,
)

#: PaddleClas has another ResNet-200 than timm, TensorFlow and vissl.
_DEPTHS: Final = DEPTHS | {200: (3, 12, 48, 3)}
_NAME: Final = re.compile(
    r"(?P<se>SE_)?(?P<kind>ResNet|ResNeXt)(?P<depth>\d+)(?:_(?P<vd>vd|vc))?"
    r"(?:_(?P<groups>\d+)x(?P<width>\d+)d)?(?:_(?P<wsl>wsl))?(?P<last>_last_stage_stride1)?"
)
_REGNET: Final = re.compile(r"RegNetX_(\d+)([MG])F")
OUTER: Final = {"Arch": Key(ANY)}
ARCH: Final = {
    "name": Key(TEXT),
    "class_num": Key(WHOLE, 1000),
    "Backbone": Key(ANY, None),
    "use_first_short_conv": Key(FLAG, True),
    "input_image_channel": Key(WHOLE, 3),
}
_DISTILLED: Final = ("DistillationModel", "AttentionModel")


def holds(root: Node) -> bool:
    """Whether a file has an architecture with a name."""
    return bool(root.text("Arch", "name"))


def read(record: Record) -> Tree:
    """The spec of an architecture, or of the backbone of a model for recognition."""
    arch = Keys(record, OUTER, record.root).sub("Arch", ARCH)
    inside = arch["name"] == "RecModel"
    if inside:
        arch = arch.sub("Backbone", ARCH)
        record.note("neck and head of the model are not part of the spec")
    name = arch["name"]
    tree = _named(arch, name)
    if (channels := arch["input_image_channel"]) != 3:
        tree["in_channels"] = channels
    tree["head"] = None if inside else classifier(arch["class_num"])
    return tree


def _named(keys: Keys, name: str) -> Tree:
    if match := _REGNET.fullmatch(name):
        amount = f"{match[1]}mf" if match[2] == "M" else f"{match[1]}gf"
        for known in (f"regnetx_{amount}", f"regnetx_{match[1]}_0gf"):
            if known in list_specs("regnetx_*"):
                return {"base": known}
    match = _NAME.fullmatch(name)
    depth = int(match["depth"]) if match else 0
    if match is None or depth not in _DEPTHS:
        help_ = "known: ResNet50, ResNet50_vd, ResNeXt50_32x4d, SE_ResNet18_vd, RegNetX_4GF, ..."
        keys.refuse("name", f"no spec is made of PaddleClas's {name}", help_)
        return {"base": "resnet50"}
    d = match["vd"] == "vd"
    last = bool(match["last"])
    if d and last:
        keys.refuse("name", "the average of a shortcut without a stride, padding left out")
    if match["se"] and match["kind"] == "ResNet" and not d:
        keys.refuse("name", f"no spec is made of PaddleClas's {name}")
    block: Any = {"kind": block_of(depth)}
    if match["groups"]:
        block |= {"groups": int(match["groups"]), "width_per_group": int(match["width"])}
    if match["se"]:
        block["attention"] = {"se": 16}
    stages = stages_of(_DEPTHS[depth], WIDTHS, (*STRIDES[:3], 1) if last else STRIDES)
    shortcut = "avg_projection" if d else "projection"
    if block["kind"] == "basic" and keys["use_first_short_conv"]:
        project_first_block(stages, shortcut)
    stem = deep(64) if match["vd"] else "conv7x7"
    return {"stem": stem, "stages": stages, "block": block, "shortcut": shortcut}


FORMAT: Final = Format("paddleclas", "PaddleClas", holds, read)
