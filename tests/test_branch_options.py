"""What ablations vary on a residual branch: attention, stochastic depth, dilation."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import floor
from typing import Any

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from conversions import each_conversion
from drawn import draw_images, randomise, sizes
from hypothesis import given
from hypothesis import strategies as st
from resforge.blocks import (
    ECA,
    BasicBlock,
    Bottleneck,
    Projection,
    ResidualBlock,
    SameAvgPool2d,
    SqueezeExcitation,
    StochasticDepth,
)
from resforge.specs import ECASpec, SqueezeExcitationSpec, StochasticDepthSpec
from resforge.specs.resolve import blocks_of
from torch import nn

BLOCKS = (BasicBlock, Bottleneck)


@given(st.integers(1, 4), st.sampled_from([4, 8]), sizes)
def test_squeeze_and_excitation_by_hand(
    reduction: int, channels: int, size: tuple[int, int]
) -> None:
    module = randomise(SqueezeExcitation(channels, reduction))
    x = draw_images(channels, size)
    state = module.state_dict()
    mean = x.mean((2, 3))
    hidden = F.relu(mean @ state["fc1.weight"].flatten(1).T + state["fc1.bias"])
    weights = (hidden @ state["fc2.weight"].flatten(1).T + state["fc2.bias"]).sigmoid()
    # A matrix product and a convolution add in different orders.
    torch.testing.assert_close(module(x), x * weights[:, :, None, None], rtol=1e-5, atol=1e-5)


@given(st.sampled_from([1, 3, 5]), st.integers(1, 8), sizes)
def test_eca_by_hand(kernel: int, channels: int, size: tuple[int, int]) -> None:
    module = randomise(ECA(kernel))
    x = draw_images(channels, size)
    mean = F.pad(x.mean((2, 3)), (kernel // 2, kernel // 2))
    taps = module.state_dict()["conv.weight"].flatten()
    weights = sum(tap * mean[:, i : i + channels] for i, tap in enumerate(taps))
    assert isinstance(weights, torch.Tensor)
    expected = x * weights.sigmoid()[:, :, None, None]
    torch.testing.assert_close(module(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", BLOCKS)
def test_attention_with_an_open_gate_is_none(make: Any) -> None:
    block = make(8, 8, attention=partial(SqueezeExcitation, reduction=2))
    randomise(block)
    block.se.fc2.weight.data.zero_()
    block.se.fc2.bias.data.fill_(1e9)
    plain = make(8, 8).eval()
    plain.load_state_dict({k: v for k, v in block.state_dict().items() if "se." not in k})
    x = draw_images(8, (5, 4))
    assert torch.equal(block(x), plain(x))


def test_the_kernel_of_eca() -> None:
    """Equation 12 of the paper; for ResNet-50's widths the figures of its section 3.3."""
    kernels = {1: 1, 8: 3, 64: 3, 128: 5, 256: 5, 512: 5, 1024: 5, 2048: 7}
    assert {c: ECASpec().kernel_size(c) for c in kernels} == kernels
    assert ECASpec(kernel=9).kernel_size(64) == 9


ATTENTIONS = {"se": SqueezeExcitation, "eca": lambda channels: ECA(3)}


@pytest.mark.parametrize("name", list(ATTENTIONS))
@each_conversion
def test_conversions(name: str, convert: Any, device: torch.device) -> None:
    block = randomise(BasicBlock(16, 16, attention=ATTENTIONS[name])).to(device)
    block.drop_path = StochasticDepth(0.5).eval()
    x = draw_images(16, (5, 4)).to(device)
    expected = block(x)
    converted = convert(block, (x,))
    for _ in range(3):  # TorchScript changes its graph after the first calls
        assert torch.equal(converted(x), expected)


def with_drops(rate: Any, **changes: Any) -> rf.ResNetSpec:
    return rf.load("cifar_resnet20").replace({"stochastic_depth": rate, **changes})


