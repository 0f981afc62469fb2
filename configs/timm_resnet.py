"""The words of the constructor of timm's class ResNet, as changes of a spec."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ..planner.plan import lay_out
from ..specs.blocks import BottleneckSpec
from ..specs.blocks.narrowed import times
from ..specs.catalogue.families import entries
from ..specs.network import ResNetSpec
from .dilating import Changes
from .keys import ANY, FLAG, TEXT, WHOLE, WHOLES, Key, Keys, one_of, only, optional

#: A network's name decides the defaults.
ARGS: Final = {
    "stem_width": Key(WHOLE, 64),
    "stem_type": Key(one_of("", "deep", "deep_tiered"), ""),
    "replace_stem_pool": Key(FLAG, False),
    "avg_down": Key(FLAG, False),
    "down_kernel_size": Key(WHOLE, 1),
    "cardinality": Key(WHOLE, 1),
    "base_width": Key(WHOLE, 64),
    "block_reduce_first": Key(WHOLE, 1),
    "layers": Key(WHOLES),
    "channels": Key(WHOLES),
    "block": only("", why="a class, which no file holds", kind=TEXT),
    "block_args": Key(ANY, None),
    "act_layer": Key(optional(TEXT), None),
    "norm_layer": Key(optional(TEXT), None),
}
#: Fields of a bottleneck.
_GROUPS: Final = {"cardinality": "groups", "base_width": "width_per_group"}
_OF_BLOCKS: Final = (*_GROUPS, "block_reduce_first", "block_args", "channels")
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


def changed(keys: Keys, spec: ResNetSpec) -> ResNetSpec:
    """``spec``, a network of the catalogue, with the words of the class.

    Words of a network of another class, and of blocks that say more than the words, are refused.
    """
    if not is_resnet(spec):
        _refuse_first(keys, ARGS, "this word is read for networks of timm's class ResNet alone")
        return spec
    if any(stage.block or stage.blocks or stage.gives_inner for stage in spec.stages):
        _refuse_first(keys, ARGS, "this word is not read for a network whose blocks differ")
        return spec
    _refuse_first(
        keys, _apart(spec), "this word is not read for blocks with attention of their own"
    )
    if not _plain(spec) and any(word in keys.node.value for word in _OF_BLOCKS):
        _refuse_first(keys, _OF_BLOCKS, "this word is read for blocks of plain convolutions alone")
        return spec
    keys.check("block")
    changes = _functions(keys)
    if not {"stem_width", "stem_type", "replace_stem_pool"}.isdisjoint(keys.node.value):
        changes["stem"] = _stem(keys, spec)
    if not {"avg_down", "down_kernel_size"}.isdisjoint(keys.node.value):
        changes |= _shortcuts(keys, spec)
    changes |= _by_stage(keys, spec)
    if keys.given("block_args") is not None:
        attention = keys.sub("block_args", BLOCK_ARGS)["attn_layer"]
        changes["block.attention"] = _ATTENTION.get(attention)
    elif keys.given("channels") and _attends(spec) == "se":
        changes["block.attention.divisor"] = _ATTENTION["se"]["divisor"]
    factor = keys.given("block_reduce_first") or _reduction(spec)
    if factor > 1 or _reduction(spec) > 1:
        changes["block.conv1"] = None  # which is written again for the widths as they are then
    return _with_widths(keys, spec.replace(changes), factor)


def _by_stage(keys: Keys, spec: ResNetSpec) -> Changes:
    """The number of blocks and the width of each stage."""
    changes = Changes()
    for word, ours in (("layers", "depth"), ("channels", "width")):
        row = keys.given(word)
        if row is not None and len(row) != len(spec.stages):
            keys.refuse(word, f"{len(row)} numbers for {len(spec.stages)} stages")
        for index, value in enumerate(row or ()):
            changes[f"stages[{index}].{ours}"] = value
    return changes


def _refuse_first(keys: Keys, words: Iterable[str], message: str) -> None:
    """Refuse the first of ``words`` that the file has, if any."""
    if (word := next((word for word in words if word in keys.node.value), None)) is not None:
        keys.refuse(word, message)


def is_resnet(spec: ResNetSpec) -> bool:
    """Whether timm builds a network of the catalogue by its class ResNet."""
    if spec.name.startswith("legacy_") or entries()[spec.name].family == "byobnet":
        return False
    return spec.block.kind in ("basic", "bottleneck") and spec.stem.kind != "chain"


def _attends(spec: ResNetSpec) -> str | None:
    """The kind of attention of the blocks."""
    return getattr(getattr(spec.block, "attention", None), "kind", None)


def _apart(spec: ResNetSpec) -> tuple[str, ...]:
    """Words that timm does not hand on to all layers of an operation in place of a convolution."""
    places = (getattr(spec.block, f"conv{number}", None) for number in (1, 2, 3))
    kinds = {op.kind for op in places if op is not None}
    if "selective_kernel" in kinds:
        return ("act_layer", "norm_layer")
    return ("act_layer",) if "split_attention" in kinds else ()


def _plain(spec: ResNetSpec) -> bool:
    """Whether every operation in place of a convolution is one, too."""
    places = (getattr(spec.block, f"conv{number}", None) for number in (1, 2, 3))
    return all(op is None or op.kind == "conv" for op in places)


def _shortcuts(keys: Keys, spec: ResNetSpec) -> Changes:
    """The projections: the first stage, which does not stride, has a 1x1 whatever the window."""
    change = spec.shortcut.change
    average, kernel = (keys.given(word) for word in ("avg_down", "down_kernel_size"))
    average = change.kind == "avg_projection" if average is None else average
    kernel = getattr(change, "kernel", 1) if kernel is None else kernel
    if kernel % 2 == 0:
        message = "timm pads an even window so that branch and shortcut differ in size"
        keys.refuse("down_kernel_size", message, "use an odd number")
    elif average or kernel == 1:  # timm's average has no window beside it
        word = "avg_projection" if average else "projection"
        return {"shortcut": word, "stages[0].shortcut": None}
    wide = {"kind": "projection", "kernel": kernel}
    return {"shortcut": wide, "stages[0].shortcut": "projection"}


def _with_widths(keys: Keys, spec: ResNetSpec, factor: int) -> ResNetSpec:
    """``spec`` with the channels within its blocks.

    The first convolution has those of the second, or of the 3x3 of a bottleneck, divided by
    ``factor`` and rounded down.
    """
    given = {word: keys[word] for word in _GROUPS if word in keys.node.value}
    if isinstance(spec.block, BottleneckSpec):
        spec = spec.replace({f"block.{_GROUPS[word]}": value for word, value in given.items()})
    elif wrong := next((word for word in given if given[word] != ARGS[word].default), None):
        keys.refuse(wrong, "timm's basic blocks have neither groups nor a width within")
    if factor == 1:
        return spec
    firsts = [inner // factor for inner in _inner(spec)]
    if not all(firsts):
        keys.refuse("block_reduce_first", f"{factor} leaves no channel")
        return spec
    kernel = 1 if isinstance(spec.block, BottleneckSpec) else 3
    rows = [
        {"conv": kernel, "width": times(first, stage.width or 1) or "x1"}
        for first, stage in zip(firsts, spec.stages, strict=True)
    ]
    if all(row == rows[0] for row in rows):
        return spec.replace({"block.conv1": rows[0]})
    block = spec.block.model_dump(mode="json")
    blocks = {f"stages[{n}].block": block | {"conv1": row} for n, row in enumerate(rows)}
    return spec.replace(blocks)


def _inner(spec: ResNetSpec) -> list[int]:
    """Channels that the second convolution of a block puts out, in each stage."""
    layers = {layer.name: layer for layer in lay_out(spec).layers}
    count = len(spec.stages)
    return [layers[f"layer{number}.0.conv2"].out_channels for number in range(1, count + 1)]


def _reduction(spec: ResNetSpec) -> int:
    """The factor by which the first convolution of a network of the catalogue is narrower."""
    first = getattr(spec.block, "conv1", None)
    return 2 if first is not None and first.kind == "conv" and first.width is not None else 1


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
    replaces = keys.given("replace_stem_pool")
    blurs = getattr(spec.block, "stride_by", None) is not None
    if replaces and blurs:
        keys.refuse("replace_stem_pool", "the stem of this network is anti-aliased")
    elif replaces is not None and not blurs:
        pool = [{"conv": 3, "stride": 2}, "norm", "act"] if replaces else "max"
    if not kind:
        return {"kind": "conv7x7", "pool": pool}
    first = 3 * (width // 4) if kind == "deep_tiered" else width
    return {"kind": "deep_base", "widths": [first, width, 2 * width], "pool": pool}
