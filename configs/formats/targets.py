"""Settings that name a function to call: ``_target_`` of Hydra, ``init_args`` of Lightning."""

from __future__ import annotations

from typing import Final

from ...reading.load import load
from ...specs.catalogue import list_specs
from ..format import Format, Tree
from ..keys import ANY, FLAG, NATURAL, TEXT, WHOLE, Key, Keys, Record, only
from ..node import Node
from ..timm_names import ARGS, changed, named

_CREATE: Final = ("timm.create_model", "timm.models.create_model")
_TORCHVISION: Final = "torchvision.models."
_SMP: Final = "segmentation_models_pytorch."
#: What torchvision's constructors take beside the number of classes.
TORCHVISION: Final = {
    "num_classes": Key(WHOLE, 1000),
    "zero_init_residual": Key(FLAG, False),
    "replace_stride_with_dilation": only(None, why="write it in the spec"),
    "norm_layer": only(None, why="another norm"),
    "groups": only(None, why="write it in the spec"),
    "width_per_group": only(None, why="write it in the spec"),
}
SMP: Final = {
    "encoder_name": Key(TEXT, "resnet34"),
    "encoder_depth": Key(WHOLE, 5),
    "in_channels": Key(WHOLE, 3),
}
TIMM: Final = ARGS | {"model_name": Key(TEXT)}
GEO: Final = {"model": Key(TEXT), "in_channels": Key(WHOLE, 3), "num_classes": Key(NATURAL, 1000)}
#: Where Hydra's and Lightning's files have their model, from the top.
_PLACES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("model",),
    ("net",),
    ("model", "net"),
    ("model", "model"),
    ("model", "backbone"),
    ("model", "encoder"),
    ("model", "init_args"),
    ("network",),
    ("backbone",),
    ("encoder",),
)


def holds(root: Node) -> bool:
    """Whether a file names a function of timm, torchvision or a library on them."""
    return _place(root) is not None


def _place(root: Node) -> tuple[str, ...] | None:
    for names in _PLACES:
        node = root.at(*names)
        if node is None:
            continue
        target = node.text("_target_")
        if target in _CREATE or target.startswith((_TORCHVISION, _SMP)):
            return names
        if names[-1:] == ("init_args",) and node.text("model") and "torchgeo" in _class(root):
            return names
    return None


def _class(root: Node) -> str:
    return root.text("model", "class_path")


def read(record: Record) -> Tree:
    """The spec of what the function makes."""
    keys = Keys(record, {}, record.root)
    for name in _place(record.root) or ():
        keys = keys.sub(name, {name: Key(ANY)})
    target = keys.node.text("_target_")
    if target:
        record.read.add((*keys.path, "_target_"))
    if target.startswith(_TORCHVISION):
        keys.table = TORCHVISION
        return _torchvision(keys, target.rpartition(".")[2])
    if target.startswith(_SMP):
        keys.table = SMP
        return _encoder(keys)
    if target:
        keys.table = TIMM
        return changed(keys, named(keys, "model_name")).to_tree()
    keys.table = GEO
    spec = named(keys, "model")
    changes: Tree = {"in_channels": keys["in_channels"]}
    classes = keys["num_classes"]
    return spec.replace(changes | {"head": {"num_classes": classes} if classes else None}).to_tree()


def _torchvision(keys: Keys, name: str) -> Tree:
    known = list_specs(source="torchvision")
    if name not in known:
        keys.refuse("_target_", f"no spec is made of torchvision's {name}")
        return {}
    keys.check()
    changes: Tree = {"head.num_classes": keys["num_classes"]}
    if keys.given("zero_init_residual"):
        changes["init.zero_residual"] = True
    return load(name).replace(changes).to_tree()


def _encoder(keys: Keys) -> Tree:
    """The encoder of segmentation_models_pytorch: one stage less than its depth."""
    name = keys["encoder_name"]
    keys.record.note("the decoder is not part of the spec")
    if name in list_specs(source="torchvision") and name.startswith("resn"):
        spec = load(name)
    elif name.startswith(("tu-", "timm-")):
        keys.refuse("encoder_name", f"{name} is timm's through a wrapper", "import timm's own name")
        return {}
    else:
        keys.refuse("encoder_name", f"no spec is made of the encoder {name}")
        return {}
    tree = spec.to_tree()
    stages = keys["encoder_depth"] - 1
    if not 1 <= stages <= 4:
        keys.refuse("encoder_depth", "an encoder has a depth of 2 to 5 here")
    return tree | {
        "stages": tree["stages"][:stages] or tree["stages"],
        "in_channels": keys["in_channels"],
        "head": None,
    }


FORMAT: Final = Format("targets", "Hydra and Lightning", holds, read)
