"""Networks for inference: the outputs of the network in any precision, the network untouched."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from types import MethodType
from typing import Any

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from resforge import blocks
from resforge.export import InferenceModel
from resforge.testing import strategies
from torch import Tensor, nn

#: Largest error, as a fraction of the largest output. A rounding is 2^-53, 2^-24, 2^-11 or 2^-8;
#: each of about 20 layers adds some. A norm that is folded wrongly is wrong by the whole.
TOLERANCE = {
    torch.float64: 1e-9,
    torch.float32: 1e-5,
    torch.float16: 0.01,
    torch.bfloat16: 0.06,
}
#: Norms of a few almost equal numbers, which are drawn too, enlarge a rounding; float16 overflows.
DRAWN = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 0.3}
SIZES = {1: (65,), 2: (17, 15), 3: (15, 15, 15)}


def lived(spec: Any) -> nn.Module:
    """A network in float64 whose vectors, and the statistics of its norms, have both signs."""
    model = rf.build(spec, dtype=torch.float64).eval()
    generator = torch.Generator().manual_seed(0)
    for name, tensor in model.state_dict().items():
        if tensor.ndim < 2 and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=generator)
            if not name.endswith("running_var"):
                tensor.mul_(torch.randint(2, tensor.shape, generator=generator) * 2 - 1)
    return model


def pictures(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def check(model: nn.Module, x: Tensor, tolerances: Mapping[torch.dtype, float] = TOLERANCE) -> None:
    """Compare every precision with the network in float64."""
    with torch.no_grad():
        want = model(x)
    scale = max(want.abs().max().item(), 1e-300)
    for dtype, tolerance in tolerances.items():
        # As a user calls it: with floats.
        found = rf.for_inference(model, dtype)(x if dtype is torch.float64 else x.float())
        assert found.dtype == (torch.float64 if dtype is torch.float64 else torch.float32)
        assert found.is_contiguous()
        assert (found - want).abs().max().item() <= tolerance * scale, dtype


@settings(max_examples=10)
@given(strategies.specs(max_depth=2, max_width=4, input_size=15, dims=(1, 2, 3)))
def test_the_outputs_are_those_of_the_network(spec: rf.ResNetSpec) -> None:
    model = lived(spec).train()
    before = copy.deepcopy(model.state_dict())
    x = pictures(2, spec.in_channels, *SIZES[spec.dims])
    rf.for_inference(model, torch.bfloat16)(x)
    assert model.training
    after = model.state_dict()
    assert all(
        torch.equal(after[name], tensor) and after[name].stride() == tensor.stride()
        for name, tensor in before.items()
    )
    check(model.eval(), x, DRAWN)


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "evonorm_b0"},
        {"norm": {"kind": "group", "groups": 4}},
        {"norm": "none", "convolution": "scaled_standardized"},
        {"block": {"kind": "basic", "attention": "se"}},
        {"block": {"kind": "basic", "attention": "cbam"}},
        {"block": {"kind": "basic", "order": "full_pre"}},
    ],
    ids=str,
)
def test_kinds(changes: Any) -> None:
    spec = rf.load("cifar_resnet20").replace({"stages[*].depth": 1, **changes})
    check(lived(spec), pictures(2, 3, 16, 16))


class Norm(nn.BatchNorm2d):
    """As timm's norms, which hold an activation."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(super().forward(input))


class Doubled(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input) + 1


def chained(*modules: nn.Module) -> nn.Module:
    for module in modules:
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.normal_()
    return nn.Sequential(*modules).double().eval()


def hooked(conv: nn.Module) -> nn.Module:
    model = chained(conv, nn.BatchNorm2d(4))
    model[0].register_forward_hook(lambda module, given, out: out.abs())  # type: ignore[index]
    return model


def with_its_own(method: str, *modules: nn.Module, place: int) -> nn.Module:
    """A chain in which the module at ``place`` has that method of its own, and doubles by it."""
    model = chained(*modules)
    module = model[place]  # type: ignore[index]
    doubled = getattr(type(module), method)
    # A bound method, which goes with the copy of its module.
    setattr(module, method, MethodType(lambda *given: 2 * doubled(*given), module))
    return model


class Whole(nn.Sequential):
    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = self[1](self[0](input))
        return out


def as_a_whole() -> nn.Module:
    """Its own forward leaves out the norm, which its class has after the convolution."""
    model = Whole(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).double().eval()
    model[1].running_mean.fill_(1)  # type: ignore[operator]
    model.forward = MethodType(lambda self, x: self[0](x), model)  # type: ignore[method-assign]
    return model


class Standardized(blocks.StandardizedConv2d):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class Same(blocks.SameConv2d):
    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


def with_two_names() -> nn.Module:
    conv = nn.Conv2d(3, 4, 1)
    model = chained(nn.Identity(), conv, nn.BatchNorm2d(4))
    model[0].conv = conv  # type: ignore[index, union-attr]
    return model


class Reads(nn.Module):
    """Reads the weight of its convolution beside its call."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.inner = chained(conv, nn.BatchNorm2d(4))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x) + self.inner[0].weight.sum()  # type: ignore[index, union-attr]
        return out


class Forks(nn.Module):
    """What torch.fx cannot trace."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chained(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x if x.sum() > 0 else -x)
        return out


shared = nn.BatchNorm2d(3)


