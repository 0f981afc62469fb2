"""``init: {zero_residual: true}``: each branch starts at 0, and all of it can be trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import resforge as rf
import torch
from resforge.specs.activation import ACTIVATIONS, fields_of
from resforge.specs.operation import OPERATIONS
from resforge.specs.operations.act import act_call
from torch import nn

Tree = dict[str, Any]


def network(block: Tree, **fields: Any) -> Tree:
    return {
        "resforge": 1,
        "stem": {"kind": "conv3x3", "width": 12},
        "stages": [{"depth": 2, "width": 12}],
        "block": block,
        "head": {"num_classes": 4},
        "init": {"zero_residual": True},
        **fields,
    }


def blocks() -> Iterator[tuple[str, Tree]]:
    """Every operation in place of a convolution, and at the end of a chain."""
    for kind, model in OPERATIONS.items():
        for fields in model.samples or ({},):
            tree = {"kind": kind, **fields}
            name = f"{kind}-{fields}"
            yield f"conv1-{name}", {"kind": "basic", "conv1": tree}
            yield f"conv2-{name}", {"kind": "basic", "conv2": tree}
            yield f"last-{name}", {"branch": [{"conv": 3}, "norm", tree]}
            yield f"second-{name}", {"branch": [{"conv": 3}, "norm", "act", tree, {"conv": 1}]}


BLOCKS = dict(blocks())


def untrained(tree: Tree) -> set[str]:
    """The parameters of the second block that no gradient reaches in a few steps, whatever the
    seed: a few units after a ReLU may all be dead."""
    return set.intersection(*(untrained_from(tree, seed) for seed in range(3)))


def untrained_from(tree: Tree, seed: int) -> set[str]:
    model = rf.build(tree, seed=seed).train()
    torch.manual_seed(seed)
    block, optimizer = model.layer1[1], torch.optim.SGD(model.parameters(), lr=0.05)
    idle = {key for key, _ in block.named_parameters()}
    images, labels = torch.randn(8, 3, 16, 16), torch.arange(8) % 4
    for _ in range(4):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        idle -= {key for key, value in block.named_parameters() if value.grad.abs().max() > 0.0}
        optimizer.step()
    return idle


@pytest.mark.parametrize("name", BLOCKS)
def test_a_branch_starts_at_0_and_all_of_it_is_trained(name: str) -> None:
    tree = network(BLOCKS[name])
    usual = tree | {"init": {}}
    try:
        rf.load(usual)
    except rf.SpecError:
        return  # the operation is of no use there
    try:
        model = rf.build(tree, seed=0).train()
    except rf.SpecError as error:
        assert error.faults[0].path == "init.zero_residual"
        assert not name.startswith("second-")  # which end in a convolution
        return
    x = torch.randn(4, 12, 8, 8).relu()
    assert torch.equal(model.layer1[1](x), x)
    # After an activation some have no gradient in any network.
    assert untrained(tree) <= untrained(usual)


BEHIND: list[tuple[list[list[Any]], str | None]] = [
    ([["act"], ["act"]], "would keep .* it ends in a relu"),
    ([["act"], [{"scale": 1.0}]], None),
    ([["act"], [{"act": "sigmoid"}]], "would not start .* it ends in a sigmoid"),
    ([[{"shift": 0.5}], [{"scale": 1.0}]], "would not start .* it ends in a shift"),
    ([["act"], [{"parallel": [["act"], ["act"]]}]], "would keep .* it ends in a relu"),
    ([["act"], [{"parallel": [["act"], [{"act": "silu"}]]}]], None),
]


@pytest.mark.parametrize(("paths", "fault"), BEHIND)
def test_paths_behind_the_last_norm(paths: list[list[Any]], fault: str | None) -> None:
    tree = network({"branch": [{"conv": 3}, "norm", {"parallel": paths}]})
    if fault is not None:
        with pytest.raises(rf.SpecError, match=fault):
            rf.load(tree)
        return
    model, x = rf.build(tree, seed=0).train(), torch.randn(4, 12, 8, 8).relu()
    assert torch.equal(model.layer1[1](x), x)
    assert not untrained(tree)


@pytest.mark.parametrize("name", sorted({*ACTIVATIONS} - {"none"}))
def test_what_an_activation_does_at_0(name: str) -> None:
    made = act_call(name, False)
    function = getattr(nn, made.name.removeprefix("nn."))()
    x = torch.zeros(1, requires_grad=True)
    y = function(x)
    y.backward()
    fields = fields_of(name)
    assert y.item() == pytest.approx(fields.at_zero, abs=1e-7)
    assert x.grad is not None
    assert (x.grad.item() == 0.0) == fields.is_dead_at_zero
