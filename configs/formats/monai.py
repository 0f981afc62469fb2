"""JSON and YAML of MONAI bundles: ``network_def`` with ``_target_`` ResNet or SEResNet50."""

from __future__ import annotations

from typing import Any, Final

from ...reading.load import load
from ..format import Format, Tree
from ..keys import ANY, FLAG, NUMBER, WHOLE, WHOLES, Key, Keys, Record, one_of
from ..node import Node
from ..words import classifier, stages_of

RESNET: Final = {
    "block": Key(one_of("basic", "bottleneck")),
    "layers": Key(WHOLES),
    "block_inplanes": Key(WHOLES),
    "spatial_dims": Key(one_of(1, 2, 3), 3),
    "n_input_channels": Key(WHOLE, 3),
    "conv1_t_size": Key(ANY, 7),
    "conv1_t_stride": Key(ANY, 1),
    "no_max_pool": Key(FLAG, False),
    "shortcut_type": Key(one_of("A", "B"), "B"),
    "widen_factor": Key(NUMBER, 1.0),
    "num_classes": Key(WHOLE, 400),
    "feed_forward": Key(FLAG, True),
    "bias_downsample": Key(FLAG, True),
}
SENET: Final = {
    "spatial_dims": Key(one_of(1, 2, 3)),
    "in_channels": Key(WHOLE),
    "num_classes": Key(WHOLE, 1000),
}
_PLACES: Final = ("network_def", "network", "net")
_SENETS: Final = (
    *("SENet154", "SEResNet50", "SEResNet101", "SEResNet152"),
    *("SEResNext50", "SEResNext101"),
)


def holds(root: Node) -> bool:
    """Whether a file names a class of MONAI's networks."""
    return any(_of_monai(root.text(name, "_target_")) for name in _PLACES)


def _of_monai(target: str) -> bool:
    return bool(target) and ("." not in target or target.startswith("monai.networks"))


def read(record: Record) -> Tree:
    """The spec of the network of a bundle."""
    record.references = "@$"
    targets = {name: record.root.text(name, "_target_") for name in _PLACES}
    place = next((name for name, target in targets.items() if _of_monai(target)), _PLACES[0])
    keys = Keys(record, {}, record.root).sub(place, RESNET)
    name = keys.node.text("_target_").rpartition(".")[2]
    record.read.add((*keys.path, "_target_"))
    if name == "ResNet":
        return _resnet(keys)
    keys.table = SENET
    if name not in _SENETS:
        help_ = f"known: ResNet, {', '.join(_SENETS)}"
        message = f"no spec is made of MONAI's {name}" if name else "no class of MONAI is named"
        keys.refuse("_target_", message, help_)
        return {}
    changes: Tree = {"in_channels": keys["in_channels"], "head.num_classes": keys["num_classes"]}
    dims = keys["spatial_dims"]
    if dims == 1:
        keys.refuse("spatial_dims", "networks for signals are not read")
    entry = name if dims == 3 else f"{name}_2d"
    return load(entry).replace(changes).to_tree()


def _resnet(keys: Keys) -> Tree:
    depths, planes = keys["layers"], keys["block_inplanes"]
    if len(depths) != 4 or len(planes) != 4:
        keys.refuse("layers", "MONAI's ResNet has four stages")
        return {}
    dims, times = keys["spatial_dims"], keys["widen_factor"]
    widths = [max(1, int(width * times)) for width in planes]
    change: Tree = {"kind": "projection"}
    if keys["shortcut_type"] == "A":
        change = {"kind": "zero_pad"}
        keys.record.note("MONAI cuts the gradient of the shortcuts of type A")
    elif keys["bias_downsample"]:
        change["bias"] = True
    size, stride = keys["conv1_t_size"], keys["conv1_t_stride"]
    pool = "none" if keys["no_max_pool"] else "max"
    stem: Any = {"kind": "conv7x7", "width": widths[0], "stride": _axes(stride), "pool": pool}
    if size != 7 and set(size if isinstance(size, list) else [size]) != {7}:
        first = {"conv": _axes(size), "width": widths[0], "stride": _axes(stride)}
        pools = [] if keys["no_max_pool"] else [{"pool": "max"}]
        stem = [first, "norm", "act", *pools]
    return {
        "dims": dims,
        "in_channels": keys["n_input_channels"],
        "stem": stem,
        "stages": stages_of(depths, widths),
        "block": keys["block"],
        "shortcut": change,
        "head": classifier(keys["num_classes"]) if keys["feed_forward"] else None,
    }


def _axes(value: Any) -> Any:
    """A number for all axes, where each has the same."""
    return value[0] if isinstance(value, list) and len({*map(str, value)}) == 1 else value


FORMAT: Final = Format("monai", "MONAI", holds, read)