@pytest.mark.parametrize(
    ("model", "norms"),
    [
        (chained(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), 1),
        (chained(nn.Conv2d(3, 3, 1), shared, nn.Conv2d(3, 3, 1), shared), 0),
        (chained(nn.Conv2d(3, 4, 1), Norm(4)), 0),
        (chained(Doubled(3, 4, 1), nn.BatchNorm2d(4)), 0),
        (chained(nn.ConvTranspose2d(3, 4, 2), nn.BatchNorm2d(4)), 0),
        (chained(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)), 0),
        (chained(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, affine=False)), 1),
        (chained(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 1)), nn.BatchNorm2d(4)), 0),
        (hooked(nn.Conv2d(3, 4, 1)), 0),
        (hooked(blocks.StandardizedConv2d(3, 4, 1)), 0),
        (hooked(blocks.ScaledStandardizedConv2d(3, 4, 1)), 0),
        (with_its_own("forward", nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), place=0), 0),
        (with_its_own("forward", nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), place=1), 0),
        (with_its_own("forward", blocks.StandardizedConv2d(3, 4, 1), place=0), 0),
        (with_its_own("_conv_forward", blocks.SameConv2d(3, 4, 1), nn.BatchNorm2d(4), place=0), 0),
        (as_a_whole(), None),
        (chained(Standardized(3, 4, 1), nn.BatchNorm2d(4)), 0),
        (chained(Same(3, 4, 3), nn.BatchNorm2d(4)), 0),
        (Reads(blocks.StandardizedConv2d(3, 4, 1)).double().eval(), 0),
        (with_two_names(), 0),
        (Reads(nn.Conv2d(3, 4, 1)).double().eval(), 0),
        (Forks().double().eval(), None),
    ],
    ids=str,
)
def test_modules_of_others(model: nn.Module, norms: int | None) -> None:
    assert rf.for_inference(model).norms == norms
    check(model, pictures(2, 3, 9, 9))


def test_maps() -> None:
    maps = rf.FeatureMaps(rf.build("cifar_resnet20")).eval()
    x = pictures(2, 3, 16, 16).float()
    found = rf.for_inference(maps)(x)
    assert isinstance(found, type(maps(x)))
    for ours, theirs in zip(found, maps(x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
        assert ours.is_contiguous()


def test_the_network_inside() -> None:
    model = rf.build("cifar_resnet20")
    fast = rf.for_inference(torch.nn.DataParallel(model), torch.bfloat16)
    assert fast.norms == 19
    assert "dtype=bfloat16, folded=19" in repr(fast)
    conv = fast.network.get_submodule("layer2.0.conv1").weight
    assert conv.dtype == torch.bfloat16
    assert conv.is_contiguous(memory_format=torch.channels_last)
    assert not any(parameter.requires_grad for parameter in fast.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    volumes = rf.for_inference(rf.build(rf.load("cifar_resnet20").replace({"dims": 3}))).network
    weight = volumes.get_submodule("layer1.0.conv1").weight
    assert weight.is_contiguous(memory_format=torch.channels_last_3d)


def test_norms_that_remain_keep_their_statistics() -> None:
    spec = rf.load("cifar_resnet20").replace({"block": {"kind": "basic", "order": "full_pre"}})
    model = rf.build(spec)
    norm = model.get_submodule("layer1.1.bn0")
    norm.running_var.fill_(1e6)  # beyond float16
    norm.weight.data.fill_(1e3)
    x = pictures(2, 3, 16, 16).float()
    assert rf.for_inference(model, torch.float16)(x).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_an_ordinary_module(dtype: torch.dtype) -> None:
    fast = rf.for_inference(rf.build("digits_resnet8"), dtype)
    x = pictures(2, 1, 8, 8).float()
    with torch.no_grad():
        want = fast(x)
        for other in (
            copy.deepcopy(fast),
            pickle.loads(pickle.dumps(fast)),
            rf.for_inference(fast),
        ):
            assert torch.equal(other(x), want)
        exported = torch.export.export(fast, (x,)).module()
        assert (exported(x) - want).abs().max() <= TOLERANCE[dtype] * want.abs().max()


def test_it_is_not_trained() -> None:
    fast = rf.for_inference(rf.build("digits_resnet8").train())
    assert not any(module.training for module in fast.modules())
    with pytest.raises(rf.ResforgeError, match=r"cannot be trained.*rf\.for_inference again"):
        fast.train()
    assert isinstance(fast.eval(), InferenceModel)


@pytest.mark.parametrize("dtype", [torch.int8, torch.complex64, "bfloat16"])
def test_types_that_are_none(dtype: Any) -> None:
    with pytest.raises(rf.SpecError, match=r"use torch\.float32, torch\.bfloat16"):
        rf.for_inference(rf.build("digits_resnet8"), dtype)


def test_a_type_that_the_device_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Tensor) -> Tensor:
        raise TypeError("Cannot convert a Tensor to float64.\nMore.")

    monkeypatch.setattr(F, "conv2d", refuse)
    with pytest.raises(rf.ResforgeError, match=r"^cpu cannot compute in torch\.float64 \(Cannot"):
        rf.for_inference(rf.build("digits_resnet8"), torch.float64)


def test_a_module_that_cannot_be_copied() -> None:
    model = nn.Conv2d(3, 4, 1)
    model.lock = pickle  # type: ignore[assignment]  # modules cannot be copied
    with pytest.raises(rf.ResforgeError, match="Conv2d cannot be copied"):
        rf.for_inference(model)
