"""Gradient checkpointing: less memory, and nothing else changes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.testing import strategies
from torch import Tensor, nn

SMALL = strategies.specs(max_depth=2, max_width=4, input_size=16)


def _step(model: Any, x: Tensor) -> list[Tensor]:
    """Outputs, gradients and buffers of one step of training."""
    torch.manual_seed(1)
    out = model.train()(x)
    outputs = [out] if isinstance(out, Tensor) else out
    sum(each.sin().sum() for each in outputs).backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(gradient is not None for gradient in gradients)
    return [*outputs, *gradients, *model.buffers()]


def _held(model: Any, x: Tensor) -> int:
    """Bytes that a forward pass keeps for the gradients, beside the parameters."""
    own = {p.data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = model.train()(x)
    del out
    return sum(kept.values())


@settings(max_examples=25)
@given(SMALL)
def test_a_step_stays_the_same(spec: rf.ResNetSpec) -> None:
    """Random branches and dropout are drawn again as they were; statistics move once."""
    plain, kept = rf.build(spec), rf.build(spec, checkpoint=True)
    assert (kept.grad_checkpointing, plain.grad_checkpointing) == (True, False)
    x = torch.randn(3, spec.in_channels, 17, 16)
    for one, other in zip(_step(plain, x), _step(kept, x), strict=True):
        assert torch.equal(one.nan_to_num(), other.nan_to_num())
    assert rf.spec_of(kept) == spec


@pytest.mark.parametrize("norm", ["batch", "evonorm_b0"])
def test_buffers_are_the_same_tensors(norm: str) -> None:
    """A wrapper for several processes holds them, and a sum over processes is made in place."""
    spec = rf.load("cifar_resnet20").replace({"norm": norm})
    model = rf.build(spec, checkpoint=True)
    before = dict(model.named_buffers())
    values = copy.deepcopy(before)
    _step(model, torch.randn(2, 3, 8, 8))
    after = dict(model.named_buffers())
    assert all(after[name] is buffer for name, buffer in before.items())
    moved = [name for name in before if not torch.equal(before[name], values[name])]
    assert len(moved) == len(before)


def test_less_is_kept() -> None:
    x = torch.randn(2, 3, 64, 64)
    model = rf.build("resnet50")
    whole = _held(model, x)
    model.set_grad_checkpointing()
    assert _held(model, x) < whole / 2
    model.set_grad_checkpointing(False)
    assert type(model.layer1) is nn.Sequential
    assert _held(model, x) == whole


def _maps(model: Any) -> Any:
    return rf.FeatureMaps(model, (0, 2, 3))


def _children(model: Any) -> Any:
    return nn.Sequential(*list(model.children())[:-2])


@pytest.mark.parametrize(
    "part",
    [_maps, _children, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["maps", "children", "copy", "pickle"],
)
def test_parts_are_checkpointed_too(part: Callable[[Any], Any]) -> None:
    spec, x = rf.load("cifar_resnet20"), torch.randn(2, 3, 16, 16)
    plain, kept = part(rf.build(spec)), part(rf.build(spec, checkpoint=True))
    assert _held(kept, x) < _held(plain, x) / 2
    for one, other in zip(_step(plain, x), _step(kept, x), strict=True):
        assert torch.equal(one, other)


def test_maps_turn_it_on() -> None:
    maps = rf.FeatureMaps(rf.build("cifar_resnet20"))
    whole = _held(maps, torch.randn(2, 3, 16, 16))
    maps.set_grad_checkpointing()
    assert _held(maps, torch.randn(2, 3, 16, 16)) < whole / 2
    assert rf.spec_of(maps) == rf.load("cifar_resnet20")


@pytest.mark.slow
def test_checkpointing_is_compiled() -> None:
    spec, x = rf.load("cifar_resnet20"), torch.randn(2, 3, 16, 16)
    torch._dynamo.reset()
    kept = rf.build(spec, checkpoint=True)
    compiled = torch.compile(kept, backend="aot_eager", fullgraph=True)
    for one, other in zip(_step(rf.build(spec), x), _step(compiled, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_stage_of_another_class_is_refused() -> None:
    model = rf.build("cifar_resnet20")
    model.layer2 = nn.Conv2d(16, 32, 1)
    with pytest.raises(ValueError, match="a stage that is Conv2d cannot be checkpointed"):
        model.set_grad_checkpointing()
    assert type(model.layer1) is nn.Sequential
