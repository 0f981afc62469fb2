"""What stands in place of a 3x3, what strides instead of it, and pools, against plain PyTorch."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import reference_spatial as reference
import resforge as rf
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from resforge.blocks import AvgProjection, BlurPool2d, Res2Net, SameAvgPool, SameMaxPool
from resforge.planner.plan import failure, lay_out
from torch import Tensor, nn
from words import scattered

SMALL: dict[str, Any] = {
    "resforge": 1,
    "stem": {"kind": "conv3x3", "width": 8},
    "stages": [{"depth": 1, "width": 8}],
    "head": None,
}


@pytest.mark.parametrize("name", reference.CASES)
def test_a_network_by_hand(name: str) -> None:
    """With weights of both signs: bitwise in evaluation, and up to rounding in training, where the
    sums of gradients have another order."""
    _, make, tree = reference.CASES[name]
    torch.manual_seed(0)
    theirs = scattered(make())
    ours = rf.build(rf.ResNetSpec(**tree))
    rf.load_weights(ours, theirs.state_dict())
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours.eval()(x), theirs.eval()(x))
    outputs = ours.train()(x), theirs.train()(x)
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("prefix", ["", "visual."])
def test_clip_by_hand(prefix: str) -> None:
    """Its names are read, and written back; the attention is PyTorch's, bit for bit."""
    torch.manual_seed(0)
    theirs = scattered(reference.Clip()).eval()
    ours = rf.build(rf.ResNetSpec(**reference.CLIP)).eval()
    given = {prefix + name: tensor for name, tensor in theirs.state_dict().items()}
    assert rf.load_weights(ours, given, strip=prefix).layout == "clip"
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))


@given(
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["avg", "max"]),
    st.tuples(st.integers(5, 20), st.integers(5, 20)),
)
def test_windows_are_counted_as_pytorch_counts_them(
    kernel: int, stride: int, padding: int, ceil: bool, counts: bool, pool: str, size: Any
) -> None:
    padding = min(padding, kernel // 2)
    op: dict[str, Any] = {"pool": pool, "kernel": kernel, "stride": stride, "padding": padding}
    op |= {"ceil": ceil} | ({} if pool == "max" or counts else {"count_include_pad": False})
    spec = rf.load({**SMALL, "stem": [op, {"conv": 3, "width": 8}]})
    x = torch.randn(1, 3, *size)
    if pool == "max":
        wanted = F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil)
    else:
        wanted = F.avg_pool2d(x, kernel, stride, padding, ceil, counts)
    model = rf.build(spec)
    name, module = next(model.stem.named_children()) if hasattr(model, "stem") else ("", model)
    assert name == "pool1"
    assert torch.equal(module(x), wanted)
    assert rf.plan(spec, size).layers[0].out_size == tuple(wanted.shape[2:])


@given(st.integers(2, 5), st.integers(1, 3), st.tuples(st.integers(5, 20), st.integers(5, 20)))
def test_same_is_that_of_tensorflow(kernel: int, stride: int, size: tuple[int, int]) -> None:
    """Windows end with the last pixel or beyond it, as many as strides fit."""
    stride = min(stride, kernel)
    x = torch.randn(1, 2, *size)
    sides = []
    for side in size:
        count = (side + stride - 1) // stride
        before = max((count - 1) * stride + kernel - side, 0) // 2
        starts = [n * stride - before for n in range(count)]
        sides.append([(max(0, a), min(side, a + kernel)) for a in starts])
    rows, columns = sides
    wanted = torch.stack(
        [torch.stack([x[..., a:b, c:d].amax((2, 3)) for c, d in columns], -1) for a, b in rows], -2
    )
    assert torch.equal(SameMaxPool(kernel, stride)(x), wanted)
    means = torch.stack(
        [torch.stack([x[..., a:b, c:d].mean((2, 3)) for c, d in columns], -1) for a, b in rows], -2
    )
    averaged = SameAvgPool(kernel, stride, count_include_pad=False)(x)
    # The means are those of whole windows, and divided again.
    torch.testing.assert_close(averaged, means, rtol=1e-5, atol=1e-5)
    op = {"pool": "max", "kernel": kernel, "stride": stride, "padding": "same"}
    plan = rf.plan({**SMALL, "stem": [op, {"conv": 3, "width": 8}]}, size)
    assert plan.layers[0].out_size == tuple(wanted.shape[2:])