def test_the_linear_rule() -> None:
    blocks = [block for stage in blocks_of(with_drops(0.5)) for block in stage]
    rates = [0.5 * number / 9 for number in range(1, 10)]
    assert [block.drop_rate for block in blocks] == pytest.approx(rates)
    last = [StochasticDepthSpec(rate=0.1).drop_rate(count, count) for count in range(1, 100)]
    assert set(last) == {0.1}
    constant = with_drops({"rate": 0.5, "rule": "constant"})
    assert {block.drop_rate for stage in blocks_of(constant) for block in stage} == {0.5}
    model = rf.build(with_drops({"rate": 0.5, "mode": "row"}))
    drops = [module for module in model.modules() if isinstance(module, StochasticDepth)]
    assert [drop.rate for drop in drops] == [block.drop_rate for block in blocks]
    assert {drop.mode for drop in drops} == {"row"}
    none = rf.build(with_drops(0.0))
    assert not [module for module in none.modules() if isinstance(module, StochasticDepth)]


@pytest.mark.parametrize("depth", [1, 3])
def test_the_linear_rule_from_zero(depth: int) -> None:
    """timm's: block l of L, counted from 0 through all stages, has l / (L - 1) of the rate."""
    rule = {"rate": 0.3, "rule": "linear_from_zero"}
    blocks = [b for s in blocks_of(with_drops(rule, **{"stages[*].depth": depth})) for b in s]
    last = len(blocks) - 1
    assert [block.drop_rate for block in blocks] == [0.3 * n / last for n in range(last + 1)]
    assert blocks[-1].drop_rate == 0.3
    alone = StochasticDepthSpec(rate=0.3, rule="linear_from_zero")
    assert alone.drop_rate(1, 1) == 0.0
    model = rf.build(with_drops(rule, **{"stages[*].depth": depth}))
    drops = [module.rate for module in model.modules() if isinstance(module, StochasticDepth)]
    assert drops == [block.drop_rate for block in blocks[1:]]  # the first has none


@given(st.floats(0, 0.99), st.sampled_from(["linear", "linear_from_zero", "constant"]))
def test_a_rule_as_python(rate: float, rule: Any) -> None:
    """Exported code computes the very rates of the built network."""
    spec = StochasticDepthSpec(rate=rate, rule=rule)
    for blocks in (1, 2, 7, 16):
        for number in range(1, blocks + 1):
            text = spec.formula("number", blocks)
            assert eval(text, {"number": number}) == spec.drop_rate(number, blocks)


