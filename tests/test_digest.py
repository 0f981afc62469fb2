"""The identity of a network: pinned for good, one for each network however it is written.

Stores of results depend on these digests: a trial is found again by the digest of its network.
They may never change. A field that is added to the language with a default changes none of them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import resforge as rf
import torch
from resforge.specs.canonical import canonical

PINNED = {
    "resnet18": "094d0bba2bd1ae749850310d65a1f6522364acf5e2fd0bf2ab3d8ade03c19f6c",
    "resnet50": "4a0bd56d57879a9fc0c16638c9996e03305f40c34d71bad14e791e61581b8cba",
    "resnext50_32x4d": "38b7e336123e228a1d7706bdaa17218e0e9569c700b3af1506ee086144391c07",
    "wide_resnet50_2": "fb7d6f7ccebc9916dc8110e87e6b5f23811bdaff4eb3c2e3e9d947e5b3789647",
    "cifar_resnet20": "0982dcab47929326f9590f527ec2dec168ba1498770ad9f56ee756991b0a8bc9",
    "cifar_plain20": "e5692adc68389f0f511a035354d1dd96144ee1dbd6bb79040755b987147ad0ea",
    "preact_resnet18": "7a38da298bfcfedd1077367ca295275f3e604778b97b66811c088161cb507d45",
    "resnet50d": "4fff5fefe7e56dd4699eb336e230700ddce96195b9bd2dab378be68426276c28",
    "seresnet50": "d839a8a14e8c49989c945bc017eac2f5418d693d6a09a61c8899d41418fd4698",
    "ecaresnet50": "1c208b014c5b4ecaf812f713e4d00483379a827628cc4d6cea5759f93637e639",
    "regnetx_200mf": "fea2e873f786e6c783208a9e502cdf2fc96e7e08a5b05f391426c4cdcc01d5d1",
    "resnet18_d2l": "128b7187ba8185bafe14a8af7c2d9ae90314502aeef9403ca4839b104306b3e6",
    "digits_resnet8": "862f170e6e5593e71d27e49d89a1cd1a91dee6cf6592014b003496f1b1993fb8",
}
CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "gate": (
        {"shortcut": "gate"},
        "e9d24d7f709f469ab2d23c1b716de58b08203fd8c44eb57b79cc01f41e5ee708",
    ),
    "scaled": (
        {"shortcut": {"kind": "scaled", "shortcut": 0.5, "residual": 0.5}},
        "444e6034298f3f4678ca50ca81248784356db98c3205eb95f1ccedf3a25732fd",
    ),
    "dropout": (
        {"shortcut": "dropout", "head.dropout": 0.2},
        "9a3d258771f3c79e20b2e131707300e6804bd67a3d60adcc0b2a8f8aef1719f3",
    ),
    "drop rates": (
        {"stochastic_depth": {"rate": 0.5, "mode": "row"}},
        "3b4f362a672991969685f46f5a3fe5741331aeb45c7574cbf50f446a90aaf9c6",
    ),
    "group norm": (
        {"norm": {"kind": "group", "groups": 8}, "activation": "silu"},
        "9cfc202a56b946e3465743c11ec3c6b180f9f7d8c4a43f34c15ce3653cbe9f9d",
    ),
    "init": (
        {"init": {"scheme": "torch", "zero_residual": True}},
        "e1d7b552caf5413faad1a5013147496d3aa37b524a6e7791a038148be2e1e2ed",
    ),
    "dilated": (
        {"stages[2].dilation": 2, "stages[2].stride": 1},
        "d9d863eb3f730582c647f637864015044c66b5070d2125dcfbb6b25759145dee",
    ),
    "backbone": (
        {"head": None, "in_channels": 1},
        "ad8ca2f74263cf5b746bc37938f088c9bc2223e9e01740eec2c14aa3c10035d0",
    ),
}


@pytest.mark.parametrize("name", PINNED)
def test_the_catalogue_keeps_its_identities(name: str) -> None:
    assert rf.load(name).digest == PINNED[name]


@pytest.mark.parametrize("name", CHANGED)
def test_variants_keep_their_identities(name: str) -> None:
    changes, digest = CHANGED[name]
    assert rf.load("cifar_resnet20").replace(changes).digest == digest


def widened(spec: rf.ResNetSpec, block: Any, factor: int) -> rf.ResNetSpec:
    """``spec`` of another block, at stages ``factor`` times as wide."""
    widths = {f"stages[{i}].width": factor * s.width for i, s in enumerate(spec.stages)}
    return spec.replace({"block": block, **widths})


Pairs = dict[str, tuple[rf.ResNetSpec, rf.ResNetSpec]]


def blocks_twice() -> Pairs:
    """Pairs of specs that write the blocks of one network in two ways."""
    r18, r50 = rf.load("resnet18"), rf.load("resnet50")
    wide, next50 = rf.load("wide_resnet50_2"), rf.load("resnext50_32x4d")
    x = {
        f"stages[{i}]": {
            "depth": stage.depth,
            "width": 4 * stage.width,
            "stride": stage.stride,
            "block": {"kind": "x", "ratio": 2, "group_width": stage.width // 16},
        }
        for i, stage in enumerate(next50.stages)
    }
    one_group = {"kind": "bottleneck", "expansion": 1}
    return {
        "a wide bottleneck": (wide, widened(wide, {"kind": "bottleneck", "expansion": 2}, 2)),
        "x of ratio 4": (r50, widened(r50, {"kind": "x", "ratio": 4, "group_width": 65536}, 4)),
        "x of ratio 2": (next50, next50.replace(x)),
        "x of one group": (
            r50.replace({"block": {"kind": "x", "group_width": 65536}}),
            r50.replace({"block": one_group}),
        ),
        "dropout of 0 in the branch": (
            r18,
            r18.replace({"block": {"kind": "basic", "dropout": 0.0}}),
        ),
        "reduced widths that are multiples already": (
            rf.load("seresnet50"),
            rf.load("seresnet50").replace({"block.attention.divisor": 8}),
        ),
        "one block that is never left out": (
            r18.replace({"stages": [{"depth": 1, "width": 64}]}),
            r18.replace(
                {
                    "stages": [{"depth": 1, "width": 64}],
                    "stochastic_depth": {"rate": 0.5, "rule": "linear_from_zero"},
                }
            ),
        ),
        "d2l": (
            rf.load("resnet18_d2l"),
            rf.load("resnet18_d2l").replace(
                {
                    "block": {
                        "branch": [
                            {"conv": 3, "stride": "block", "bias": True},
                            "norm",
                            "act",
                            {"conv": 3, "bias": True},
                            "norm",
                        ]
                    },
                    "shortcut": {
                        "match": "identity",
                        "change": {"path": [{"conv": 1, "stride": "block", "bias": True}]},
                    },
                }
            ),
        ),
    }


def shortcuts_twice() -> Pairs:
    """Pairs of specs that write the shortcuts of one network in two ways."""
    r18 = rf.load("resnet18")
    around = {"match": {"kind": "scaled"}, "change": {"kind": "scaled", "of": "projection"}}
    dropped = {
        "match": {"kind": "dropout", "rate": 0.0, "of": "identity"},
        "change": {"kind": "dropout", "rate": 0.0, "of": "projection"},
    }
    return {
        "scaled by 1 and 1": (r18, r18.replace({"shortcut": around})),
        "dropout of 0": (r18, r18.replace({"shortcut": dropped})),
        "avg_projection at stride 1": (
            r18.replace({"shortcut": "C"}),
            r18.replace({"shortcut": {"match": "avg_projection", "change": "projection"}}),
        ),
        "the pool of a dilated shortcut where none dilates": (
            rf.load("resnet18d"),
            rf.load("resnet18d").replace({"shortcut.change.pool_dilated": True}),
        ),
        "padding that pads nothing": (
            r18.replace({"shortcut": {"match": "zero_pad"}}),
            r18,
        ),
        "option letters": (r18.replace({"shortcut": "A"}), r18.replace({"shortcut": "zero_pad"})),
    }


@cache
def one_network_twice() -> Pairs:
    """Pairs of specs that mean one network."""
    r18 = rf.load("resnet18")
    return {
        **blocks_twice(),
        **shortcuts_twice(),
        "a norm said twice": (
            r18,
            r18.replace(
                {"stem": [{"conv": 7, "width": 64, "stride": 2}, "norm", "act", {"pool": "max"}]}
            ),
        ),
        "names": (r18, r18.replace({"name": "another"})),
    }


@pytest.mark.parametrize("name", one_network_twice())
def test_one_network_has_one_digest(name: str) -> None:
    one, other = one_network_twice()[name]
    assert one.digest == other.digest
    assert canonical(one) == canonical(other)
    plans = rf.plan(one, 64), rf.plan(other, 64)
    assert [*plans[0].state_dict.values()] == [*plans[1].state_dict.values()]
    assert plans[0].macs == plans[1].macs


@pytest.mark.parametrize(
    "name", ["x of one group", "scaled by 1 and 1", "d2l", "a norm said twice"]
)
def test_one_network_gives_the_same_answers(name: str) -> None:
    one, other = (
        spec.replace({**{f"stages[{i}].width": 8 for i in range(4)}, "head.num_classes": 5})
        if spec.head is not None and spec.head.kind == "classifier"
        else spec
        for spec in one_network_twice()[name]
    )
    model, copy = rf.build(one, seed=1).eval(), rf.build(other, seed=2).eval()
    values = model.state_dict().values()
    copy.load_state_dict(dict(zip(copy.state_dict(), values, strict=True)))
    x = torch.randn(2, one.in_channels, 33, 33)
    assert torch.equal(model(x), copy(x))


def test_only_what_differs_from_a_default_is_in_it() -> None:
    tree = canonical(rf.load("cifar_plain20"))
    assert tree["stages"][0][0] == {
        "branch": [
            {"op": "conv", "width": 16, "kernel": 3},
            {"op": "norm"},
            {"op": "act", "function": "relu"},
            {"op": "conv", "width": 16, "kernel": 3},
            {"op": "norm"},
        ],
        "exit": [{"op": "act", "function": "relu"}],
        "join": {"join": "none"},
    }
    assert "init" not in tree
    assert "closing" not in tree