def test_zeros_around_a_map_may_be_the_largest() -> None:
    spec = rf.load({**SMALL, "stem": [{"pool": "max", "zeros": True}, {"conv": 3, "width": 8}]})
    pool = rf.build(spec).get_submodule("stem.pool1")
    x = -torch.rand(1, 3, 6, 6)
    wanted = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2)
    assert torch.equal(pool(x), wanted)
    assert (wanted == 0).any()


@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_a_blur_is_the_mean_of_means(padding: str) -> None:
    """[1 2 1] / 4 is the mean of two neighbours, twice."""
    x = torch.randn(2, 3, 9, 7)
    mode = "constant" if padding == "zeros" else padding
    padded = F.pad(x, (1, 1, 1, 1), mode)
    wanted = F.avg_pool2d(F.avg_pool2d(padded, 2, 1), 2, 1)[..., ::2, ::2]
    blurred = BlurPool2d(3, padding=padding)
    # The sums have another order.
    torch.testing.assert_close(blurred(x), wanted, rtol=1e-5, atol=1e-6)
    assert not blurred.state_dict()


@pytest.mark.parametrize(
    ("pool", "times"), [("avg", 1), ("max", 1), ("avgmax", 1), ("catavgmax", 2)]
)
def test_global_pools(pool: str, times: int) -> None:
    spec = rf.load({**SMALL, "head": [{"global_pool": pool}, {"linear": 3}]})
    assert rf.plan(spec, 16).state_dict["head.linear1.weight"] == (3, 8 * times)
    x = torch.randn(2, 8, 5, 4)
    means, most = x.mean((2, 3)), x.amax((2, 3))
    wanted = {
        "avg": means,
        "max": most,
        "avgmax": 0.5 * (means + most),
        "catavgmax": torch.cat([means, most], 1),
    }[pool]
    found = rf.build(spec).get_submodule("head.global_pool1")(x).flatten(1)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)  # a mean of other order