@given(st.integers(1, 8), st.integers(1, 3), sizes)
def test_an_average_that_keeps_the_size_by_hand(
    kernel: int, channels: int, size: tuple[int, int]
) -> None:
    x = draw_images(channels, size)
    padded = torch.zeros(*x.shape[:2], size[0] + kernel - 1, size[1] + kernel - 1)
    before = (kernel - 1) // 2
    padded[:, :, before : before + size[0], before : before + size[1]] = x
    windows = padded.unfold(2, kernel, 1).unfold(3, kernel, 1)
    # The windows are summed in another order.
    expected = windows.sum((-1, -2)) / kernel**2
    torch.testing.assert_close(SameAvgPool2d(kernel)(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("pool", "message", "help_"),
    [
        ({"kernel": 1, "padding": "same"}, "windows of 1 at stride 2 leave", "at least 2"),
        ({"kernel": 3, "padding": 2}, "more than half of the window", "use at most 1"),
        ({"kernel": 3, "padding": "same", "ceil": True}, "no window that the", "leave ceil out"),
        ({"zeros": True}, "always pads by zeros", "leave zeros out"),
        ({"pool": "max", "count_include_pad": False}, "an average pool may", "count_include_pad"),
        ({"stride": 1, "padding": "same"}, "'same' without a window", "kernel: 2"),
        ({"pool": "max", "kernel": 2, "stride": 1}, "has no middle", "0 for none"),
        ({"pool": "max", "stride": 1, "padding": 2}, "more than half", "at most 1"),
    ],
)
def test_a_pool_that_is_refused(pool: dict[str, Any], message: str, help_: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        rf.load("resnet18").replace({"stem": [{"conv": 3}, {"pool": "avg", **pool}]})
    assert message in str(caught.value)
    assert help_ in str(caught.value)


@given(st.integers(1, 600), st.integers(1, 40), st.integers(1, 16))
def test_reduced_widths_as_timm_rounds_them(channels: int, reduction: int, divisor: int) -> None:
    """To the nearest multiple, halves up, and never below the divisor."""
    spec = SqueezeExcitationSpec(reduction=reduction, divisor=divisor)
    nearest = floor(Fraction(channels, reduction * divisor) + Fraction(1, 2)) * divisor
    assert spec.reduced(channels) == max(divisor, nearest)
    module = SqueezeExcitation(channels, reduction, divisor)
    assert module.fc1.out_channels == spec.reduced(channels)


@pytest.mark.parametrize("mode", ["batch", "row"])
def test_a_branch_is_left_out_or_scaled_up(mode: Any) -> None:
    torch.manual_seed(0)
    block = randomise(BasicBlock(4, 4))
    x = draw_images(4, (3, 3)).expand(2, 4, 3, 3)[:1].expand(64, 4, 3, 3)
    branch = block.transform(x)
    plain = {name: block.get_submodule(name) for name in block.branch_names}
    drop_path = StochasticDepth(0.25, mode)
    block = ResidualBlock({**plain, "drop_path": drop_path}, exit={"relu": nn.ReLU()}).eval()
    drop_path.train()
    lost, kept = F.relu(x), F.relu(branch / 0.75 + x)
    seen = set()

    def fate(out: torch.Tensor, image: int) -> str:
        if torch.equal(out, lost[image]):
            return "lost"
        # Multiplied by 1 / 0.75 here, divided by 0.75 there.
        torch.testing.assert_close(out, kept[image], rtol=1e-5, atol=1e-6)
        return "kept"

    for _ in range(20):
        fates = [fate(out, image) for image, out in enumerate(block(x))]
        assert mode == "row" or len(set(fates)) == 1
        seen |= set(fates)
        if mode == "row":  # 64 draws at 0.25: 16, give or take 3.5
            assert 4 <= fates.count("lost") <= 32
    assert seen == {"lost", "kept"}
    block.eval()
    assert torch.equal(block(x), F.relu(branch + x))


def test_stochastic_depth_leaves_weights_and_evaluation_alone() -> None:
    plain, dropping = rf.build(with_drops(None)).eval(), rf.build(with_drops(0.5)).eval()
    x = draw_images(3, (16, 16))
    assert list(plain.state_dict()) == list(dropping.state_dict())
    assert torch.equal(plain(x), dropping(x))
    assert not torch.equal(dropping.train()(x), plain.train()(x))


def dilated(
    kind: str, order: str = "post", stride_on: str | None = None, **stage: Any
) -> rf.ResNetSpec:
    block = {"kind": kind, "order": order, **({"stride_on": stride_on} if stride_on else {})}
    return rf.ResNetSpec(
        resforge=1,
        stem={"kind": "conv3x3", "width": 4},
        stages=[{"depth": 1, "width": 4}, {"depth": 3, "width": 6, **stage}],
        block=block,
        head=None,
    )


WIDE = {side: {"kind": "projection", "kernel": 3} for side in ("match", "change")}


@given(
    st.sampled_from(["basic", "bottleneck", "bottleneck on conv1"]),
    st.sampled_from(["post", "norm_after_add", "relu_before_add", "relu_only_pre", "full_pre"]),
    st.integers(2, 3),
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
    st.sampled_from(["projection", "zero_pad", WIDE]),
)
def test_a_dilated_stage_is_the_strided_one_at_every_pixel(
    name: str, order: str, stride: int, size: tuple[int, int], shortcut: Any
) -> None:
    """Exchanging a stride for a dilation keeps what the strided network would have said."""
    kind, _, stride_on = name.partition(" on ")
    spec = dilated(kind, order, stride_on or None, stride=stride)
    last = {"depth": 1, "width": 8, "stride": stride}
    spec = spec.replace({"stages": [*spec.stages, last], "shortcut": shortcut})
    dense = spec.replace(
        {
            "stages[*].stride": 1,
            "stages[1].dilation": stride,
            "stages[2].dilation": stride**2,
        }
    )
    # float64, for the strided map is convolved in another order of additions.
    coarse, fine = (randomise(rf.build(s)).double() for s in (spec, dense))
    fine.load_state_dict(coarse.state_dict())
    x = draw_images(3, size).double()
    out = fine(x)
    assert out.shape[2:] == size
    kept = out[:, :, :: stride**2, :: stride**2]
    torch.testing.assert_close(kept, coarse(x), rtol=1e-9, atol=1e-9)


def test_the_dilation_of_a_stages_first_block() -> None:
    def found(spec: rf.ResNetSpec, kind: str) -> list[tuple[int, ...]]:
        names = ("conv1", "conv2") if kind == "basic" else ("conv2",)
        model = rf.build(spec, device="meta")
        return [tuple(getattr(b, n).dilation[0] for n in names) for b in model.layer2]

    assert found(dilated("basic", dilation=2), "basic") == [(1, 2), (2, 2), (2, 2)]
    assert found(dilated("bottleneck", dilation=2), "bottleneck") == [(1,), (2,), (2,)]
    on_conv1 = dilated("bottleneck", stride_on="conv1", dilation=2)
    assert found(on_conv1, "bottleneck") == [(2,), (2,), (2,)]
    whole = dilated("bottleneck", dilation=4, first_dilation=2)
    assert found(whole, "bottleneck") == [(2,), (4,), (4,)]
    after = whole.replace({"stages[0].dilation": 3, "stages[1].first_dilation": None})
    assert found(after, "bottleneck") == [(3,), (4,), (4,)]


OPTIONS: dict[str, dict[str, Any]] = {
    "attention": {"block.attention": "se"},
    "stochastic depth": {"stochastic_depth": 0.3},
    "dilation": {"stages[2].dilation": 2},
    "order": {"block.order": "full_pre"},
    "shortcut": {"shortcut": "avg_projection"},
    "stem": {"stem": {"kind": "deep_base", "widths": [32, 32, 64]}},
    "zero_residual": {"init.zero_residual": True},
    "activation": {"activation": "silu"},
    "norm": {"norm": "group"},
}


@given(st.sets(st.sampled_from(sorted(OPTIONS))))
def test_options_are_independent(chosen: set[str]) -> None:
    """Any of them together plan, build and run; each changes the network's identity."""
    base = rf.load("resnet26") if "resnet26" in rf.list_specs() else rf.load("resnet50")
    spec = base
    for name in sorted(chosen):
        changed = spec.replace(OPTIONS[name])
        assert changed.digest != spec.digest
        spec = changed
    model = rf.build(spec, device="meta")
    assert rf.plan(spec).params == sum(p.numel() for p in model.parameters())
    assert rf.loads(spec.to_yaml()) == spec


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SqueezeExcitation(8, 16), "reduction=16 leaves none of 8 channels"),
        (lambda: SqueezeExcitation(8, 0), "reduction=0 must be at least 1"),
        (lambda: ECA(4), "kernel=4 has no middle; choose 3 or 5"),
        (lambda: StochasticDepth(1.0), r"rate=1.0 .* \[0, 1\)"),
        (lambda: StochasticDepth(0.5, "image"), "'batch' or 'row'"),  # type: ignore[arg-type]
        (lambda: Bottleneck(8, 8, dilation=0), "dilation=0 must be at least 1"),
        (
            lambda: BasicBlock(8, 8, shortcut=Projection(8, 8), attention=SqueezeExcitation),
            "reduction=16 leaves none of 8 channels",
        ),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_gradients_of_attention() -> None:
    for attention in (partial(SqueezeExcitation, reduction=2), lambda channels: ECA(3)):
        module: nn.Module = randomise(attention(4)).double()
        x = draw_images(4, (3, 2)).double().requires_grad_()
        torch.autograd.gradcheck(module, (x,))
