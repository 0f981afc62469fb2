"""Where norms and activations stand in a block: He et al. 2016, Figure 4."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, get_args

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from conversions import each_conversion
from drawn import draw_images, fitting_shortcuts, geometries, randomise, sizes
from hypothesis import given
from hypothesis import strategies as st
from resforge.blocks import (
    BasicBlock,
    Bottleneck,
    Identity,
    NoNorm,
    Order,
    Projection,
    SqueezeExcitation,
    ZeroPad,
)
from resforge.generation import crossover
from resforge.planner.plan import lay_out
from torch import Tensor, nn

ORDERS: tuple[Order, ...] = get_args(Order)
PRE = ("relu_only_pre", "full_pre")
BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}

each_order = pytest.mark.parametrize("order", ORDERS)
each_kind = pytest.mark.parametrize("kind", list(BLOCKS))


def by_hand(block: Any, x: Tensor, order: str, shared: bool) -> Tensor:
    """The formulas of `resforge.specs.order.Order`, written out; from the block's numbers alone."""
    state = block.state_dict()

    def norm(name: str, x: Tensor) -> Tensor:
        parts = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(state[f"{name}.{part}"] for part in parts))

    def conv(number: int, x: Tensor) -> Tensor:
        weight = state[f"conv{number}.weight"]
        stride = getattr(block, f"conv{number}").stride
        return F.conv2d(x, weight, None, stride, weight.shape[-1] // 2)

    last = 3 if "conv3.weight" in state else 2
    head = x
    if order == "relu_only_pre":
        head = F.relu(x)
    if order == "full_pre":
        head = F.relu(norm("bn0", x))
    if order == "pyramid":
        head = norm("bn0", x)
    y = head
    for number in range(1, last):
        y = F.relu(norm(f"bn{number}", conv(number, y)))
    y = conv(last, y)
    if order in ("post", "relu_before_add", "relu_only_pre", "pyramid"):
        y = norm(f"bn{last}", y)
    if order == "relu_before_add":
        y = F.relu(y)
    shortcut = block.downsample
    y = shortcut.join(y.clone(), head if shared else x)
    if order == "norm_after_add":
        y = norm("bn_sum", y)
    return F.relu(y) if order in ("post", "norm_after_add") else y


@each_order
@each_kind
@given(
    data=st.data(),
    geometry=geometries(),
    size=sizes,
    wanted=st.sampled_from(["auto", "raw", "activated"]),
)
def test_each_order_is_its_formula(
    order: Order,
    kind: str,
    data: st.DataObject,
    geometry: tuple[int, int, int],
    size: tuple[int, int],
    wanted: Any,
) -> None:
    in_channels, out_channels, stride = geometry
    shortcut = data.draw(fitting_shortcuts(geometry))
    block = BLOCKS[kind](
        in_channels,
        out_channels,
        stride=stride,
        order=order,
        shortcut=shortcut,
        shortcut_input=wanted,
    )
    randomise(block)
    changes = stride != 1 or in_channels != out_channels
    shared = order in PRE and (wanted == "activated" or (wanted == "auto" and changes))
    x = draw_images(in_channels, size)
    before = x.clone()
    out = block(x)
    assert torch.equal(x, before)
    assert torch.equal(out, by_hand(block, before, order, shared))


@each_order
@pytest.mark.parametrize("norm", [nn.BatchNorm2d, NoNorm], ids=str)
def test_an_activation_in_place_leaves_the_input_alone(order: Order, norm: Any) -> None:
    """Also one that was asked for: beside the branch the shortcut takes x as it came."""
    made = [
        BasicBlock(4, 4, order=order, norm=norm, activation=partial(nn.ReLU, inplace=in_place))
        for in_place in (True, False)
    ]
    made[0].load_state_dict(randomise(made[1]).state_dict())
    x = draw_images(4, (3, 3))
    before = x.clone()
    assert torch.equal(made[0].eval()(x), made[1](before))
    assert torch.equal(x, before)


@each_order
@each_kind
@pytest.mark.parametrize("norm", [nn.BatchNorm2d, NoNorm, partial(nn.GroupNorm, 2)], ids=str)
@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU], ids=str)
def test_gradients(order: Order, kind: str, norm: Any, activation: Any) -> None:
    """Nothing that a gradient needs is written over: neither x nor what the branch keeps."""
    for geometry, shortcut in (((4, 4, 1), Identity()), ((4, 8, 2), ZeroPad(4, 8, 2))):
        block = BLOCKS[kind](
            *geometry[:2],
            width=4,
            stride=geometry[2],
            order=order,
            shortcut=shortcut,
            norm=norm,
            activation=activation,
        )
        randomise(block).double()
        x = draw_images(4, (3, 3)).double().requires_grad_()
        torch.autograd.gradcheck(block, (x,))


