"""Making a network with fresh weights: ours against torchvision's constructor.

The floor is what every way has to do: draw as many normal numbers as the network has parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import resforge as rf
import torch

from .reference import constructor, torchvision_models
from .rows import AnyRow, Missing
from .turns import compare

PACKAGES = ("torchvision",)
NAMES = ("resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2")


def run(pairs: int) -> Iterator[AnyRow]:
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            for name in NAMES:
                yield _against_torchvision(name, f"{count} thread{'s' * (count > 1)}", pairs)
                yield _against_floor(name, f"{count} thread{'s' * (count > 1)}", pairs)
    finally:
        torch.set_num_threads(threads)
    with torch.device("meta"):
        yield _against_torchvision("resnet50", "on meta", pairs)


def _against_torchvision(name: str, how: str, pairs: int) -> AnyRow:
    models, what = torchvision_models(), f"build {name}, {how}"
    if models is None:
        return Missing(what, "torchvision", "torchvision")
    ours, theirs = partial(rf.build, rf.load(name)), constructor(models, name)
    return compare(what, "torchvision", ours, theirs, pairs)


def _against_floor(name: str, how: str, pairs: int) -> AnyRow:
    spec = rf.load(name)
    # Fresh memory each time, as a fresh network has.
    floor = partial(_drawn, rf.plan(spec).params)
    peer = "one normal_ of all parameters"
    return compare(f"build {name}, {how}", peer, partial(rf.build, spec), floor, pairs, floor=True)


def _drawn(params: int) -> torch.Tensor:
    return torch.empty(params).normal_()
