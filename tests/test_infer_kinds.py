"""`infer_spec` of every kind of the language, in every place where it may stand."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import Any, Literal

import pytest
import resforge as rf
import torch
from hypothesis import event, given, settings
from layout_cases import SMALL
from resforge.builder.registration import unregister
from resforge.planner.plan import lay_out
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS
from resforge.specs.call import call
from resforge.testing.strategies import specs
from resforge.weights import infer_spec
from resforge.weights.functions import functions
from torch import Tensor, nn

CHANGES: dict[str, dict[str, Any]] = {
    "identity": {"stages[1].width": 8, "stages[1].stride": 1, "shortcut": "identity"},
    "option C": {"shortcut": {"match": "projection", "change": "projection"}},
    "3x3 projection": {"shortcut": {"kind": "projection", "kernel": 3}},
    "projection without norm": {"shortcut": {"kind": "projection", "norm": False, "bias": True}},
    "zero_pad both": {"shortcut": {"kind": "zero_pad", "pad": "both"}},
    "zero_pad avg": {"shortcut": {"kind": "zero_pad", "subsample": "avg_pool"}},
    "plain": {"shortcut": "none"},
    "v1": {"block": {"kind": "bottleneck", "stride_on": "conv1"}},
    "resnext": {"block": {"kind": "bottleneck", "groups": 4, "width_per_group": 16}},
    "eca": {"block": {"kind": "basic", "attention": {"kind": "eca", "kernel": 5}}},
    "se in a stage": {
        "stages[1].block": {"kind": "basic", "attention": {"kind": "se", "reduction": 4}}
    },
    "dilation": {"stages[1].stride": 1, "stages[1].dilation": 2},
    "first dilation": {"stages[1].dilation": 2, "stages[1].first_dilation": 2},
    "group norm": {"norm": {"kind": "group", "groups": 4}},
    "no norm": {"norm": "none"},
    "eps": {"norm": {"kind": "batch", "eps": 0.001, "momentum": 0.01}},
    "silu": {"activation": "silu"},
    "no pool": {"stem.pool": "none"},
    "biased stem": {"stem.bias": True},
    "no head": {"head": None},
    "d2l": {"block": "d2l"},
    "two kinds of blocks": {"stages[0].block": "bottleneck"},
    "blocks of a stage": {
        "stages[1]": {"width": 16, "stride": 2, "blocks": [{}, {"shortcut": "projection"}]}
    },
    "one channel": {"in_channels": 1},
}


@pytest.mark.parametrize("name", CHANGES)
def test_words_of_the_language(name: str) -> None:
    spec = rf.ResNetSpec(**SMALL).replace(CHANGES[name])
    found, certificate = infer_spec(rf.build(spec))
    assert found.digest == spec.digest
    assert certificate.kind == "bitwise"


def hosts(family: str, kind: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Changes of a small network after which it holds the kind, in each place where it may be."""
    word = {"kind": kind, **fields}
    if family in ("stem", "head"):
        return [{family: word}]
    if family == "block":
        return [{"block": word}, {"stages[1].block": word}]
    if family == "shortcut":
        option_c = {"match": "projection", "change": "projection"}
        pairs = [option_c | {"match": word}, option_c | {"change": word}]
        pairs += [{"match": "identity", "change": word}, {"match": word, "change": word}]
        return [{"shortcut": pair} for pair in pairs]
    conv = {"conv": 3, "stride": "block"}
    chains = [{"branch": [conv, "norm", "act", word, {"conv": 3}]}, {"branch": [conv, word]}]
    heads = [{"head": [word, {"linear": 5}]}, {"head": ["global_pool", word]}]
    named = [{"kind": "basic", "attention": word}, {"kind": "bottleneck", "attention": word}]
    return [*({"block": block} for block in [*named, *chains]), *heads]


FAMILIES: dict[str, Any] = {
    "stem": STEMS,
    "block": BLOCKS,
    "shortcut": SHORTCUTS,
    "head": HEADS,
    "operation": OPERATIONS,
}
EVERY_KIND = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]


