"""Counting a network: the plan against counters that need the network built and run, and against
the analytic counter of pycls.

pycls has no current release: ``PYCLS`` in the environment is the folder of a checkout,
which needs ``yacs``, ``iopath`` and ``submitit``. Without it pycls is imported as any package.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import resforge as rf
import torch
from torch.utils.flop_counter import FlopCounterMode

from .rows import AnyRow, Missing
from .turns import Row, Work, compare, compare_prepared

PACKAGES = ("fvcore",)
NAMES = ("resnet18", "resnet50", "resnet152")


def run(pairs: int) -> Iterator[AnyRow]:
    for name in NAMES:
        yield from _against_flop_counter(name, pairs)
        yield _against_layers(name, pairs)
    yield _against_fvcore("resnet50", pairs)
    for depth in (50, 152):
        yield _against_pycls(depth, pairs)
    yield _against_first("resnet50", pairs)


def _plan(spec: rf.ResNetSpec) -> Work:
    def work() -> tuple[int, ...]:
        plan = rf.plan(spec, input_size=224)
        return plan.params, plan.macs, plan.activations, plan.depth

    return work


def _against_flop_counter(name: str, pairs: int) -> Iterator[Row]:
    """On the meta device the counter multiplies nothing: the kindest peer there is."""
    spec = rf.load(name)
    for device in ("meta", "cpu"):
        model = rf.build(spec, device=device).eval()
        # Random, not empty: what lies in memory can be denormal numbers, which multiply slowly.
        x = torch.randn(1, 3, 224, 224, device=device)

        def count(model: torch.nn.Module = model, x: torch.Tensor = x) -> int:
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                model(x)
            return counter.get_total_flops()

        assert count() == 2 * rf.plan(spec, 224).macs
        peer = f"FlopCounterMode, built before, on {device}"
        yield compare(f"plan {name}", peer, _plan(spec), count, pairs, repeat=20)

    def build_and_count() -> int:
        model = rf.build(spec, device="meta").eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, 3, 224, 224, device="meta"))
        return counter.get_total_flops()

    peer = "FlopCounterMode and the building, on meta"
    yield compare(f"plan {name}", peer, _plan(spec), build_and_count, pairs, repeat=20)


def _against_layers(name: str, pairs: int) -> Row:
    spec = rf.load(name)

    def layers() -> int:
        return len(rf.plan(spec, input_size=224).layers)

    return compare(f"plan {name}", "the same with every layer named", _plan(spec), layers, pairs)


def _against_fvcore(name: str, pairs: int) -> AnyRow:
    try:
        from fvcore.nn import FlopCountAnalysis
    except ImportError:
        return Missing(f"plan {name}", "fvcore, built before", "fvcore")
    spec = rf.load(name)
    model, x = rf.build(spec).eval(), torch.randn(1, 3, 224, 224)

    def count() -> float:
        analysis = FlopCountAnalysis(model, x)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        total: float = analysis.total()
        return total

    return compare(f"plan {name}", "fvcore, built before", _plan(spec), count, pairs, repeat=20)


def _against_pycls(depth: int, pairs: int) -> AnyRow:
    """Its counter multiplies a formula out for each layer, and knows no network but its own."""
    name = f"resnet{depth}"
    what, peer = f"plan {name}", "pycls, ResNet.complexity"
    if (folder := os.environ.get("PYCLS")) and folder not in sys.path:
        sys.path.append(folder)
    try:
        from pycls.core.config import cfg
        from pycls.models.resnet import ResNet
    except ImportError:
        return Missing(what, peer, "pycls")
    spec = rf.load(name)
    cfg.TRAIN.DATASET = cfg.TEST.DATASET = "imagenet"
    cfg.RESNET.TRANS_FUN = "bottleneck_transform"
    cfg.RESNET.STRIDE_1X1, cfg.MODEL.NUM_CLASSES, cfg.MODEL.DEPTH = False, 1000, depth

    def count() -> dict[str, int]:
        start = {"h": 224, "w": 224, "flops": 0, "params": 0, "acts": 0}
        found: dict[str, int] = ResNet.complexity(start)
        return found

    theirs, ours = count(), rf.plan(spec, 224)
    # It counts the bias of the last layer, and the elements that the stem's pool puts out.
    counts = theirs["params"], theirs["flops"] - 1000, theirs["acts"] - 64 * 56 * 56
    assert counts == (ours.params, ours.macs, ours.activations)

    def repeated() -> None:
        for _ in range(20):
            count()

    row = compare(what, peer, _plan(spec), repeated, pairs, repeat=20)
    return _each(row, 20)


def _against_first(name: str, pairs: int) -> Row:
    """The first plan of a process: the layouts of equal blocks are kept for later ones."""
    tree = rf.load(name).model_dump(mode="json")

    def first() -> Work:
        for kept in _caches():
            kept.cache_clear()
        return _plan(rf.ResNetSpec(**tree).model_copy())

    peer = "the same, nothing kept from before"
    return compare_prepared(f"plan {name}", peer, lambda: _plan(rf.load(name)), first, pairs)


def _caches() -> Iterator[Any]:
    """All that the planner and the language keep of networks that they met."""
    for name, module in [*sys.modules.items()]:
        if name.startswith(("resforge.specs", "resforge.planner")):
            yield from (found for found in vars(module).values() if hasattr(found, "cache_clear"))


def _each(row: Row, times: int) -> Row:
    """The row of a peer that did its work so many times in a turn."""
    return row._replace(
        theirs_ms=row.theirs_ms / times,
        ratio=row.ratio / times,
        least=row.least / times,
        most=row.most / times,
    )
