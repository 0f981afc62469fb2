"""Norms folded into convolutions: the same answers, and nothing folded that must not be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.export import ExportError, Pair, foldable
from resforge.testing import strategies
from torch import Tensor, nn

#: In float64 a fold is a few roundings of 1e-16 each, which deep random networks enlarge.
TOLERANCE = 1e-9
#: What stands before a convolution, or after a sum.
KEPT = {"bn0", "bn_sum", "norm"}
WRITTEN = {"stem", "entry", "branch", "exit", "downsample", "closing", "head"}


def lived(spec: rf.ResNetSpec) -> nn.Module:
    """A network whose norms have weights and statistics of their own."""
    model = rf.build(spec, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.data.uniform_(0.5, 1.5, generator=generator)
    return model


@settings(max_examples=30)
@given(strategies.specs(max_depth=2, max_width=4, input_size=15))
def test_a_fused_network_answers_alike(spec: rf.ResNetSpec) -> None:
    model = lived(spec).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fused = rf.fuse(model)
    x = torch.randn(2, spec.in_channels, 17, 15, dtype=torch.float64)
    assert not fused.training
    assert model.training
    with torch.no_grad():
        ours, theirs = fused(x), model.eval()(x)
    scale = theirs.abs().max().item()
    torch.testing.assert_close(ours, theirs, rtol=0.0, atol=TOLERANCE * max(scale, 1e-300))
    after = model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    norms = [name for name, m in fused.named_modules() if isinstance(m, nn.BatchNorm2d)]
    # Chains that are written out have norms in any place.
    norms = [name for name in norms if WRITTEN.isdisjoint(name.split("."))]
    norms = [name for name in norms if _follows_conv(fused, name)]
    assert {name.rpartition(".")[2] for name in norms} <= KEPT


def _follows_conv(model: nn.Module, norm: str) -> bool:
    """Whether what a norm is numbered after is a convolution, and no operation in its place."""
    modules, (owner, _, name) = dict(model.named_modules()), norm.rpartition(".")
    before = modules.get(f"{owner}.{name.replace('bn', 'conv')}".lstrip("."))
    return before is None or isinstance(before, nn.Conv2d)


AVERAGE = {"pool": "avg", "kernel": 3, "stride": 1, "padding": 1}


@pytest.mark.parametrize("op", [{"blur": 3, "stride": 1}, {"scale": 0.5}, AVERAGE], ids=str)
def test_a_norm_after_an_operation_in_a_convolutions_place_stays(op: Any) -> None:
    spec = rf.load("cifar_resnet20").replace({"block": {"kind": "basic", "conv2": op}})
    assert "layer1.0.bn2" in dict(rf.fuse(lived(spec)).named_modules())
    assert "layer1.0.bn1.weight" not in rf.fuse(lived(spec)).state_dict()


def test_the_state_dict_of_a_fused_network() -> None:
    model = rf.build("resnet18")
    fused = rf.fuse(model).state_dict()
    pairs = foldable(model)
    assert pairs[0] == Pair("conv1", "bn1")
    assert Pair("layer2.0.downsample.0", "layer2.0.downsample.1") in pairs
    assert len(pairs) == 20
    wanted = {name for name in model.state_dict() if not any(p.norm + "." in name for p in pairs)}
    assert set(fused) == wanted | {f"{pair.conv}.bias" for pair in pairs}


@pytest.mark.parametrize(
    ("changes", "norms"),
    [
        ({"block": {"kind": "basic", "order": "full_pre"}}, ["bn0", "norm"]),
        ({"block": {"kind": "basic", "order": "norm_after_add"}}, ["bn_sum"]),
        ({"block": {"kind": "basic", "order": "relu_only_pre"}}, []),
    ],
)
def test_what_is_left(changes: Any, norms: list[str]) -> None:
    fused = rf.fuse(rf.build(rf.load("cifar_resnet20").replace(changes)))
    left = {n.rpartition(".")[2] for n, m in fused.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert left == set(norms)


def test_a_convolution_that_is_used_twice_is_left_alone() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.bn = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)
            self.other, self.last = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            out: Tensor = self.last(self.other(self.other(self.bn(y) + y)))
            return out

    assert foldable(Twice()) == []


def test_fused_networks_go_on() -> None:
    """They are ordinary modules: exported, scripted with torch.fx, fused again."""
    fused = rf.fuse(rf.build("cifar_resnet20"))
    x = torch.randn(2, 3, 16, 16)
    assert torch.equal(torch.fx.symbolic_trace(fused)(x), fused(x))
    assert torch.equal(torch.export.export(fused, (x,)).module()(x), fused(x))
    assert foldable(fused) == []
    with pytest.raises(rf.ResforgeError, match="no longer the network of its spec"):
        rf.spec_of(fused)


def test_what_cannot_be_traced() -> None:
    class Forks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(ExportError, match=r"torch\.fx cannot trace Forks"):
        rf.fuse(Forks())


@pytest.mark.parametrize("call", [rf.fuse, rf.for_inference, foldable])
def test_what_is_no_module(call: Callable[[Any], object]) -> None:
    message = rf"{call.__name__} takes a module, not str\n  help: .*rf\.build"
    with pytest.raises(rf.SpecError, match=message):
        call("resnet18")
