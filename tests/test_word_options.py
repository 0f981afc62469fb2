"""What the words of blocks can say of their branch, against code written by hand."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from resforge.specs.expand import expand
from torch import Tensor, nn
from torch.nn import functional as F

BASE: dict[str, Any] = {
    "resforge": 1,
    "in_channels": 3,
    "stem": {"kind": "conv3x3", "width": 8},
    "stages": [{"depth": 2, "width": 8}, {"depth": 2, "width": 16, "stride": 2}],
    "head": None,
}


def block_of(block: Any, number: str = "layer2.0", **changes: Any) -> nn.Module:
    """One block of a network of such blocks, with weights of both signs, in evaluation."""
    model = rf.build({**BASE, "block": block, **changes}).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                drawn = torch.randn(tensor.shape, generator=generator)
                tensor.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return model.get_submodule(number)


def same(block: nn.Module, reference: Any, channels: int = 8, side: int = 9) -> bool:
    x = torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return torch.equal(block(x.clone()), reference(block, x))


def pyramid(m: Any, x: Tensor) -> Tensor:
    y = m.bn2(m.conv2(F.relu(m.bn1(m.conv1(m.bn0(x))))))
    return y + m.downsample(x)


def test_the_pyramid_order_has_norms_on_both_ends() -> None:
    assert same(block_of({"kind": "basic", "order": "pyramid"}), pyramid)
    first = block_of({"kind": "basic", "order": "pyramid"}, "layer1.0")
    assert same(first, pyramid)


def test_the_pyramid_order_of_a_bottleneck() -> None:
    def reference(m: Any, x: Tensor) -> Tensor:
        y = F.relu(m.bn1(m.conv1(m.bn0(x))))
        y = m.bn3(m.conv3(F.relu(m.bn2(m.conv2(y)))))
        return y + m.downsample(x)

    assert same(block_of({"kind": "bottleneck", "order": "pyramid"}), reference, channels=32)


def test_attention_stands_before_the_last_convolution() -> None:
    def reference(m: Any, x: Tensor) -> Tensor:
        y = F.relu(m.bn2(m.conv2(F.relu(m.bn1(m.conv1(x))))))
        gate = m.se.fc2(F.relu(m.se.fc1(y.mean((2, 3), keepdim=True)))).sigmoid()
        return F.relu(m.bn3(m.conv3(y * gate)) + m.downsample(x))

    block = {"kind": "bottleneck", "attention": {"se": 4}, "attention_at": "inner"}
    built = block_of(block)
    assert built.se.fc1.weight.shape[:2] == (4, 16)  # type: ignore[union-attr]
    assert same(built, reference, channels=32)


@pytest.mark.parametrize("stride_on", ["conv1", "conv2"])
def test_a_pool_strides_after_the_activation(stride_on: str) -> None:
    def reference(m: Any, x: Tensor) -> Tensor:
        y = F.relu(m.bn1(m.conv1(x)))
        y = F.avg_pool2d(y, 2, ceil_mode=True) if stride_on == "conv1" else y
        y = F.relu(m.bn2(m.conv2(y)))
        y = F.avg_pool2d(y, 2, ceil_mode=True) if stride_on == "conv2" else y
        return F.relu(m.bn3(m.conv3(y)) + m.downsample(x))

    word = {"kind": "bottleneck", "stride_on": stride_on, "stride_by": {"pool": "avg"}}
    built = block_of(word)
    assert built.conv1.stride == built.conv2.stride == (1, 1)  # type: ignore[union-attr]
    assert same(built, reference, channels=32)
    assert "pool" not in dict(block_of(word, "layer2.1").named_children())


def test_an_operation_in_place_of_a_convolution_takes_what_it_leaves_out_from_it() -> None:
    block = block_of({"kind": "basic", "conv1": {"conv": 5, "width": "x1/2", "groups": 2}})
    made = block.conv1
    assert isinstance(made, nn.Conv2d)
    assert (made.kernel_size, made.stride, made.groups, made.out_channels) == ((5, 5), (2, 2), 2, 8)
    assert same(
        block, lambda m, x: F.relu(m.bn2(m.conv2(F.relu(m.bn1(m.conv1(x))))) + m.downsample(x))
    )


def test_bias_is_that_of_every_convolution_of_the_block() -> None:
    block = block_of({"kind": "bottleneck", "bias": True})
    convs = [each for each in block.modules() if isinstance(each, nn.Conv2d)]
    assert len(convs) == 4
    assert all(conv.bias is not None for conv in convs)


@pytest.mark.parametrize(
    ("stem", "begins"),
    [
        ([{"conv": 3}, "norm", "act"], "conv1"),
        ([{"conv": 3}, "norm", "act", {"pool": "max"}], "conv1"),
        ([{"conv": 3}], "bn0"),
        ([{"conv": 3}, {"pool": "max"}], "bn0"),
        ([{"conv": 3}, "norm"], "bn0"),
    ],
)
def test_the_first_block_activates_what_the_stem_has_not(stem: Any, begins: str) -> None:
    full_pre = {"kind": "basic", "order": "full_pre"}
    first = block_of(full_pre, "layer1.0", stem=[{**stem[0], "width": 8}, *stem[1:]])
    assert next(iter(dict(first.named_children()))) == begins
    second = block_of(full_pre, "layer1.1", stem=[{**stem[0], "width": 8}, *stem[1:]])
    assert next(iter(dict(second.named_children()))) == "bn0"


@pytest.mark.parametrize(
    ("width", "channels"), [("in", 8), ("in4", 32), ("in1/4", 2), ("x1/2", 8), ("x2", 32)]
)
def test_widths_are_multiples_of_the_stage_or_of_the_input(width: str, channels: int) -> None:
    block = block_of({"kind": "basic", "conv1": {"conv": 3, "width": width}})
    assert block.conv1.out_channels == channels  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("block", "place", "said"),
    [
        ({"conv1": {"conv": 3, "groups": 3}}, "block.conv1.groups", "3 groups do not divide"),
        ({"conv1": {"conv": 3, "width": "in1/3"}}, "block.conv1.width", "8/3 channels"),
        ({"conv2": {"conv": 3, "width": 5}}, "block", "ends in 5 channels"),
        ({"conv1": {"conv": 3, "stride": 2}}, "block", "strides by 2, its block by 1"),
        ({"stride_by": "norm"}, "block.stride_by", "norm has no stride"),
        ({"attention_at": "inner"}, "block.attention_at", "there is no attention"),
        ({"attention": {"se": 16}, "attention_at": "inner"}, "block.attention.reduction", "none"),
        ({"conv1": "nrm"}, "block.conv1", "there is no operation 'nrm'"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(block: Any, place: str, said: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.load({**BASE, "block": {"kind": "basic", **block}})
    fault = caught.value.faults[0]
    assert fault.path == place
    assert said in fault.message
    assert fault.help


@pytest.mark.parametrize(
    "conv1",
    [
        {"kind": "variance", "alpha": 0.2},  # the first of a stage multiplies by 1
        {"kind": "se", "reduction": 2},  # its bias is not that of a convolution
        {"kind": "selective_kernel", "kernels": [1, 3], "keep_3x3": False, "divisor": 2},
    ],
)
def test_what_stands_for_a_convolution_stays_as_it_is_elsewhere(conv1: dict[str, Any]) -> None:
    tree = {
        "resforge": 1,
        "in_channels": 2,
        "stem": {"kind": "conv3x3", "width": 8},
        "stages": [{"depth": 3, "width": 8, "dilation": 2}],
        "block": {"kind": "bottleneck", "expansion": 1, "conv1": conv1},
        "norm": "none",
    }
    spec = rf.ResNetSpec(**tree)
    assert expand(spec).digest == spec.digest
    rf.build(spec).train()(torch.ones(2, 2, 8, 8)).sum().backward()
    op = rf.plan(spec, 8).stages[0][0].modules.branch[0].op
    assert type(op).model_validate(op.model_dump()) == op
