"""Chains beside each other, and a map that is moved, against formulas written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import resforge as rf
import torch
from resforge.blocks import Parallel, Translate
from resforge.specs.expand import expand
from resforge.specs.layer import Module
from torch import Tensor, nn

STAGES = [{"depth": 1, "width": 4}, {"depth": 2, "width": 6, "stride": 2}]
ENDS = {"stem": {"kind": "conv3x3", "width": 4}, "head": {"num_classes": 3}}


def spec_with(op: Any, **fields: Any) -> rf.ResNetSpec:
    """A network with ``op`` in each branch."""
    branch = [{"conv": 3, "stride": "block"}, "norm", op, {"conv": 3}, "norm"]
    return rf.load({"resforge": 1, "stages": STAGES, **ENDS, "block": {"branch": branch}, **fields})


def paths() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 1))


@pytest.mark.parametrize("join", ["add", "mean", "cat", "shake"])
def test_paths_become_one_map(join: Any) -> None:
    of, x = paths(), torch.randn(3, 2, 5, 4)
    one, other = of[0](x), of[1](x)
    half = torch.tensor(0.5)
    wanted = {
        "add": one + other,
        "mean": (one + other) / 2,
        "cat": torch.cat([one, other], 1),
        "shake": half * one + half * other,
    }
    assert torch.equal(Parallel(of, join).eval()(x), wanted[join])


def test_a_shake_has_other_weights_in_each_direction() -> None:
    """Forward a F1 + (1 - a) F2, backward b and 1 - b, for each image."""
    one, other = (torch.randn(4, 2, 3, 3, requires_grad=True) for _ in range(2))
    held = iter((one, other))
    of = nn.Sequential(nn.Identity(), nn.Identity())
    for path in of:
        path.forward = lambda x: next(held)  # type: ignore[method-assign]
    shake = Parallel(of, "shake").train()
    torch.manual_seed(0)
    y = shake(torch.zeros(4, 2, 3, 3))
    torch.manual_seed(0)
    a, b = torch.rand(4, 1, 1, 1), torch.rand(4, 1, 1, 1)
    # The sum is rounded in another order.
    torch.testing.assert_close(y, a * one + (1 - a) * other, rtol=0, atol=1e-6)
    y.backward(seen := torch.randn_like(y))
    torch.testing.assert_close(one.grad, b * seen, rtol=0, atol=1e-6)
    torch.testing.assert_close(other.grad, (1 - b) * seen, rtol=0, atol=1e-6)
    assert (a != b).all()
    assert len(a.unique()) == 4


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("pixels", [1, 2, 9])
def test_a_map_is_moved(dims: int, pixels: int) -> None:
    x = torch.randn(2, 3, *(4, 5, 3)[:dims])
    wanted = torch.zeros_like(x)
    for index in torch.cartesian_prod(*(torch.arange(side) for side in x.shape)).tolist():
        from_ = [*index[:2], *(i + pixels for i in index[2:])]
        if all(i < side for i, side in zip(from_, x.shape, strict=True)):
            wanted[tuple(index)] = x[tuple(from_)]
    assert torch.equal(Translate(pixels, dims)(x), wanted)


def test_a_factorized_shortcut_is_that_of_shake_shake() -> None:
    model = rf.build(spec_with("act", shortcut="factorized"), seed=1).eval()
    shortcut, x = model.layer2[0].downsample, torch.randn(2, 4, 6, 6)
    z = torch.relu(x)
    here, beside = (path.conv1.weight for path in shortcut[1].paths)
    halves = [
        nn.functional.conv2d(z[:, :, ::2, ::2], here),
        nn.functional.conv2d(z[:, :, 1::2, 1::2], beside),
    ]
    wanted = shortcut[2](torch.cat(halves, 1))
    assert torch.equal(shortcut(x), wanted)


def test_what_is_left_out_is_as_in_the_chain_around() -> None:
    """Widths of the branch, and in a stem those that come in."""
    block = rf.plan(spec_with({"parallel": [[{"conv": 1}], [{"conv": 3, "width": "x1"}]]}), 8)
    assert {layer.out_channels for layer in block.stages[1][0].branch if "paths" in layer.name} == {
        6
    }
    stem = [
        {"conv": 3, "width": 5},
        {"parallel": [[{"conv": 1, "width": 3}, {"conv": 1}], ["act"]]},
    ]
    with pytest.raises(rf.SpecError, match="paths that end in 3 and 5 channels"):
        spec_with("act", stem=stem)


def test_paths_in_paths() -> None:
    inner = {"parallel": [["act"], [{"conv": 3}]], "join": "cat"}
    spec = spec_with({"parallel": [[inner, {"conv": 1}], ["norm"], [{"translate": 1}]]})
    assert rf.loads(spec.to_yaml()) == spec
    assert expand(spec).digest == spec.digest
    model, x = rf.build(spec).eval(), torch.randn(2, 3, 12, 12)
    op = model.layer1[0].branch.parallel1 if hasattr(model.layer1[0], "branch") else None
    assert isinstance(op, Parallel)
    maps: list[Tensor] = []
    op.register_forward_hook(lambda module, args, out: maps.extend((args[0], out)))
    model(x)
    z, y = maps
    path = op.paths[0]
    both = torch.cat([torch.relu(z), path.parallel1.paths[1](z)], 1)
    assert torch.equal(y, path.conv1(both) + op.paths[1](z) + op.paths[2](z))


def test_a_path_sees_what_the_widest_sees() -> None:
    def field(op: Any) -> Any:
        return rf.plan(spec_with(op), 32).stages[0][0].receptive_field

    wide = {"parallel": [["act"], [{"conv": 7}]]}
    assert field(wide) == field({"conv": 7}) == field("act") + 6
    assert field({"parallel": [["act"], [{"translate": 2}]]}) == field("act") + 2


def test_each_path_counts_and_the_longest_is_the_depth() -> None:
    one, two = [{"conv": 3}], [{"conv": 3}, "act", {"conv": 3}]
    plans = [rf.plan(spec_with({"parallel": each}), 16) for each in ([one, two], [two, one])]
    assert plans[0].params == plans[1].params
    alone = rf.plan(spec_with({"conv": 3}), 16)
    assert plans[0].macs - alone.macs == 2 * (alone.macs - rf.plan(spec_with("act"), 16).macs)
    within = [{"parallel": [one, [*two, *two]]}, {"conv": 1}]
    for paths_, longest in (
        ([one, two], 2),
        ([two, one], 2),
        ([["act"], one], 1),
        ([one, within, two], 5),
        ([within, one], 5),
    ):
        plan = rf.plan(spec_with({"parallel": paths_}), 16)
        # Three blocks, each one convolution more than the paths have.
        assert plan.depth == alone.depth + 3 * (longest - 1)
        # Modules and plan say the same of each layer.
        for block in (block for stage in plan.stages for block in stage):
            ways = {layer.name: layer.path for layer in block.branch}
            for module in held(block.modules.branch):
                for layer in module.layers:
                    assert ways[f"{block.name}.{layer.name}"] == layer.path


def held(modules: Iterable[Module]) -> Iterator[Module]:
    for module in modules:
        yield module
        yield from held(module.inner)


def test_joins_are_told_apart_by_digests_but_for_an_evaluation() -> None:
    of = [["act"], ["norm"]]
    digests = {spec_with({"parallel": of, "join": j}).digest for j in ("add", "mean", "shake")}
    assert len(digests) == 3
    mean, shake = (spec_with({"parallel": of, "join": join}) for join in ("mean", "shake"))
    model = rf.build(shake)
    # One function in evaluation, so that weights of one are weights of the other.
    rf.load_weights(rf.build(mean), model.state_dict())
    assert spec_with({"parallel": of[::-1]}).digest != spec_with({"parallel": of}).digest


def test_a_branch_that_ends_in_paths_has_no_last_norm() -> None:
    branch = {"parallel": [[{"conv": 3, "stride": "block"}, "norm"]] * 2, "join": "shake"}
    with pytest.raises(rf.SpecError, match=r"zero_residual .* layer1.0 ends in parallel"):
        spec_with("act", block={"branch": [branch]}, init={"zero_residual": True})
    spec_with(branch | {"parallel": [["act"], ["norm"]]}, init={"zero_residual": True})


@pytest.mark.parametrize("dims", [1, 3])
def test_on_other_axes(dims: int) -> None:
    op = {"parallel": [["act", {"conv": 3}], [{"translate": 1}]], "join": "shake"}
    spec = spec_with(op, dims=dims, shortcut="factorized")
    model = rf.build(spec)
    assert model(torch.randn(2, 3, *(8, 8, 8)[:dims])).shape == (2, 3)
