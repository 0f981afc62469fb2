"""timm's names of networks, and the words of its constructors, as a spec."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from ..errors import SpecError
from ..reading.load import load
from ..specs.catalogue import list_specs
from ..specs.network import ResNetSpec
from ..specs.paths import nearest
from .dilating import Changes, dilated, drops
from .keys import ANY, FLAG, NATURAL, NUMBER, TEXT, WHOLE, WHOLES, Key, Keys, one_of, only, optional

#: timm's names that are another project's entries in the catalogue, with the same network.
_SHARED: Final = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *("wide_resnet50_2", "wide_resnet101_2", "seresnet50", "seresnet101", "seresnet152"),
)
#: timm's names that the catalogue has under another one.
_OTHER: Final = {"seresnet18": "seresnet18_timm", "seresnet34": "seresnet34_timm"}
#: Words of timm's constructors, of which a network's name decides the default.
ARGS: Final = {
    "num_classes": Key(NATURAL, 1000),
    "in_chans": Key(WHOLE, 3),
    "output_stride": Key(one_of(8, 16, 32), 32),
    "drop_rate": Key(NUMBER, 0.0),
    "drop_path_rate": Key(NUMBER, 0.0),
    "stem_width": Key(WHOLE, 64),
    "stem_type": Key(one_of("", "deep", "deep_tiered"), ""),
    "avg_down": Key(FLAG, False),
    "cardinality": Key(WHOLE, 1),
    "base_width": Key(WHOLE, 64),
    "layers": Key(WHOLES),
    "channels": Key(WHOLES),
    "block_args": Key(ANY, None),
    "zero_init_last": Key(FLAG, True),
    "features_only": Key(FLAG, False),
    "global_pool": only("avg", why="another pool", kind=TEXT),
    "replace_stem_pool": Key(FLAG, False),
    "aa_layer": only(None, why="anti-aliasing beside the words of a name"),
    "block_reduce_first": only(1, why="another width of the first convolution", kind=WHOLE),
    "down_kernel_size": only(1, why="another window of the shortcut", kind=WHOLE),
    "drop_block_rate": only(0.0, 0, None, why="DropBlock", kind=optional(NUMBER)),
    "block": Key(TEXT, ""),
    "act_layer": Key(optional(TEXT), None),
    "norm_layer": Key(optional(TEXT), None),
}
_ATTENTION: Final[dict[str, Any]] = {
    "se": {"se": 16, "divisor": 8},
    "eca": "eca",
    "gc": {"gc": 8, "fuse": "mul", "eps": 1e-6},
    "gca": {"gc": 8, "fuse": "add", "eps": 1e-6},
    "cbam": {"cbam": 16, "maps": "mean_max", "bias": False},
}
BLOCK_ARGS: Final = {"attn_layer": Key(optional(one_of(*_ATTENTION)), None)}
#: timm's names of activations and norms, which it also takes by their classes' names.
_ACTIVATIONS: Final = {
    "relu": "relu",
    "ReLU": "relu",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "swish": "silu",
    "mish": "mish",
    "hard_swish": "hardswish",
    "hard_sigmoid": "hardsigmoid",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
}
_NORMS: Final = {
    "batchnorm": "batch",
    "batchnorm2d": "batch",
    "BatchNorm2d": "batch",
    "groupnorm": "group",
}
#: Words that only timm's ResNet has.
_RESNET: Final = (
    *("stem_width", "stem_type", "avg_down", "cardinality", "base_width", "layers", "channels"),
    *("block_args", "block", "replace_stem_pool", "block_reduce_first", "down_kernel_size"),
    *("act_layer", "norm_layer"),
)


@cache
def names() -> dict[str, str]:
    """The catalogue's name of each network of timm that it has."""
    own = {name: name for name in (*list_specs(source="timm"), *_SHARED)}
    for name, entry in _OTHER.items():
        own.pop(entry, None)
        own[name] = entry
    return own


def named(keys: Keys, key: str) -> ResNetSpec:
    """The network of an architecture; a tag such as ``.a1_in1k`` says only where weights are."""
    name = keys[key].rpartition("/")[2].partition(".")[0]
    if name in names():
        return load(names()[name])
    close = nearest(name, list(names()))
    keys.refuse(
        key,
        f"no spec is made of timm's {name}",
        f"did you mean {close!r}?" if close else "the networks of docs/published.md are known",
    )
    return load("resnet50")


