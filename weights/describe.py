"""From what a network shows of itself to the tree of a spec."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import nn

from ..specs.operations import ECASpec
from ..specs.operations.act import CLASSES
from .observed import Conv, Observed, unknowable

Tree = dict[str, Any]


class Answers(NamedTuple):
    """What does not show, and has to be guessed before it can be proved."""

    activation: str
    pool: str
    change: Any
    """The shortcut of blocks that change the shape without a parameter."""
    match: Any
    """That of blocks that keep it."""


class _Block(NamedTuple):
    block: Tree
    shortcut: Tree | None
    """None where it holds no parameter."""
    keeps: bool
    width: int
    out_channels: int
    stride: int
    dilations: tuple[int, int]


def describe(layers: Observed, answers: Answers) -> Tree:
    """The tree of the spec. Raises :class:`WeightsError` where the language has no word for it."""
    stem, channels = _stem(layers, answers.pool)
    first = layers.conv("conv1")
    assert first is not None
    norm = _norm(layers)
    stages: list[list[_Block]] = []
    while depth := layers.depth(len(stages) + 1):
        number = len(stages) + 1
        blocks = []
        for index in range(depth):
            usual = 2 if number > 1 and index == 0 else 1
            blocks.append(_block(layers, f"layer{number}.{index}", channels, usual, norm))
            channels = blocks[-1].out_channels
        stages.append(blocks)
    if not stages:
        raise unknowable("it has no stage of blocks")
    return {
        "resforge": 1,
        "in_channels": first.in_channels,
        "stem": stem,
        **_stages(_pooled(stages) if layers.form.moved else stages, answers),
        **({"norm": norm} if norm != {"kind": "batch"} else {}),
        **({"activation": answers.activation} if answers.activation != "relu" else {}),
        "head": _head(layers, channels),
    }


def possible(layers: Observed) -> list[Answers]:
    """Every set of answers that what shows leaves open, likeliest first."""
    pools = ["max", "none"]
    changes: list[Any] = [
        {"kind": "zero_pad", "pad": pad, "subsample": subsample}
        for pad in ("end", "both")
        for subsample in ("pixel", "avg_pool")
    ]
    known = {getattr(nn, cls[3:]): name for name, cls in CLASSES.items()}
    seen = [known[kind] for kind, _ in Counter(layers.kinds).most_common() if kind in known]
    activations = seen or ["relu", "silu", "gelu", "leaky_relu", "elu", "tanh"]
    bare = not any(name.partition("downsample")[1] for name in layers.tensors)
    pairs: list[tuple[Any, Any]] = [(change, "identity") for change in changes]
    if bare:
        pairs.append(("none", "none"))
    if _stem(layers, "max")[0]["kind"] == "conv3x3":
        pools = ["none"]
    if not layers.is_module:
        return [Answers("relu", pools[0], *pairs[0])]
    return [Answers(a, pool, *pair) for a in activations for pool in pools for pair in pairs]


def _stem(layers: Observed, pool: str) -> tuple[Tree, int]:
    convs = _convs(layers, "")
    kernels = tuple(conv.kernel for conv in convs)
    bias = {"bias": True} if convs and convs[0].bias and layers.norm("bn1") else {}
    pooled = {"pool": pool} if pool != "max" else {}
    widths = [conv.out_channels for conv in convs]
    if kernels == (7,):
        return {"kind": "conv7x7", "width": widths[0], **bias, **pooled}, widths[0]
    if kernels == (3,):
        return {"kind": "conv3x3", "width": widths[0], **bias}, widths[0]
    if kernels == (3, 3, 3):
        return {"kind": "deep_base", "widths": widths, **bias, **pooled}, widths[-1]
    raise unknowable(
        f"its stem has convolutions of sides {list(kernels)}; the language has 7, 3, and 3, 3, 3"
    )


def _convs(layers: Observed, prefix: str) -> list[Conv]:
    convs: list[Conv] = []
    while conv := layers.conv(f"{prefix}conv{len(convs) + 1}"):
        convs.append(conv)
    return convs


def _norm(layers: Observed) -> Tree:
    if not layers.norm("bn1"):
        return {"kind": "none"}
    batch = "running_mean" in layers.tensors["bn1"]
    tree: Tree = {"kind": "batch" if batch else "group"}
    modules = [m for m in layers.modules.values() if isinstance(m, nn.BatchNorm2d | nn.GroupNorm)]
    settings = {
        (type(m), m.eps, getattr(m, "momentum", None), getattr(m, "num_groups", None))
        for m in modules
    }
    if len(settings) > 1:
        raise unknowable("its norms differ in their kind, eps, momentum or groups")
    for _, eps, momentum, groups in settings:
        usual = {"eps": 1e-5, "momentum": 0.1, "groups": 32}
        given = {"eps": eps, "momentum": momentum, "groups": groups}
        tree |= {k: v for k, v in given.items() if v is not None and v != usual[k]}
    return tree


def _block(layers: Observed, name: str, in_channels: int, usual: int, norm: Tree) -> _Block:
    convs = _convs(layers, f"{name}.")
    kernels = tuple(conv.kernel for conv in convs)
    if kernels == (3, 3) and convs[0].out_channels == convs[1].out_channels:
        biased = convs[0].bias and norm["kind"] != "none"
        block: Tree = {"kind": "d2l" if biased else "basic"}
        width = convs[1].out_channels
    elif kernels == (1, 3, 1):
        block, width = _bottleneck(convs, name)
    else:
        raise unknowable(
            f"{name} has convolutions of sides {list(kernels)}; the language has 3, 3 of one "
            "width, and 1, 3, 1"
        )
    if not layers.norm(f"{name}.bn{len(convs)}") and norm["kind"] != "none":
        raise unknowable(f"{name} has no norm at the end of its branch")
    out_channels = convs[-1].out_channels
    if attention := _attention(layers, name, out_channels):
        block["attention"] = attention
    projection = layers.conv(f"{name}.downsample.0") or layers.conv(f"{name}.downsample.1")
    stride = _stride(convs, projection, in_channels, out_channels, usual)
    keeps = stride == 1 and in_channels == out_channels
    spread = [conv.dilation or 1 for conv in convs if conv.kernel == 3]
    return _Block(
        block,
        _shortcut(layers, name, block, convs[0].bias, norm),
        keeps,
        width,
        out_channels,
        stride,
        (spread[0], spread[-1]),
    )


def _stride(
    convs: Sequence[Conv], projection: Conv | None, inside: int, outside: int, usual: int
) -> int:
    steps = [conv.stride for conv in convs if conv.stride is not None]
    if steps:
        return max(steps)
    # Of a state dict: a block that changes nothing and projects nothing keeps the size.
    return usual if projection is not None or inside != outside else 1


def _bottleneck(convs: Sequence[Conv], name: str) -> tuple[Tree, int]:
    outside, inner = convs[2].out_channels, convs[1].out_channels
    groups, rest = divmod(inner, convs[1].in_channels)
    if rest:
        raise unknowable(f"{name}.conv2 takes {convs[1].in_channels} of {inner} channels")
    block: Tree = {"kind": "bottleneck"}
    for expansion in (4, max(1, outside // inner), 1):
        width = outside // expansion
        wide = 64 * inner // max(1, width * groups)
        if width * expansion == outside and width * wide // 64 * groups == inner:
            break
    else:
        raise unknowable(f"{name} has {inner} channels inside and {outside} outside")
    if expansion != 4:
        block["expansion"] = expansion
    if groups != 1:
        block["groups"] = groups
    if wide != 64:
        block["width_per_group"] = wide
    if (convs[0].stride or 1) > 1:
        block["stride_on"] = "conv1"
    return block, width


def _attention(layers: Observed, name: str, channels: int) -> Any:
    squeeze = layers.conv(f"{name}.se.fc1")
    if squeeze is not None:
        reduction = channels // squeeze.out_channels
        return "se" if reduction == 16 else {"kind": "se", "reduction": reduction}
    kernel = layers.tensors.get(f"{name}.se.conv", {}).get("weight")
    if kernel is None:
        return None
    usual = ECASpec().kernel_size(channels)
    return "eca" if kernel[-1] == usual else {"kind": "eca", "kernel": kernel[-1]}


def _shortcut(layers: Observed, name: str, block: Tree, biased: bool, norm: Tree) -> Tree | None:
    averaged = layers.conv(f"{name}.downsample.1")
    conv = averaged or layers.conv(f"{name}.downsample.0")
    if conv is None:
        return None
    normed = layers.norm(f"{name}.downsample.{2 if averaged else 1}")
    tree: Tree = {"kind": "avg_projection" if averaged else "projection"}
    if conv.kernel != 1:
        tree["kernel"] = conv.kernel
    if normed != (block["kind"] != "d2l" and norm["kind"] != "none"):
        tree["norm"] = normed
    if conv.bias != biased:
        tree["bias"] = conv.bias
    return tree


def _pooled(stages: list[list[_Block]]) -> list[list[_Block]]:
    """Where a pool that does not stride is left out, such a projection is an average one too."""
    kinds = {b.shortcut["kind"] for stage in stages for b in stage if b.shortcut}
    if "avg_projection" not in kinds:
        return stages
    return [[block._replace(shortcut=_averaged(block)) for block in stage] for stage in stages]


def _averaged(block: _Block) -> Tree | None:
    tree = block.shortcut
    if tree and tree["kind"] == "projection" and block.stride == 1 and "kernel" not in tree:
        return {**tree, "kind": "avg_projection"}
    return tree


def _stages(stages: list[list[_Block]], answers: Answers) -> Tree:
    """Stages, and the block and shortcut of the network: those that most of it has."""
    pairs = [_pair(stage, answers) for stage in stages]
    every = [block for stage in stages for block in stage]
    block = _most([b.block for b in every])
    pair = _pair(every, answers)
    if pair is None:
        pair = _most([p for p in pairs if p is not None] or [{}])
    tree: Tree = {"stages": [], "block": block, "shortcut": pair}
    before = 1
    for blocks, own in zip(stages, pairs, strict=True):
        entry: Tree = {"depth": len(blocks), "width": blocks[0].width, "stride": blocks[0].stride}
        first, rest = blocks[0].dilations[0], blocks[-1].dilations[1]
        if rest != 1:
            entry["dilation"] = rest
        if first != before:
            entry["first_dilation"] = first
        before = rest
        if any(b.width != blocks[0].width for b in blocks) or any(b.stride > 1 for b in blocks[1:]):
            raise unknowable("the blocks of a stage differ in width, or stride within it")
        alike = all(b.block == blocks[0].block for b in blocks)
        if not alike or own is None:
            del entry["depth"]
            entry["blocks"] = [
                {"block": b.block, "shortcut": {**_side(b, answers)}} for b in blocks
            ]
        else:
            if blocks[0].block != block:
                entry["block"] = blocks[0].block
            if any(own.get(side, pair.get(side)) != pair.get(side) for side in own):
                entry["shortcut"] = {**pair, **own}
        tree["stages"].append(entry)
    return tree


def _side(block: _Block, answers: Answers) -> Tree:
    side = "match" if block.keeps else "change"
    return {side: block.shortcut or getattr(answers, side)}


def _pair(blocks: Sequence[_Block], answers: Answers) -> Tree | None:
    """The shortcuts of both sides; None where blocks of one side differ."""
    pair: Tree = {}
    for block in blocks:
        for side, shortcut in _side(block, answers).items():
            if pair.setdefault(side, shortcut) != shortcut:
                return None
    return pair


def _most(trees: Sequence[Tree]) -> Tree:
    return max(trees, key=trees.count)


def _head(layers: Observed, channels: int) -> Tree | None:
    weight = layers.tensors.get("fc", {}).get("weight")
    if weight is None:
        return None
    if weight[1:] != (channels,) or "bias" not in layers.tensors["fc"]:
        raise unknowable("its head is not one biased linear layer on the last stage's channels")
    return {"kind": "classifier", "num_classes": weight[0]}