def networks_with(family: str, kind: str, sample: dict[str, Any]) -> list[rf.ResNetSpec]:
    """Small networks with a sample of a kind, one for each place; at least one."""
    small = rf.ResNetSpec(**SMALL)
    found = []
    for changes in hosts(family, kind, sample):
        with suppress(rf.SpecError):
            found.append(small.replace(changes))
    assert found
    return found


@pytest.mark.parametrize(("family", "kind"), EVERY_KIND)
def test_every_kind_is_inferred_or_refused_in_every_place(family: str, kind: str) -> None:
    """The law has its other samples, each in one place."""
    for spec in networks_with(family, kind, FAMILIES[family][kind].samples[0]):
        model = rf.build(spec)
        try:
            found, _ = infer_spec(model)
        except rf.WeightsError as error:
            assert "no spec for this network: " in str(error)
        else:
            if kind in ("scale", "shift"):
                # Where a tensor starts does not show in it: `{scale: 0.5}` is a `scale`.
                assert functions(lay_out(found)) == functions(lay_out(spec))
            else:
                assert found.digest == spec.digest


@pytest.mark.parametrize(("family", "kind"), EVERY_KIND)
def test_the_state_dict_of_every_sample_is_inferred_or_refused(family: str, kind: str) -> None:
    for sample in FAMILIES[family][kind].samples:
        tensors = lay_out(networks_with(family, kind, sample)[0]).state_dict
        try:
            found, _ = infer_spec({name: torch.empty(shape) for name, shape in tensors.items()})
        except rf.WeightsError as error:
            assert "no spec for this network: " in str(error)
        else:
            assert lay_out(found).state_dict == tensors


class NegatedSpec(rf.specs.BlockSpec):
    """F(x) = -norm(conv(x)), which has the names of a part of a basic block."""

    kind: Literal["negated"] = "negated"

    def trace(self, trace: Any, name: str, site: Any) -> None:
        trace.conv(f"{name}.conv1", site.out_channels, 3, site.stride)
        trace.norm(f"{name}.bn1", site.norm)

    def call(self, module: Any) -> Any:
        conv = module.layer
        return call("Negated", conv.in_channels, conv.out_channels, conv.stride)


class Negated(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        super().__init__(OrderedDict(conv1=conv, bn1=nn.BatchNorm2d(out_channels)))

    def forward(self, x: Tensor) -> Tensor:
        return -super().forward(x)


def test_a_registered_kind_is_inferred_and_refused_once_it_is_forgotten() -> None:
    rf.register(NegatedSpec, Negated)
    try:
        spec = rf.ResNetSpec(**SMALL).replace({"block": "negated"})
        model = rf.build(spec)
        found, certificate = infer_spec(model)
        assert (found.digest, certificate.kind) == (spec.digest, "bitwise")
    finally:
        unregister(NegatedSpec)
    with pytest.raises(rf.WeightsError, match="no spec for this network"):
        infer_spec(model)


def test_one_network_in_two_words() -> None:
    """Half the expansion of twice the width is a width_per_group of 128."""
    spec = rf.ResNetSpec(**SMALL).replace({"block": {"kind": "bottleneck", "expansion": 2}})
    found, certificate = infer_spec(rf.build(spec))
    assert found.block.model_dump()["width_per_group"] == 128
    assert certificate.kind == "bitwise"


@given(specs())
@settings(max_examples=8)
def test_nothing_false_is_certified(spec: rf.ResNetSpec) -> None:
    """Any network of the language: refused, or the same outputs from its own weights.

    ``--hypothesis-show-statistics`` shows how many are refused.
    """
    model = rf.build(spec, seed=3).eval()
    try:
        found, certificate = infer_spec(model)
    except rf.WeightsError as error:
        event(f"refused: {str(error).splitlines()[0][:80]}")
        return
    event("told")
    assert certificate.kind in ("bitwise", "close")
    other = rf.build(found).eval()
    other.load_state_dict(model.state_dict())
    # In double precision, which tells rounding from another function.
    model, other = model.double(), other.double()
    x = torch.randn(1, spec.in_channels, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(other(x), model(x), rtol=1e-6, atol=1e-9)