def changed(keys: Keys, spec: ResNetSpec, classes: int | None = None) -> ResNetSpec:
    """``spec`` with the words of a constructor, and a head of ``classes``."""
    changes = Changes()
    if (channels := keys["in_chans"]) != spec.in_channels:
        changes["in_channels"] = channels
    keys.check("global_pool", "aa_layer", "drop_block_rate")
    if any(word in keys.node.value for word in _RESNET):
        changes |= _of_resnet(keys, spec)
    spec = spec.replace(changes)
    wanted = keys.given("num_classes") if classes is None else classes
    if wanted == 0 or keys["features_only"]:
        spec = spec.replace({"head": None})
    elif wanted is not None and spec.head is not None:
        spec = _with_classes(keys, spec, wanted)
    if keys["zero_init_last"]:
        spec = _zeroed(keys, spec)
    if rate := keys["drop_path_rate"]:
        spec = spec.replace({"stochastic_depth": drops(rate)})
    if (stride := keys["output_stride"]) != 32:
        try:
            spec = spec.replace(dilated(spec, stride))
        except ValueError as error:
            keys.refuse("output_stride", str(error))
    return spec


def _with_classes(keys: Keys, spec: ResNetSpec, classes: int) -> ResNetSpec:
    head = spec.head
    assert head is not None
    if head.kind == "classifier":
        dropout = {"head.dropout": keys["drop_rate"]} if keys["drop_rate"] else {}
        return spec.replace({"head.num_classes": classes, **dropout})
    layers = spec.model_dump(mode="json")["head"]["layers"]
    last = max(index for index, layer in enumerate(layers) if layer["kind"] == "linear")
    return spec.replace({f"head.layers[{last}].out_features": classes})


def _zeroed(keys: Keys, spec: ResNetSpec) -> ResNetSpec:
    """``spec`` whose residual branches start at 0, where they can."""
    try:
        return spec.replace({"init.zero_residual": True})
    except SpecError:
        keys.record.note("zero_init_last has no effect on these blocks")
        return spec


def _of_resnet(keys: Keys, spec: ResNetSpec) -> Changes:
    """The words of timm's class ResNet, as changes."""
    if spec.block.kind not in ("basic", "bottleneck") or spec.stem.kind == "chain":
        word = next(word for word in _RESNET if word in keys.node.value)
        keys.refuse(word, "this word is read for networks of timm's class ResNet alone")
        return {}
    keys.check("block_reduce_first", "down_kernel_size")
    changes = _functions(keys)
    if not {"stem_width", "stem_type", "replace_stem_pool"}.isdisjoint(keys.node.value):
        changes["stem"] = _stem(keys, spec)
    if (average := keys.given("avg_down")) is not None:
        changes["shortcut"] = "avg_projection" if average else "projection"
    if spec.block.kind == "bottleneck":
        words = {"cardinality": "groups", "base_width": "width_per_group"}
        changes |= {f"block.{ours}": keys[w] for w, ours in words.items() if w in keys.node.value}
    for word, ours in (("layers", "depth"), ("channels", "width")):
        row = keys.given(word)
        if row is not None and len(row) != len(spec.stages):
            keys.refuse(word, f"{len(row)} numbers for {len(spec.stages)} stages")
        for index, value in enumerate(row or ()):
            changes[f"stages[{index}].{ours}"] = value
    if keys.given("block_args") is not None:
        attention = keys.sub("block_args", BLOCK_ARGS)["attn_layer"]
        changes["block.attention"] = _ATTENTION.get(attention)
    return changes


def _functions(keys: Keys) -> Changes:
    """The activation and the norm of all layers."""
    words = {"act_layer": ("activation", _ACTIVATIONS), "norm_layer": ("norm", _NORMS)}
    given = {word: row for word, row in words.items() if keys.given(word) is not None}
    return {ours: keys.known(word, known) for word, (ours, known) in given.items()}


def _stem(keys: Keys, spec: ResNetSpec) -> Changes:
    """The stem of a type and a width; what is left out is as the network's name has it."""
    tree = spec.stem.model_dump(mode="json")
    widths = tree.get("widths")
    kind = ("deep" if widths[0] == widths[1] else "deep_tiered") if widths else ""
    width = widths[-1] // 2 if widths else 64
    kind = keys["stem_type"] if "stem_type" in keys.node.value else kind
    width = keys["stem_width"] if "stem_width" in keys.node.value else width
    pool = tree["pool"]
    if "replace_stem_pool" in keys.node.value:
        pool = [{"conv": 3, "stride": 2}, "norm", "act"] if keys["replace_stem_pool"] else "max"
    if not kind:
        return {"kind": "conv7x7", "pool": pool}
    first = 3 * (width // 4) if kind == "deep_tiered" else width
    return {"kind": "deep_base", "widths": [first, width, 2 * width], "pool": pool}
