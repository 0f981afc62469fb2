"""`infer_spec` of operations and chains that stand in a network, with numbers of no entry."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from resforge.specs import OPERATIONS
from resforge.specs.norm import BatchNormSpec
from resforge.specs.operations import ConvSpec, Res2NetSpec, SplitAttentionSpec
from resforge.specs.seen import Seen
from resforge.specs.site import Site
from resforge.weights import infer_spec
from resforge.weights.operations import Place, operations_at
from resforge.weights.values import Numbers, values_of

SMALL: dict[str, Any] = {
    "resforge": 1,
    "in_channels": 2,
    "stem": {"kind": "conv3x3", "width": 8},
    "stages": [{"depth": 1, "width": 8}, {"depth": 2, "width": 12, "stride": 2}],
    "head": {"kind": "classifier", "num_classes": 3},
}
CONV = {"conv": 3, "stride": "block"}
CHANGES: dict[str, dict[str, Any]] = {
    "scales": {"block": {"kind": "bottleneck", "width_per_group": 48, "conv2": {"res2net": 3}}},
    "splits": {"block": {"kind": "bottleneck", "conv2": {"split_attention": 2, "least": 6}}},
    "windows": {"block": {"kind": "basic", "conv1": {"selective_kernel": [3, 7], "divisor": 2}}},
    "blur": {"block": {"kind": "basic", "stride_by": {"blur": 5, "padding": "zeros"}}},
    "cbam": {"block": {"kind": "basic", "attention": {"cbam": 3, "kernel": 5}}},
    "chain": {"block": {"branch": [CONV, "norm", "act", {"conv": 1}, {"multiply": 0.3}]}},
    "path": {"shortcut": {"path": [{"conv": 3, "stride": "block"}, "norm", {"dropout": 0.1}]}},
    "stem": {"stem": [{"conv": 5, "width": 6, "stride": 2}, "act", {"conv": 1}, "norm"]},
    "head": {"head": ["global_pool", {"linear": 6}, "act", {"linear": 3}]},
    "between": {
        "stages[1].before": [{"conv": 3, "width": 10}, {"pool": "max", "kernel": 2, "padding": 0}]
    },
    "closing": {"closing": [{"conv": 1, "width": 14}, "act"]},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_part_with_numbers_of_no_entry(name: str) -> None:
    spec = rf.ResNetSpec(**SMALL).replace(CHANGES[name])
    found, certificate = infer_spec(rf.build(spec))
    assert (found.digest, certificate.kind) == (spec.digest, "bitwise")


def seen_of(op: rf.specs.Operation, place: Place, name: str) -> Seen:
    """What a state dict shows of an operation."""
    laid = place.laid(name, op)
    assert laid is not None
    tensors: dict[str, dict[str, tuple[int, ...]]] = {}
    for layer in laid[0].layers:
        for tensor, shape in layer.parameters.items():
            owner, _, leaf = tensor.rpartition(".")
            tensors.setdefault(owner, {})[leaf] = shape
    return Seen(tensors)


@pytest.mark.parametrize(
    "op",
    [
        Res2NetSpec(scales=6, kernel=5, groups=2),
        SplitAttentionSpec(radix=3, groups=2, kernel=5, least=10),
    ],
    ids=lambda op: op.kind,
)
def test_fields_are_found_from_shapes_alone(op: rf.specs.Operation) -> None:
    site = Site.of_end(24, BatchNormSpec(), "relu")
    place = Place(24, site, 24)
    found = operations_at(seen_of(op, place, "conv2"), "conv2", place)
    laid, wanted = place.laid("conv2", found[0].op), place.laid("conv2", op)
    assert laid is not None
    assert wanted is not None
    assert [layer.parameters for layer in laid[0].layers] == [
        layer.parameters for layer in wanted[0].layers
    ]


def test_what_no_operation_has_is_not_found() -> None:
    site = Site.of_end(8, BatchNormSpec(), "relu")
    seen = Seen({"conv2.other": {"weight": (3, 5, 7, 7)}})
    kinds = {kind: model for kind, model in OPERATIONS.items() if kind != "conv"}
    assert operations_at(seen, "conv2", Place(8, site, 8), kinds) == []


def test_values_are_read_from_the_type_of_a_field() -> None:
    numbers = Numbers(Seen({"conv": {"weight": (6, 4, 3, 3)}}), (12,))
    fields = ConvSpec.model_fields
    assert {3, 4, 6, 12} <= {*values_of(fields["width"].annotation, numbers)}
    assert [*values_of(fields["bias"].annotation, numbers)] == [False, True, None]
    assert "block" in values_of(fields["stride"].annotation, numbers)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stem": ["norm", "act"]},
        {"in_channels": 3, "block": "bottleneck"},
        {"block": {"branch": [{"conv": 3, "stride": "block"}, "norm", "act", {"conv": 3}, "norm"]}},
        {"stages[0].before": [{"conv": 3, "width": 8}]},
    ],
    ids=str,
)
def test_without_a_convolution_in_the_stem(changes: dict[str, Any]) -> None:
    bare = {
        "resforge": 1,
        "in_channels": 8,
        "stem": [],
        "stages": [{"depth": 2, "width": 8}, {"depth": 1, "width": 16, "stride": 2}],
        "head": {"num_classes": 5},
    }
    spec = rf.ResNetSpec(**bare).replace(changes)
    found, certificate = infer_spec(rf.build(spec))
    assert (found.digest, certificate.kind) == (spec.digest, "bitwise")
    if "stages[0].before" not in changes:
        assert infer_spec(rf.build(spec).state_dict()).spec.digest == spec.digest


def test_a_network_without_convolutions() -> None:
    weight, numbers = torch.ones(5, 8), torch.ones(8)
    norms = {f"layer1.0.bn1.{name}": numbers for name in ("weight", "bias", "running_mean")}
    with pytest.raises(rf.WeightsError, match="neither its stem nor its first block has a conv"):
        infer_spec({**norms, "layer1.0.bn1.running_var": numbers, "fc.weight": weight})
