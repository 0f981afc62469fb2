"""Making a network with fresh weights: ours against torchvision's constructor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import resforge as rf
import torch

from .reference import constructor, torchvision_models
from .turns import Row, compare

NAMES = ("resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2")


def run(pairs: int) -> Iterator[Row]:
    models = torchvision_models()
    if models is None:
        return
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            for name in NAMES:
                ours, theirs = partial(rf.build, rf.load(name)), constructor(models, name)
                peer = f"torchvision, {count} thread{'s' * (count > 1)}"
                yield compare(f"build {name}", peer, ours, theirs, pairs)
    finally:
        torch.set_num_threads(threads)
    with torch.device("meta"):
        ours, theirs = partial(rf.build, rf.load("resnet50")), constructor(models, "resnet50")
        yield compare("build resnet50 on meta", "torchvision", ours, theirs, pairs)