@each_order
@each_kind
@each_conversion
def test_conversions(order: Order, kind: str, convert: Any, device: torch.device) -> None:
    block = BLOCKS[kind](
        4,
        8,
        stride=2,
        order=order,
        shortcut=Projection(4, 8, 2),
        attention=partial(SqueezeExcitation, reduction=2),
    )
    randomise(block).to(device)
    x = draw_images(4, (5, 4)).to(device)
    expected = block(x)
    converted = convert(block, (x,))
    for _ in range(3):  # TorchScript changes its graph after the first calls
        assert torch.equal(converted(x), expected)


NAMES = {
    "post": ["conv1", "bn1", "conv2", "bn2", "downsample"],
    "norm_after_add": ["conv1", "bn1", "conv2", "downsample", "bn_sum"],
    "relu_before_add": ["conv1", "bn1", "conv2", "bn2", "downsample"],
    "relu_only_pre": ["conv1", "bn1", "conv2", "bn2", "downsample"],
    "full_pre": ["bn0", "conv1", "bn1", "conv2", "downsample"],
    "pyramid": ["bn0", "conv1", "bn1", "conv2", "bn2", "downsample"],
}


@each_order
def test_state_dict_names(order: Order) -> None:
    block = BasicBlock(4, 8, order=order, shortcut=Projection(4, 8))
    names = dict.fromkeys(name.partition(".")[0] for name in block.state_dict())
    assert list(names) == NAMES[order]
    longer = Bottleneck(4, 8, order=order, shortcut=Projection(4, 8))
    ends = {"bn2": ["bn2", "conv3", "bn3"], "conv2": ["conv2", "bn2", "conv3"]}
    wanted = []
    for name in NAMES[order]:
        follows = name == "bn2" or (name == "conv2" and "bn2" not in NAMES[order])
        wanted += ends[name] if follows else [name]
    assert list(dict.fromkeys(n.partition(".")[0] for n in longer.state_dict())) == wanted


def network(order: str, kind: str = "basic", **changes: Any) -> rf.ResNetSpec:
    block = {"kind": kind, "order": order}
    return rf.load("digits_resnet8").replace({"block": block, "stages[*].depth": 2, **changes})


@each_order
@each_kind
def test_the_first_and_the_last_block_of_a_network(order: Order, kind: str) -> None:
    """He et al. 2016, appendix: the first unit takes the activation right after conv1, before
    shortcut and branch divide; after the last sum stands one activation more."""
    spec = network(order, kind, shortcut="projection").replace({"head": None})
    model = randomise(rf.build(spec))
    first, second = model.layer1
    assert hasattr(first, "bn0") == (order == "pyramid")
    assert not hasattr(first, "relu0")
    normed = order in ("full_pre", "pyramid")
    assert (hasattr(second, "bn0"), hasattr(second, "relu0")) == (normed, order in PRE)
    x = draw_images(1, (8, 8))
    out = model[:-2](x) if normed else model[:-1](x) if order in PRE else model(x)
    if normed:
        out = F.batch_norm(
            out,
            model.norm.running_mean,
            model.norm.running_var,
            model.norm.weight,
            model.norm.bias,
        )
    closed = F.relu(out) if normed or order in PRE else out
    assert torch.equal(model(x), closed)
    assert torch.equal(model.features(x)[-1], closed)
    assert torch.equal(model.features(x)[1], model[:5](x))
    children = [name for name, _ in model.named_children()]
    assert children[-2:] == (["norm", "act"] if normed else children[-2:])