def test_a_pool_makes_a_res2net_staged() -> None:
    class Plus(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    x = torch.arange(6.0).view(1, 6, 1, 1)
    paths = nn.Sequential(Plus(), Plus())
    assert Res2Net(paths)(x).flatten().tolist() == [1, 2, 4, 6, 4, 5]
    assert Res2Net(paths, nn.Identity())(x).flatten().tolist() == [1, 2, 3, 4, 4, 5]


@pytest.mark.parametrize(
    ("head", "size", "map_"),
    [
        ([{"attention_pool": 8, "heads": 2, "width": 3}], 32, "32x32"),
        ([{"pool": "avg", "kernel": 4, "stride": 4}, {"flatten": 2}, {"linear": 3}], 32, "8x8"),
    ],
)
def test_a_head_for_maps_of_one_size(head: Any, size: int, map_: str) -> None:
    stages = [{"depth": 1, "width": 8, "stride": 4}]
    spec = rf.load({**SMALL, "stages": stages, "head": head})
    assert spec.natural_input_size == size
    assert rf.plan(spec).output_shape == (3,)
    assert rf.build(spec)(torch.randn(2, 3, size, size)).shape == (2, 3)
    with pytest.raises(rf.SpecError, match=f"head: 128x128 does not fit.*not of {map_}"):
        rf.plan(spec, 128)


@pytest.mark.parametrize(
    ("part", "message", "help_"),
    [
        ({"block.conv2": {"res2net": 3}}, "block.conv2.scales: 3 scales do not divide 64", "2, 4"),
        ({"block.conv2": {"res2net": 2, "type": "normal"}}, "conv2.type: parts of", "type: stage"),
        ({"block.conv2": {"split_attention": 3}}, "1 groups for each of 3 maps do not", "radix"),
        (
            {"block.conv2": {"selective_kernel": [3, 5, 7], "split_input": True}},
            "conv2.split_input: 3 kernels do not divide 64 channels",
            "split_input: false",
        ),
        ({"block.conv2": {"selective_kernel": [3, 4]}}, "a kernel of 4 has no middle", "3 or 5"),
        ({"block.stride_by": {"blur": 4}}, "a kernel of 4 has no middle", "use 3 or 5"),
        ({"stem.pool": "avg"}, "stem.pool: 'avg' is not one of max, none", "{pool: avg}"),
        ({"stem.pool": {"pool": "avg", "zeros": True}}, "stem.pool.zeros: ", "leave zeros out"),
        ({"head": ["attention_pool"]}, "takes a map of one size, and none is", "attention_pool: 7"),
        ({"head": [{"attention_pool": 7, "heads": 3}]}, "3 heads do not divide 2048", "divisor"),
        ({"head": [{"linear": 3}]}, "takes a map of one position", "{flatten: SIDE}"),
    ],
)
def test_faults(part: dict[str, Any], message: str, help_: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.load("resnet50").replace(part)
    assert message in str(caught.value)
    assert help_ in str(caught.value)


def test_a_map_too_small_to_reflect() -> None:
    spec = rf.load({**SMALL, "stem": [{"conv": 3, "width": 8}, {"blur": 5}]})
    with pytest.raises(rf.SpecError, match="2x2 does not fit: a map of 2 pixels has no 2 to"):
        rf.plan(spec, 2)


REFLECTS: dict[str, dict[str, Any]] = {
    "branch": {"block": {"branch": [{"blur": 5, "stride": 1}, {"conv": 3, "stride": "block"}]}},
    "path": {"shortcut": {"match": {"path": [{"blur": 5, "stride": 1}]}}},
    "before": {"stages": [{"depth": 1, "width": 16, "before": [{"blur": 5, "stride": 1}]}]},
    "closing": {"closing": [{"blur": 5, "stride": 1}]},
    "in a convolution's place": {"block": {"kind": "basic", "conv1": {"blur": 5, "stride": 1}}},
}


@pytest.mark.parametrize("place", REFLECTS)
def test_a_map_too_small_to_reflect_is_refused_wherever_it_is_blurred(place: str) -> None:
    spec = rf.load("cifar_resnet20").replace(
        {"stages": [{"depth": 1, "width": 16}], **REFLECTS[place]}
    )
    with pytest.raises(rf.SpecError, match="2x2 does not fit: a map of 2 pixels has no 2 to"):
        rf.plan(spec, 2)
    laid = lay_out(spec, (2, 2))
    assert "no 2 to reflect" in str(failure(laid))
    with pytest.raises(RuntimeError, match=r"[Pp]adding size should be less"):
        rf.build(spec)(torch.zeros(2, 3, 2, 2))
    assert failure(lay_out(spec, (3, 3))) is None
    assert rf.build(spec)(torch.zeros(2, 3, 3, 3)).shape == (2, 10)


@pytest.mark.parametrize("size", range(1, 7))
@pytest.mark.parametrize("ceil", [True, False])
@pytest.mark.parametrize(("kernel", "stride"), [([5, 2], 1), (5, 3), (2, 2), ([1, 3], [1, 2])])
def test_an_average_pool_wider_than_its_map_is_refused_where_pytorch_refuses_it(
    kernel: Any, stride: Any, ceil: bool, size: int
) -> None:
    pool = {"pool": "avg", "kernel": kernel, "stride": stride, "ceil": ceil}
    spec = rf.load({**SMALL, "closing": [pool]})
    why = failure(lay_out(spec, (size, size)))
    x = torch.zeros(2, 3, size, size)
    if why is None:
        assert rf.build(spec)(x).shape[1:] == lay_out(spec, (size, size)).output_shape
    else:
        with pytest.raises(RuntimeError, match="Output size is too small"):
            rf.build(spec)(x)


def test_a_stride_over_one_pixel_is_refused_by_a_plan_and_runs() -> None:
    spec = rf.load("cifar_resnet20")
    with pytest.raises(rf.SpecError, match="would stride over a map of one pixel"):
        rf.plan(spec, 1)
    assert failure(lay_out(spec, (1, 1))) is None
    assert rf.build(spec)(torch.zeros(2, 3, 1, 1)).shape == (2, 10)


@pytest.mark.parametrize("module", [BlurPool2d(4, stride=(1, 2)), AvgProjection(4, 4, (1, 2))])
def test_strides_by_axis(module: nn.Module) -> None:
    assert module(torch.zeros(2, 4, 6, 6)).shape == (2, 4, 6, 3)


@pytest.mark.parametrize("kind", [BlurPool2d, partial(AvgProjection, 4)])
def test_a_stride_below_1_on_one_axis(kind: Any) -> None:
    with pytest.raises(ValueError, match="stride=0 must be at least 1"):
        kind(4, stride=(1, 0))


def test_the_published_sizes() -> None:
    """Gao et al. 2019, Table 1 and timm; Li et al. 2019, Table 2; Zhang et al. 2020, Table 3."""
    millions = {"res2net50_26w_4s": 25.70, "skresnext50_32x4d": 27.48, "resnest50d": 27.48}
    for name, wanted in millions.items():
        assert round(rf.plan(name).params / 1e6, 2) == wanted, name
