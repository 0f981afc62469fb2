"""The builder: a pure function of spec and seed."""

from __future__ import annotations

import copy
import io
import math
import pickle
from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, reject
from hypothesis import strategies as st
from resforge.planner.plan import lay_out
from resforge.testing import strategies
from torch import nn

SMALL = strategies.specs(max_stages=2, max_depth=2, max_width=4, max_stride=2, input_size=16)


def equal_weights(a: nn.Module, b: nn.Module) -> bool:
    left, right = a.state_dict(), b.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@given(SMALL, st.integers(0, 2**40), st.integers(0, 99))
def test_same_seed_same_weights(spec: rf.ResNetSpec, seed: int, noise: int) -> None:
    torch.manual_seed(noise)
    first = rf.build(spec, seed=seed)
    before = torch.random.get_rng_state()
    second = rf.build(spec, seed=seed)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert equal_weights(first, second)


def test_other_seed_other_weights() -> None:
    a, b = rf.build("cifar_resnet20", seed=0), rf.build("cifar_resnet20", seed=1)
    assert not torch.equal(a.conv1.weight, b.conv1.weight)


def test_threads_do_not_matter() -> None:
    one = rf.build("cifar_resnet20")
    torch.set_num_threads(2)
    try:
        two = rf.build("cifar_resnet20")
    finally:
        torch.set_num_threads(1)
    assert equal_weights(one, two)


@given(SMALL, SMALL)
def test_networks_share_the_layers_of_the_same_name_and_shape(
    spec: rf.ResNetSpec, other: rf.ResNetSpec
) -> None:
    same = {"in_channels": 3, "init": {}, "norm": "batch"}
    try:
        specs = spec.replace(same), other.replace(same)
    except rf.SpecError:  # a stem that keeps the channels, before what cannot take three
        reject()
    a, b = (rf.build(each).state_dict() for each in specs)
    plain = [
        {
            layer.name
            for layer in lay_out(each).layers
            if not layer.starts and layer.kind != "parameter"
        }
        for each in specs
    ]
    for name in a.keys() & b.keys():
        if not all(name.rpartition(".")[0] in layers for layers in plain):
            continue  # what starts at a constant is not shared with another constant
        # PyTorch scales a bias by the fan-in of its layer, so it is the layer that must agree.
        weight = name.rpartition(".")[0] + ".weight"
        if a[name].shape == b[name].shape and a[weight].shape == b[weight].shape:
            assert torch.equal(a[name], b[name]), name


def test_the_arms_of_an_ablation_share_all_but_the_projections() -> None:
    spec = rf.load("cifar_resnet20")
    a = rf.build(spec).state_dict()
    b = rf.build(spec.replace({"shortcut": "projection"})).state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert all("downsample" in name for name in b.keys() - a.keys())


@given(SMALL)
def test_spec_of(spec: rf.ResNetSpec) -> None:
    model = rf.build(spec, device="meta")
    assert model.spec == spec
    assert rf.spec_of(model) == spec
    assert rf.spec_of(nn.DataParallel(model)) == spec