@given(st.sampled_from(ORDERS), st.sampled_from(list(BLOCKS)), st.data())
def test_zero_residual_starts_each_block_as_its_shortcut(
    order: Order, kind: str, data: st.DataObject
) -> None:
    """For every order: the last norm, or the convolution that stands after it, is 0."""
    activations = ["silu", "tanh", "none"] + ["relu"] * (order != "relu_before_add")
    activation = data.draw(st.sampled_from(activations))  # all 0 at 0
    attention = data.draw(st.sampled_from([None, "eca", {"kind": "se", "reduction": 2}]))
    norm = data.draw(st.sampled_from(["batch", {"kind": "group", "groups": 2}, "none"]))
    change = data.draw(st.sampled_from(["projection", "avg_projection", "zero_pad", "conv1x1"]))
    spec = network(order, kind, shortcut=change, activation=activation, norm=norm).replace(
        {"block.attention": attention, "init.zero_residual": True}
    )
    model = rf.build(spec).eval()
    for plan, block in zip(
        (block for stage in lay_out(spec, (8, 8)).stages for block in stage),
        (block for stage in (model.layer1, model.layer2, model.layer3) for block in stage),
        strict=True,
    ):
        x = draw_images(plan.in_channels, (5, 5))
        taken = block.enter(x)  # nothing where the shortcut takes x itself
        assert torch.equal(block(x), block.leave(block.downsample(taken)))
    model.train()(draw_images(1, (8, 8))).square().sum().backward()
    moved = [name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()]
    for stage in lay_out(spec, (8, 8)).stages:  # a branch that starts at 0 does not stay there
        assert all(f"{b.residual_end.name}.weight" in moved for b in stage if b.residual_end)


def test_a_convolution_that_ends_its_branch_has_no_bias_beside_norms() -> None:
    for order in ORDERS:
        for make in BLOCKS.values():
            normed = make(4, 4, order=order).state_dict()
            assert not [name for name in normed if re.match(r"conv\d.bias", name)]
            bare = make(4, 4, order=order, norm=NoNorm).state_dict()
            assert all(f"{name[:5]}.bias" in bare for name in bare)


# Both numbers are He et al. 2016's networks, counted independently.
@pytest.mark.parametrize(("depth", "params"), [(18, 1_703_258), (111, 10_327_706)])
def test_published_parameters(depth: int, params: int) -> None:
    spec = rf.load("cifar_resnet20").replace(
        {
            "stages[*].depth": depth,
            "block": {"kind": "bottleneck", "order": "full_pre", "stride_on": "conv1"},
            "shortcut": "projection",
        }
    )
    assert rf.plan(spec).params == params
    assert rf.plan(spec).depth == 9 * depth + 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": "pre"}, "order='pre' is not an order; choose one of post, norm_after_add"),
        ({"shortcut_input": "x"}, "shortcut_input='x' is unknown; choose one of auto, raw"),
    ],
)
def test_refusals(arguments: Any, message: str) -> None:
    for make in BLOCKS.values():
        with pytest.raises(ValueError, match=message):
            make(4, 4, **arguments)


def test_a_branch_without_norm_and_convolution_has_no_end_to_start_at_0() -> None:
    """Operations stand in place of all its convolutions."""
    bare = {"kind": "basic", "conv1": {"scale": 0.5}, "conv2": {"blur": 3, "stride": 1}}
    stages = [{"depth": 1, "width": 8}]
    tree = {"resforge": 1, "stem": {"kind": "conv3x3", "width": 8}, "stages": stages}
    spec = rf.ResNetSpec(**tree, block=bare, norm="none")
    (block,) = rf.plan(spec, 8).stages[0]
    assert block.residual_end is None
    with pytest.raises(rf.SpecError, match=r"each branch at 0, and layer1\.0 has none"):
        spec.replace({"init.zero_residual": True})
    assert crossover(spec, rf.load("digits_resnet8"), 1).spec != spec
