"""``config.json`` of timm: ``architecture`` with the arguments of its constructor.

Names and defaults as in timm 1.0.31.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from ...planner.known import known_of
from ...reading.load import load
from ...specs.network import ResNetSpec
from ..format import Format, Tree
from ..keys import ANY, NATURAL, TEXT, WHOLES, Key, Keys, Record, only, optional
from ..node import Node
from ..timm_names import ARGS, changed, named, names

OUTER: Final = {
    "architecture": Key(TEXT),
    "num_classes": Key(NATURAL, 1000),
    "global_pool": only("avg", "", why="another pool", kind=TEXT),
    "model_args": Key(ANY, None),
    "pretrained_cfg": Key(ANY, None),
}
#: What timm takes from the description of the weights where ``model_args`` does not say it.
INNER: Final = {
    "input_size": Key(optional(WHOLES), None),
    "num_classes": Key(NATURAL, 1000),
    "global_pool": only("avg", "", None, why="another pool", kind=optional(TEXT)),
}


def holds(root: Node) -> bool:
    """Whether a file names an architecture, whose first letter is small in timm; it is great in
    PaddleDetection."""
    return bool(root.text("architecture")) and not root.text("architecture")[0].isupper()


def read(record: Record) -> Tree:
    """The spec of an architecture."""
    keys = Keys(record, OUTER, record.root)
    args, spec = keys.sub("model_args", ARGS), named(keys, "architecture")
    # Files of timm before 0.9 have no part for the weights.
    apart = keys.given("pretrained_cfg") is not None
    weights = keys.sub("pretrained_cfg", INNER) if apart else Keys(record, INNER, record.root)
    size = weights.given("input_size")
    found = {
        "classes": _first("num_classes", args, keys, weights),
        "pool": _first("global_pool", args, weights, keys),
        "channels": size[0] if size and len(size) == 3 else None,
    }
    if found["classes"] is None and getattr(spec.head, "num_classes", None) == 1000:
        found["classes"] = keys["num_classes"]  # which notes it
    if found["classes"] and args.given("global_pool") is None:
        found["pool"] = "avg"  # others say how pictures were answered, and classes need a pool
    return changed(args, spec, **found).to_tree()


def _first(name: str, *parts: Keys) -> Any:
    """The value of a key in the first part that has it; None where none does."""
    given = (part.given(name) for part in parts)
    return next((value for value in given if value is not None), None)


def write(spec: ResNetSpec) -> Tree:
    """The architecture that comes nearest to ``spec``."""
    tree = spec.model_dump(mode="json")
    head = tree["head"] or {}
    layers = head.get("layers", ())
    linear = [layer["out_features"] for layer in layers if layer["kind"] == "linear"]
    classes = head.get("num_classes", linear[-1] if linear else 0)
    args: Tree = {"num_classes": classes, "in_chans": spec.in_channels}
    if spec.head is None:
        args["global_pool"] = ""
    args["zero_init_last"] = tree["init"]["zero_residual"]
    if head.get("dropout"):
        args["drop_rate"] = head["dropout"]
    if tree["stochastic_depth"]:
        args["drop_path_rate"] = tree["stochastic_depth"]["rate"]
    name = _same(spec) or ""
    if not name:
        name = "resnet18" if tree["block"]["kind"] == "basic" else "resnet50"
        args |= _words(tree)
    return {"architecture": name, "num_classes": classes, "model_args": args}


def _same(spec: ResNetSpec) -> str | None:
    """timm's name of a network that differs from ``spec`` in its ends at most."""
    ends: Tree = {"head": None, "in_channels": 3, "init": {}, "stochastic_depth": None}
    wanted = spec.replace(ends).digest
    depths = tuple(len(stage.blocks or ()) or stage.depth for stage in spec.stages)
    alike = (pair for pair in names().items() if known_of(pair[1]).depths == depths)
    found = (name for name, entry in alike if load(entry).replace(ends).digest == wanted)
    return next(found, None)


def _words(tree: Tree) -> Tree:
    """The words of timm's ResNet."""
    stem, stages = tree["stem"], tree["stages"]
    block = stages[0]["block"] or tree["block"]
    words: Tree = {
        "layers": [stage["depth"] or len(stage["blocks"]) for stage in stages],
        "channels": [stage["width"] or 1 for stage in stages],
        "avg_down": tree["shortcut"]["change"]["kind"] == "avg_projection",
    }
    if stem["kind"] == "deep_base" and len(stem["widths"]) == 3:
        first, second, _ = stem["widths"]
        words["stem_type"] = "deep" if first == second else "deep_tiered"
        words["stem_width"] = second
    if block["kind"] == "bottleneck":
        words |= {"cardinality": block["groups"], "base_width": block["width_per_group"]}
    words |= _beside_the_usual(block, tree["shortcut"]["change"])
    attention: Any = block.get("attention")
    if attention:
        words["block_args"] = {"attn_layer": attention["kind"]}
    dilated = [stage["dilation"] for stage in stages]
    if max(dilated) > 1:
        words["output_stride"] = 8 if dilated[-1] == 4 else 16
    return words


def _beside_the_usual(block: Tree, change: Tree) -> Tree:
    """The words for a narrower first convolution, and for a wider window of the shortcuts."""
    words = Tree()
    width = (block.get("conv1") or {}).get("width")
    if isinstance(width, str) and width.startswith("x"):
        inner = block.get("width_per_group", 64) * block.get("groups", 1)
        words["block_reduce_first"] = max(1, int(Fraction(inner, 64) / Fraction(width[1:])))
    kernel = change.get("kernel", 1)
    return words | ({"down_kernel_size": kernel} if kernel > 1 else {})


FORMAT: Final = Format("timm", "timm", holds, read, write=write)
