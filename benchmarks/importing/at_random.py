"""``python -m benchmarks.importing.at_random 300``: settings of timm, drawn at random.

timm builds each, and so does resforge what ``from_config`` makes of it. Parameters, shapes and,
with timm's weights, the outputs in float64 must agree. A setting that timm or resforge refuses is
counted. Prints the settings that differ, and exits with 1 where there are any.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from typing import Any

import resforge as rf
import torch
from resforge.configs.timm_names import names
from resforge.configs.timm_resnet import is_resnet

from .__main__ import SIDE, compared
from .cases import Case, timm_network

#: Answers that are no fault: timm itself fails where it is not built or not run.
_HARMLESS = ("equal", "refused", "not built", "not run")
#: Networks whose norms timm computes in float32, whatever it is given.
_FLOAT32 = ("_evos", "_frn")
#: Parameters of the largest network that is drawn.
MOST = 60_000_000
_ANY: dict[str, Any] = {
    "num_classes": (0, 0, 1, 7),
    "in_chans": (1, 4),
    "output_stride": (8, 16, 32),
    "drop_rate": (0.2,),
    "drop_path_rate": (0.1,),
    "zero_init_last": (True, False),
    "global_pool": ("", "avg"),
}
_RESNET: dict[str, Any] = {
    "stem_width": (24, 32, 64),
    "stem_type": ("", "deep", "deep_tiered"),
    "replace_stem_pool": (True, False),
    "avg_down": (True, False),
    "down_kernel_size": (1, 3),
    "cardinality": (1, 2, 4),
    "base_width": (32, 64, 96),
    "block_reduce_first": (1, 2),
    "layers": ([1, 2, 1, 1], [2, 1, 3, 1]),
    "channels": ([32, 64, 128, 256], [48, 96, 160, 320]),
    "block_args": (None, *({"attn_layer": name} for name in ("se", "eca", "gc", "gca", "cbam"))),
    "act_layer": ("relu", "silu", "gelu", "leaky_relu", "hard_swish"),
    "norm_layer": ("batchnorm2d", "groupnorm"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing.at_random")
    parser.add_argument("count", type=int, nargs="?", default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rng = random.Random(arguments.seed)
    known = [
        name
        for name, entry in names().items()
        if rf.plan(entry).params < MOST and not name.endswith(_FLOAT32)
    ]
    counts: Counter[str] = Counter()
    for _ in range(arguments.count):
        config = drawn(rng, known)
        answer = answer_to(config)
        counts[answer if answer.startswith("refused") else answer.partition(":")[0]] += 1
        if not answer.startswith(("equal", "refused")):
            print(config, answer, flush=True)
    for answer, count in counts.most_common():
        print(f"{count:5} {answer}")
    return int(any(not answer.startswith(_HARMLESS) for answer in counts))


def drawn(rng: random.Random, known: list[str]) -> dict[str, Any]:
    """A network of timm with a few words of its constructor."""
    words = dict(rng.sample(list(_ANY.items()), rng.randint(0, 3)))
    name = rng.choice(known)
    # Few networks of other classes with words that they do not have.
    if rng.random() < (0.7 if is_resnet(rf.load(names()[name])) else 0.05):
        words |= dict(rng.sample(list(_RESNET.items()), rng.randint(1, 4)))
    args = {name: rng.choice(values) for name, values in words.items()}
    if args.get("global_pool") == "" and rng.random() < 0.9:
        args["num_classes"] = 0  # timm has no classes without a pool
    return {"architecture": name, "model_args": args}


def answer_to(config: dict[str, Any]) -> str:
    """``equal``, ``refused`` with the reason, or how the two networks differ."""
    try:
        rf.plan(rf.from_config(config).spec, SIDE)
    except rf.SpecError as error:
        return f"refused: {error.faults[0].message}"
    try:
        found = compared(Case("", config, timm_network))[-1]
    except Exception as error:  # timm's network does not run on a picture of this size
        return f"not run: {type(error).__name__}: {error}"
    return "equal" if found == "exact" or found.startswith("within") else found


if __name__ == "__main__":
    sys.exit(main())
