"""Every kind in every registry, and every chain, as code: equal to what is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from resforge.export import to_code
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS
from resforge.specs.attention import attention_kinds
from resforge.specs.operation import Operation
from written import check, check_layout

Tree = dict[str, Any]

BASE = rf.ResNetSpec(
    resforge=1,
    stem={"kind": "conv3x3", "width": 16},
    stages=[{"depth": 2, "width": 16}, {"depth": 2, "width": 32, "stride": 2}],
    block={"kind": "basic"},
    head={"kind": "classifier", "num_classes": 5},
)
#: Widths that every sample of a block divides.
WIDE = {"stages[0].width": 64, "stages[1].width": 128}


def samples(kinds: Mapping[str, type[Operation]]) -> Iterator[tuple[str, Tree]]:
    for kind, model in kinds.items():
        for fields in model.samples:
            yield kind, {"kind": kind, **fields}


def words() -> Iterator[Any]:
    """Changes that put each sample of each kind of word where it may stand."""
    for family, kinds in (("stem", STEMS), ("head", HEADS)):
        for kind, tree in samples(kinds):
            yield pytest.param({family: tree}, id=f"{family} {kind}")
    for kind, tree in samples(BLOCKS):
        yield pytest.param({"block": tree, **WIDE}, id=f"block {kind}")
    for kind, tree in samples(attention_kinds()):
        block = {"kind": "basic", "attention": tree}
        yield pytest.param({"block": block}, id=f"attention {kind}")
    for kind, tree in samples(SHORTCUTS):
        match = {"match": tree, "change": "projection"}
        yield pytest.param({"shortcut": match}, id=f"match {kind}")
        if kind != "identity":
            change = {"match": "projection", "change": tree}
            yield pytest.param({"shortcut": change}, id=f"change {kind}")


@pytest.mark.parametrize("change", [*words()])
def test_every_word(change: Tree) -> None:
    check(BASE.replace(change))


def chains(op: Tree) -> dict[str, Tree]:
    """Chains of each part of a network that hold ``op``."""
    conv = {"conv": 3, "stride": "block"}
    return {
        "stem": {"stem": [{"conv": 3, "width": 16}, op]},
        "entry": {"block": {"entry": [op], "branch": [conv, "norm"]}},
        "branch": {"block": {"branch": [conv, op, "norm", "act", {"conv": 1, "width": "x1"}]}},
        "end of the branch": {"block": {"branch": [conv, "norm", op], "exit": []}},
        "path": {"shortcut": {"change": {"path": [{"conv": 1, "stride": "block"}, op]}}},
        "exit": {"block": {"branch": [conv, "norm"], "exit": ["act", op]}},
        "closing": {"closing": [op]},
        "head": {"head": [op, "global_pool", {"linear": 5}]},
    }


#: Operations for maps of one position or of one size, which only a head has.
LAST = ("attention_pool", "flatten", "global_pool", "linear")


@pytest.mark.parametrize("place", chains({}))
@pytest.mark.parametrize(
    "op",
    [
        pytest.param(tree, id=kind)
        for kind, tree in samples(OPERATIONS)
        if kind not in LAST and tree.get("join") != "cat"  # which adds channels
    ],
)
def test_every_operation_in_every_chain(op: Tree, place: str) -> None:
    check(BASE.replace(chains(op)[place]))


@pytest.mark.parametrize(
    "head",
    [
        ["global_pool"],
        ["global_pool", {"scale": 0.5}, {"linear": 5}],
        ["global_pool", {"linear": 7}, "act", {"dropout": 0.5}, {"linear": 5}],
    ],
)
def test_heads_written_out(head: list[Any]) -> None:
    check(BASE.replace({"head": head}))


POOLED = [{"pool": "avg", "stride": "block"}, {"conv": 1}, "norm"]
CHAINS: dict[str, Tree] = {
    "every join": {
        "stages[0].shortcut": {"path": POOLED, "join": "gate"},
        "stages[1].shortcut": {"path": POOLED, "join": {"kind": "scaled", "residual": 0.5}},
    },
    "a pool that only strides in some blocks": {
        "block": {"branch": [{"pool": "avg", "stride": "block"}, {"conv": 3}, "norm"]}
    },
    "a width of its own, and one of the stage": {
        "block": {
            "branch": [
                {"conv": 1, "width": 12},
                "act",
                {"conv": 3, "width": "x1/2", "groups": 2, "stride": "block"},
                {"conv": 5, "width": "x2"},
            ]
        }
    },
    "an activation whose output a gradient needs": {
        "block": {"branch": [{"conv": 3, "stride": "block"}, "act"]},
        "shortcut": {"path": [{"conv": 1, "stride": "block"}, "act"], "join": "gate"},
    },
    "the same without a shortcut": {
        "block": {"branch": [{"conv": 3, "stride": "block"}, "act"]},
        "shortcut": "none",
    },
    "a branch that does nothing": {
        "stages[1]": {"depth": 1, "width": 16},
        "block": {"branch": [{"dropout": 0.0}]},
    },
    "an operation that does nothing in the block that strides": {
        "stages": [
            {"depth": 2, "width": 16, "stride": 2},
            {"depth": 1, "width": 8, "shortcut": {"match": "conv1x1"}},
        ],
        "block": {
            "preactivation": ["act", {"variance": 0.2}],
            "branch": [{"conv": 3, "stride": "block"}, {"multiply": 0.2}],
        },
    },
    "no norm": {"norm": "none", "block": {"branch": [{"conv": 3, "stride": "block"}, "norm"]}},
    "kernels that differ": {
        "stages[0].shortcut": {"kind": "projection", "kernel": 3},
        "stages[1].shortcut": {"match": {"kind": "projection", "kernel": 5}},
        "stages[0].blocks": [{"shortcut": {"match": {"kind": "projection", "kernel": 3}}}],
        "stages[0].depth": None,
    },
    "the new words": {
        "stem": {"kind": "patchify", "width": 16, "patch": 2},
        "block": {"kind": "basic", "attention": {"kind": "gc", "reduction": 4}, "dropout": 0.3},
        "shortcut": {"kind": "channel_scale", "of": "projection"},
        "stochastic_depth": 0.5,
    },
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_that_few_draws_reach(name: str) -> None:
    check(BASE.replace(CHAINS[name]))


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
def test_their_texts_are_laid_out_as_ruff_would(tmp_path: Path) -> None:
    changes = [*CHAINS.values(), *(param.values[0] for param in words())]
    check_layout([to_code(BASE.replace(change)) for change in changes], tmp_path)


def test_chains_are_sequences_by_name() -> None:
    text = check(BASE.replace({"stem": [{"conv": 3, "width": 16}, "norm", "act"], "norm": "batch"}))
    assert "self.stem = nn.Sequential(\n            OrderedDict(" in text
    assert "conv1=nn.Conv2d(3, 16, 3, padding=1, bias=False)," in text
    assert "x = self.stem(x)" in text