def test_spec_of_a_stranger() -> None:
    with pytest.raises(rf.ResforgeError, match="Linear was not built by resforge"):
        rf.spec_of(nn.Linear(1, 1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_dtype_rounds_the_same_weights(dtype: torch.dtype, device: torch.device) -> None:
    wanted = rf.build("digits_resnet8", seed=3)
    got = rf.build("digits_resnet8", seed=3, device=device, dtype=dtype)
    assert {p.dtype for p in got.parameters()} == {dtype}
    for name, parameter in got.named_parameters():
        assert torch.equal(parameter.cpu(), wanted.get_parameter(name).to(dtype))


@pytest.mark.parametrize("seed", [None, 1.5, True, "1"])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(rf.SpecError, match="a whole number as seed"):
        rf.build("digits_resnet8", seed=seed)


def test_any_whole_number_is_a_seed() -> None:
    for seed in (-1, 2**70):
        rf.build("digits_resnet8", seed=seed)


@pytest.mark.parametrize("spec", [[], None, 5])
def test_what_is_no_spec(spec: Any) -> None:
    with pytest.raises(rf.SpecError, match="build takes a ResNetSpec"):
        rf.build(spec)


def test_the_callers_random_state_on_every_device(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("GPUs seeded"))
    before = torch.random.get_rng_state()
    gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    rf.build("digits_resnet8", seed=5, device=device)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert gpu is None or torch.equal(torch.cuda.get_rng_state(device), gpu)


def test_inference_mode_on_two_threads() -> None:
    torch.set_num_threads(2)
    try:
        with torch.inference_mode():
            model = rf.build("digits_resnet8")
    finally:
        torch.set_num_threads(1)
    assert torch.equal(model.conv1.weight, rf.build("digits_resnet8").conv1.weight)


def test_device_context_and_default_dtype() -> None:
    with torch.device("meta"):
        assert rf.build("cifar_resnet20").conv1.weight.is_meta
    torch.set_default_dtype(torch.float64)
    try:
        double = rf.build("digits_resnet8")
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(double.conv1.weight.float(), rf.build("digits_resnet8").conv1.weight)


def test_same_weights_on_every_device(device: torch.device) -> None:
    here, there = rf.build("digits_resnet8"), rf.build("digits_resnet8", device=device)
    assert next(there.parameters()).device.type == device.type
    assert equal_weights(here, there.cpu())


@pytest.mark.parametrize("scheme", ["kaiming_normal", "torch"])
def test_initial_distribution(scheme: str) -> None:
    """Standard deviation and range of large tensors, as PyTorch's own functions define them."""
    model = rf.build(rf.load("resnet18").replace({"init.scheme": scheme}))
    weight = model.layer3[0].conv2.weight
    if scheme == "kaiming_normal":
        std = nn.init.kaiming_normal_(torch.empty_like(weight), mode="fan_out").std()
        # 589,824 draws: the deviation of a sample deviation is 0.1 percent.
        assert math.isclose(weight.std().item(), std.item(), rel_tol=0.01)
    else:
        bound = 1 / math.sqrt(weight[0].numel())
        assert bound * 0.999 < weight.abs().max() <= bound
    bound = 1 / math.sqrt(512)
    assert bound * 0.99 < model.fc.weight.abs().max() <= bound
    assert model.fc.bias.abs().max() <= bound
    assert torch.equal(model.bn1.weight, torch.ones(64))
    assert torch.equal(model.bn1.running_var, torch.ones(64))


def test_zero_residual_starts_each_block_as_its_shortcut(device: torch.device) -> None:
    spec = rf.load("cifar_resnet20").replace({"init.zero_residual": True, "shortcut": "projection"})
    model = rf.build(spec, device=device).eval()
    x = torch.randn(2, 16, 8, 8, device=device)
    block = model.layer2[0]
    assert torch.equal(block(x), torch.relu(block.downsample(x)))
    x = x.relu()
    assert torch.equal(model.layer1[1](x), x)


def test_zero_residual_leaves_plain_blocks_alone() -> None:
    model = rf.build(rf.load("cifar_plain20").replace({"init.zero_residual": True}))
    assert torch.equal(model.layer1[0].bn2.weight, torch.ones(16))


@given(SMALL, st.integers(1, 3))
def test_every_parameter_gets_a_finite_gradient(spec: rf.ResNetSpec, batch: int) -> None:
    model = rf.build(spec)
    x = torch.randn(batch + 1, spec.in_channels, 33, 33)
    model(x).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@given(SMALL, st.permutations(range(4)))
def test_a_batch_is_its_images(spec: rf.ResNetSpec, order: list[int]) -> None:
    model = rf.build(spec, dtype=torch.float64).eval()
    x = torch.randn(4, spec.in_channels, 17, 19, dtype=torch.float64)
    with torch.no_grad():
        whole = model(x)
        single = torch.cat([model(image[None]) for image in x])
        permuted = model(x[order])
        last = model(x.to(memory_format=torch.channels_last))
    # Sums of a convolution come in another order for another batch size or layout.
    for other, wanted in ((single, whole), (permuted, whole[order]), (last, whole)):
        torch.testing.assert_close(other, wanted, rtol=1e-11, atol=1e-12)


@given(SMALL)
def test_copies_keep_the_outputs(spec: rf.ResNetSpec) -> None:
    model = rf.build(spec).eval()
    # Two images: a group norm refuses a single element.
    x = torch.randn(2, spec.in_channels, 16, 16)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    loaded = rf.build(spec, seed=1).eval()
    loaded.load_state_dict(torch.load(file, weights_only=True))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), loaded):
        assert torch.equal(other(x), model(x))
        assert rf.spec_of(other) == spec


@given(SMALL)
def test_exported_programs_answer_alike(spec: rf.ResNetSpec) -> None:
    model = rf.build(spec).eval()
    x = torch.randn(2, spec.in_channels, 16, 16)
    with torch.no_grad():
        wanted = model(x)
        assert torch.equal(torch.fx.symbolic_trace(model)(x), wanted)
        assert torch.equal(torch.export.export(model, (x,)).module()(x), wanted)


def test_too_large_a_network_is_refused_before_it_is_built() -> None:
    huge = rf.load("resnet152").replace({"stages[*].width": 8192})
    with pytest.raises(rf.SpecError, match=r"parameters, of at most 2,000,000,000") as caught:
        rf.build(huge)
    assert "max_params" in str(caught.value.help)
    with pytest.raises(rf.SpecError, match="of at most 1,000"):
        rf.build("cifar_resnet20", max_params=1000)
