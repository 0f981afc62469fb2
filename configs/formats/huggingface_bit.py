"""``config.json`` of Hugging Face's BiT, and of the models that stand on it, such as DPT's hybrid.

Keys and defaults as in transformers 5.24.
"""

from __future__ import annotations

from typing import Final

from ..dilating import drops
from ..format import Tree
from ..keys import FLAG, NUMBER, TEXT, WHOLE, WHOLES, Key, Keys, one_of, only, optional
from ..words import project_first_block, stages_of

KEYS: Final = {
    "embedding_size": Key(WHOLE, 64),
    "hidden_sizes": Key(WHOLES, [256, 512, 1024, 2048]),
    "depths": Key(WHOLES, [3, 4, 6, 3]),
    "layer_type": Key(one_of("preactivation", "bottleneck"), "preactivation"),
    "global_padding": Key(optional(TEXT), None),
    "embedding_dynamic_padding": Key(FLAG, False),
    "num_groups": Key(WHOLE, 32),
    "drop_path_rate": Key(NUMBER, 0.0),
    "output_stride": Key(WHOLE, 32),
    "width_factor": only(1, why="transformers' norm and head are not widened by it", kind=WHOLE),
}
#: The block of pre-activated layers.
BLOCK: Final[Tree] = {"kind": "bottleneck", "order": "full_pre"}
#: How the stem pools, by the type of layer, the padding and whether the pool pads as TensorFlow.
_POOLS: Final[dict[tuple[str, bool, bool], Tree]] = {
    ("preactivation", False, False): {"pool": "max", "zeros": True},
    ("preactivation", True, False): {"pool": "max", "padding": 0},
    ("preactivation", True, True): {"pool": "max", "padding": "same", "zeros": True},
    ("bottleneck", True, False): {"pool": "max", "padding": 0},
    # Zeros beside what a ReLU puts out are never the only largest.
    ("bottleneck", True, True): {"pool": "max", "padding": "same", "zeros": True},
}


def read(keys: Keys, depths: list[int]) -> Tree:
    """The spec of a BiT without its ends."""
    keys.check("width_factor")
    same, kind = _pads_as_tensorflow(keys), keys["layer_type"]
    return {
        "stem": _stem(keys, kind, same),
        "stages": _stages(keys, depths, dilates=kind == "bottleneck"),
        "block": "bottleneck" if kind == "bottleneck" else BLOCK,
        "shortcut": "projection",
        "norm": {"kind": "group", "groups": keys["num_groups"]},
        "convolution": {"kind": "standardized", "eps": 1e-8}
        | ({"padding": "same"} if same else {}),
        "stochastic_depth": drops(keys["drop_path_rate"]),
    }


def _pads_as_tensorflow(keys: Keys) -> bool:
    padding = keys["global_padding"]
    if padding is not None and padding.lower() != "same":
        keys.refuse("global_padding", f"no spec pads {padding}", 'a spec can say null or "SAME"')
    return padding is not None


def _stem(keys: Keys, kind: str, same: bool) -> list[Tree | str]:
    pool = _POOLS.get((kind, same, keys["embedding_dynamic_padding"]))
    if pool is None:
        keys.refuse(
            "embedding_dynamic_padding" if kind == "preactivation" else "layer_type",
            "zeros around the map before it is normalised and pooled",
            'a spec can say it with global_padding "SAME"',
        )
        return []
    conv: Tree = {"conv": 7, "width": keys["embedding_size"], "stride": 2}
    return [conv, pool] if kind == "preactivation" else [conv, "norm", "act", pool]


def _stages(keys: Keys, depths: list[int], *, dilates: bool) -> list[Tree]:
    """Stages whose first block always has a projection, and whose strides end at
    ``output_stride``."""
    sizes = keys["hidden_sizes"]
    if any(size % 32 for size in sizes):
        keys.refuse("hidden_sizes", "32 does not divide the sizes")
        return []
    stride, dilation, before = 4, 1, keys["embedding_size"]
    stages: list[Tree] = []
    for index, (depth, size) in enumerate(zip(depths, sizes, strict=False)):
        step = 1 if index == 0 else 2
        if stride >= keys["output_stride"]:
            dilation, step = dilation * step, 1
        stride *= step
        # A pre-activated layer leaves the dilation out.
        own = dilation if dilates else 1
        first = 1 if own <= 2 else 2
        row = stages_of([depth], [size // 4], [step], [own], [first if own > 1 else None])
        if size == before and step == 1:
            project_first_block(row)
            if not dilates:  # a pre-activated layer projects what its branch takes
                row[0]["blocks"][0]["block"] = BLOCK | {"shortcut_input": "activated"}
        stages += row
        before = size
    return stages
