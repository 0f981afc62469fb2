"""What must hold for any shortcut: laws drawn by hypothesis, all of them bitwise."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from conversions import each_conversion
from drawn import (
    all_shortcuts,
    channel_counts,
    draw_images,
    fitting_shortcuts,
    geometries,
    randomise,
    sizes,
)
from hypothesis import given
from hypothesis import strategies as st
from resforge.blocks import (
    AvgProjection,
    BasicBlock,
    Bottleneck,
    DropoutShortcut,
    Gate,
    Identity,
    NoNorm,
    NoShortcut,
    Projection,
    Residual,
    ResidualBlock,
    Scaled,
    Shortcut,
    ZeroPad,
)
from torch import Tensor, nn

BLOCKS: tuple[type[ResidualBlock], ...] = (BasicBlock, Bottleneck, Residual)


@given(data=st.data(), geometry=geometries(), kind=st.sampled_from(BLOCKS), size=sizes)
def test_a_block_is_relu_of_the_sum(
    data: st.DataObject, geometry: tuple[int, int, int], kind: Any, size: tuple[int, int]
) -> None:
    in_channels, out_channels, stride = geometry
    shortcut = data.draw(fitting_shortcuts(geometry, simple=True) | st.builds(NoShortcut))
    block = kind(in_channels, out_channels, stride=stride, shortcut=shortcut)
    randomise(block)
    x = draw_images(in_channels, size)
    expected = F.relu(by_hand(block, x) + shortcut(x))
    assert torch.equal(block(x), expected)


@given(geometry=geometries(), kind=st.sampled_from(BLOCKS), size=sizes)
def test_a_plain_block_is_relu_of_the_branch(
    geometry: tuple[int, int, int], kind: Any, size: tuple[int, int]
) -> None:
    in_channels, out_channels, stride = geometry
    block = kind(in_channels, out_channels, stride=stride, shortcut=None)
    randomise(block)
    x = draw_images(in_channels, size)
    assert torch.equal(block(x), F.relu(by_hand(block, x)))


@given(data=st.data(), geometry=geometries(), kind=st.sampled_from(BLOCKS), size=sizes)
def test_a_block_whose_last_norm_is_zero_is_relu_of_the_shortcut(
    data: st.DataObject, geometry: tuple[int, int, int], kind: Any, size: tuple[int, int]
) -> None:
    in_channels, out_channels, stride = geometry
    shortcut = data.draw(fitting_shortcuts(geometry))
    block = kind(in_channels, out_channels, stride=stride, shortcut=shortcut)
    randomise(block)
    last = block.bn3 if kind is Bottleneck else block.bn2
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    x = draw_images(in_channels, size)
    expected = F.relu(shortcut(x)).expand_as(block(x))  # S(x) = 0 is a single number
    assert torch.equal(block(x), expected)


def selection(shortcut: Projection, before: int = 0) -> Projection:
    """The projection whose weight copies input channel i to output channel `before + i`."""
    weight = torch.zeros_like(shortcut[0].weight)
    for channel in range(weight.shape[1]):
        weight[before + channel, channel] = 1.0
    shortcut[0].weight.data = weight
    return shortcut.eval()


identity_norms = st.sampled_from([NoNorm, partial(nn.BatchNorm2d, eps=0.0)])


@given(channels=channel_counts, norm=identity_norms, size=sizes)
def test_a_dirac_projection_is_the_identity(
    channels: int, norm: Any, size: tuple[int, int]
) -> None:
    shortcut = selection(Projection(channels, channels, norm=norm, bias=False))
    x = draw_images(channels, size)
    assert torch.equal(shortcut(x), Identity()(x))
    residual = draw_images(channels, size, seed=1)
    assert torch.equal(shortcut.join(residual.clone(), x), Identity().join(residual.clone(), x))


@given(geometry=geometries(), norm=identity_norms, size=sizes)
def test_a_selecting_avg_projection_is_an_averaging_zero_pad(
    geometry: tuple[int, int, int], norm: Any, size: tuple[int, int]
) -> None:
    zero_pad = ZeroPad(*geometry, subsample="avg_pool")
    shortcut = AvgProjection(*geometry, norm=norm, bias=False)
    shortcut[1].weight.data = selection(Projection(*geometry))[0].weight.data
    x = draw_images(geometry[0], size)
    assert torch.equal(shortcut.eval()(x), zero_pad(x))
    residual = torch.rand_like(zero_pad(x))
    assert torch.equal(zero_pad.join(residual.clone(), x), residual + zero_pad(x))


@given(geometry=geometries(), size=sizes)
def test_an_averaging_shortcut_takes_the_mean_of_what_is_there(
    geometry: tuple[int, int, int], size: tuple[int, int]
) -> None:
    """At the border too, where a square is cut: nothing is padded, nothing left out."""
    stride, x = geometry[2], draw_images(geometry[0], size).double()
    pooled = ZeroPad(geometry[0], geometry[0], stride, subsample="avg_pool")(x)
    for row in range(pooled.shape[2]):
        for column in range(pooled.shape[3]):
            square = x[:, :, row * stride :, column * stride :][:, :, :stride, :stride]
            # The pool adds in another order than mean does.
            torch.testing.assert_close(
                pooled[:, :, row, column], square.mean((2, 3)), rtol=1e-12, atol=1e-12
            )


@given(channels=channel_counts, size=sizes)
def test_an_avg_projection_without_a_stride_is_a_projection(
    channels: int, size: tuple[int, int]
) -> None:
    ours, projection = AvgProjection(channels, 8), Projection(channels, 8)
    randomise(projection)
    state = {f"{int(k[0]) + 1}{k[1:]}": v for k, v in projection.state_dict().items()}
    ours.load_state_dict(state)
    x = draw_images(channels, size)
    assert torch.equal(ours.eval()(x), projection(x))


@given(
    data=st.data(), geometry=geometries(), size=sizes, factors=st.tuples(*[st.floats(-4, 4)] * 2)
)
def test_a_scaled_shortcut_is_the_sum_with_factors(
    data: st.DataObject,
    geometry: tuple[int, int, int],
    size: tuple[int, int],
    factors: tuple[float, float],
) -> None:
    inner = randomise(data.draw(fitting_shortcuts(geometry, simple=True)))
    x = draw_images(geometry[0], size)
    residual = draw_residual(inner, x)
    assert torch.equal(
        Scaled(inner, *factors).join(residual.clone(), x),  # type: ignore[arg-type]
        residual * factors[1] + inner(x) * factors[0],
    )
    assert torch.equal(Scaled(inner)(x), inner(x))  # type: ignore[arg-type]
    same = Scaled(inner).join(residual.clone(), x)  # type: ignore[arg-type]
    assert torch.equal(same, residual + inner(x))


@given(data=st.data(), geometry=geometries(), size=sizes, bias=st.floats(-8, 8))
def test_a_gate_weighs_shortcut_against_branch(
    data: st.DataObject, geometry: tuple[int, int, int], size: tuple[int, int], bias: float
) -> None:
    inner = randomise(data.draw(fitting_shortcuts(geometry, simple=True)))
    gate = Gate(*geometry, of=inner, bias_init=bias)  # type: ignore[arg-type]
    assert gate.gate.bias.tolist() == pytest.approx([bias] * geometry[1])
    x = draw_images(geometry[0], size)
    residual, shortcut = draw_residual(inner, x), inner(x)
    conv = F.conv2d(x, gate.gate.weight, gate.gate.bias, geometry[2])
    open_ = conv.sigmoid()
    exclusive = residual * open_ + (1 - open_) * shortcut
    assert torch.equal(gate.join(residual.clone(), x), exclusive)
    gate.mode = "shortcut_only"
    assert torch.equal(gate.join(residual.clone(), x), residual + (1 - open_) * shortcut)


@given(data=st.data(), geometry=geometries(), size=sizes)
def test_the_limits_of_a_gate(
    data: st.DataObject, geometry: tuple[int, int, int], size: tuple[int, int]
) -> None:
    inner = randomise(data.draw(fitting_shortcuts(geometry, simple=True)))
    x = draw_images(geometry[0], size)
    residual, shortcut = draw_residual(inner, x), inner(x)
    limits = {
        ("exclusive", -1e9): shortcut,
        ("exclusive", 1e9): residual,
        ("shortcut_only", -1e9): residual + shortcut,
        ("shortcut_only", 1e9): residual,
    }
    for (mode, bias), expected in limits.items():
        gate = Gate(*geometry, mode=mode, bias_init=bias, of=inner)  # type: ignore[arg-type]
        assert torch.equal(gate.join(residual.clone(), x), expected)


@given(data=st.data(), geometry=geometries(), size=sizes)
def test_dropout_that_drops_nothing(
    data: st.DataObject, geometry: tuple[int, int, int], size: tuple[int, int]
) -> None:
    inner = randomise(data.draw(fitting_shortcuts(geometry, simple=True)))
    x = draw_images(geometry[0], size)
    assert torch.equal(DropoutShortcut(inner).eval()(x), inner(x))  # type: ignore[arg-type]
    never = DropoutShortcut(inner, rate=0.0)  # type: ignore[arg-type]
    never.dropout.train()
    assert torch.equal(never(x), inner(x))


def test_dropout_drops_each_element_alone_and_scales_the_rest() -> None:
    torch.manual_seed(0)
    out = DropoutShortcut(Identity(), rate=0.25)(torch.ones(8, 8, 32, 32))
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
    # 65,536 draws: the share of zeros has a standard deviation of 0.0017.
    assert float((out == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert not torch.equal(out[0, 0], out[0, 1])


@pytest.mark.parametrize("geometry", [(4, 4, 1), (4, 8, 2)], ids=str)
@pytest.mark.parametrize("name", sorted(all_shortcuts((4, 4, 1))))
def test_gradients(name: str, geometry: tuple[int, int, int]) -> None:
    kinds = all_shortcuts(geometry)
    if name not in kinds:
        pytest.skip(f"{name} does not fit {geometry}")
    shortcut = randomise(kinds[name]()).double()
    x = draw_images(4, (3, 4)).double().requires_grad_()
    shape = (2, geometry[1], *(-(-side // geometry[2]) for side in (3, 4)))
    residual = torch.randn(shape, dtype=torch.float64, requires_grad=True)

    def joined(residual: Tensor, x: Tensor, *_: Tensor) -> Tensor:
        out: Tensor = shortcut.join(1.0 * residual, x)  # type: ignore[operator]
        return out

    # The parameters are passed so that they are perturbed; the module reads them itself.
    torch.autograd.gradcheck(joined, (residual, x, *shortcut.parameters()))


@given(geometry=geometries(), norm=identity_norms, size=sizes, pad=st.sampled_from(["end", "both"]))
def test_a_selecting_projection_is_zero_pad(
    geometry: tuple[int, int, int], norm: Any, size: tuple[int, int], pad: Any
) -> None:
    zero_pad = ZeroPad(*geometry, pad)
    shortcut = selection(Projection(*geometry, norm=norm, bias=False), zero_pad.before)
    x = draw_images(geometry[0], size)
    assert torch.equal(shortcut(x), zero_pad(x))
    residual = torch.rand_like(shortcut(x))
    assert torch.equal(shortcut.join(residual.clone(), x), zero_pad.join(residual.clone(), x))


@pytest.mark.parametrize("name", sorted(all_shortcuts((4, 4, 1))))
def test_joining_writes_into_the_residual(name: str) -> None:
    x = draw_images(4, (3, 3))
    residual, before = draw_images(4, (3, 3), seed=1), x.clone()
    out = all_shortcuts((4, 4, 1))[name]().join(residual, x)
    # An exclusive gate's gradient needs the residual as it was.
    assert (out.data_ptr() == residual.data_ptr()) != name.startswith("exclusive")
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", sorted(all_shortcuts((4, 4, 1))))
@each_conversion
def test_conversions(name: str, convert: Any, device: torch.device) -> None:
    if name in ("projection", "none", "identity"):
        pytest.skip("covered by the conversions of blocks")
    for geometry in ((4, 4, 1), (4, 8, 2)):
        make = all_shortcuts(geometry)[name]
        block = randomise(BasicBlock(*geometry[:2], stride=geometry[2], shortcut=make()))
        block.to(device)
        x = draw_images(4, (5, 4)).to(device)
        expected = block(x)
        converted = convert(block, (x,))
        for _ in range(3):  # TorchScript changes its graph after the first calls
            assert torch.equal(converted(x), expected)


@pytest.mark.parametrize("name", sorted(all_shortcuts((4, 8, 2))))
def test_autocast(name: str, autocast_device: torch.device) -> None:
    block = BasicBlock(4, 8, stride=2, shortcut=all_shortcuts((4, 8, 2))[name]()).to(
        autocast_device
    )
    with torch.autocast(autocast_device.type, torch.bfloat16):
        out = block(draw_images(4, (5, 5)).to(autocast_device))
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in block.parameters())


@pytest.mark.parametrize("kind", BLOCKS)
def test_shortcuts_that_do_not_fit(kind: Any) -> None:
    # Each of these torch itself would broadcast, or add after a wrong stride, in silence.
    with pytest.raises(
        ValueError,
        match=r"identity cannot join 64 channels to 128 at stride 2; "
        r"pass Projection\(64, 128, stride=2\) or ZeroPad\(64, 128, stride=2\)",
    ):
        kind(64, 128, stride=2)
    with pytest.raises(ValueError, match=r"identity cannot join 4 channels to 4 at stride 2"):
        kind(4, 4, stride=2, shortcut=Identity())
    with pytest.raises(ValueError, match=r"at stride 1; pass Projection\(8, 4, stride=1\)$"):
        kind(8, 4)
    with pytest.raises(
        ValueError,
        match=r"Projection takes 4 channels to 8 at stride 1, its block 4 to 8 at stride 2; "
        r"pass Projection\(4, 8, stride=2\)",
    ):
        kind(4, 8, stride=2, shortcut=Projection(4, 8))
    with pytest.raises(ValueError, match=r"ZeroPad takes 1 channels to 8 at stride 2, its block 4"):
        kind(4, 8, stride=2, shortcut=ZeroPad(1, 8, 2))


@pytest.mark.parametrize("kind", BLOCKS)
def test_the_default_shortcut_is_an_identity_of_its_own(kind: Any) -> None:
    first, second = kind(4, 4), kind(4, 4)
    assert isinstance(first.downsample, Identity)
    assert first.downsample is not second.downsample
    assert isinstance(kind(4, 8, stride=2, shortcut=None).downsample, NoShortcut)


def test_a_shortcut_of_ones_own() -> None:
    class Halved(Shortcut):
        def check(self, in_channels: int, out_channels: int, stride: int) -> None:
            if (in_channels, stride) != (out_channels, 1):
                raise ValueError("keeps the shape")

        def forward(self, x: Tensor) -> Tensor:
            return x / 2

    block = BasicBlock(4, 4, shortcut=Halved())
    randomise(block)
    x = draw_images(4, (5, 5))
    assert torch.equal(block(x), F.relu(by_hand(block, x) + x / 2))
    with pytest.raises(ValueError, match="keeps the shape"):
        BasicBlock(4, 8, shortcut=Halved())


@pytest.mark.parametrize(
    ("shortcut", "keys"),
    [
        (Identity(), []),
        (NoShortcut(), []),
        (ZeroPad(4, 8, 2), []),
        (Projection(4, 8, norm=NoNorm), ["0.weight", "0.bias"]),
        (Projection(4, 8, norm=NoNorm, bias=False), ["0.weight"]),
        (Projection(4, 8, norm=partial(nn.GroupNorm, 2)), ["0.weight", "1.weight", "1.bias"]),
        (AvgProjection(4, 8, 2, norm=NoNorm), ["1.weight", "1.bias"]),
        (
            AvgProjection(4, 8, 2, norm=partial(nn.GroupNorm, 2)),
            ["1.weight", "2.weight", "2.bias"],
        ),
        (Scaled(Identity()), []),
        (Scaled(Projection(4, 8, norm=NoNorm, bias=False)), ["of.0.weight"]),
        (Gate(4, 8, 2), ["gate.weight", "gate.bias"]),
        (
            Gate(4, 8, of=Projection(4, 8, norm=NoNorm, bias=False)),
            ["of.0.weight", "gate.weight", "gate.bias"],
        ),
        (DropoutShortcut(ZeroPad(4, 8)), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_state_dict_names(shortcut: Shortcut, keys: list[str]) -> None:
    assert list(shortcut.state_dict()) == keys
    if isinstance(shortcut, Projection):  # no empty child "1" stands where there is no norm
        assert [name for name, _ in shortcut.named_children()] == sorted({key[0] for key in keys})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Scaled(NoShortcut()), TypeError, r"of=NoShortcut\(\) is no shortcut"),
        (lambda: DropoutShortcut(nn.Identity), TypeError, "is no shortcut"),
        (lambda: DropoutShortcut(Identity(), 1.5), ValueError, r"rate=1.5 .* \[0, 1\]"),
        (lambda: Gate(4, 8, mode="inclusive"), ValueError, "'exclusive' or 'shortcut_only'"),
        (lambda: Gate(8, 4), ValueError, "zero_pad cannot narrow 8 channels to 4"),
        (lambda: Gate(0, 4), ValueError, "in_channels=0 must be at least 1"),
        (lambda: AvgProjection(4, 8, 0), ValueError, "stride=0 must be at least 1"),
        (lambda: Projection(4, 8, kernel_size=2), ValueError, "kernel_size=2 has no middle"),
        (lambda: Projection(4, 8, kernel_size=0), ValueError, "kernel_size=0 must be at least 1"),
        (lambda: ZeroPad(4, 8, subsample="max"), ValueError, "'pixel' or 'avg_pool'"),
        (
            lambda: BasicBlock(4, 8, stride=2, shortcut=Gate(4, 8)),
            ValueError,
            r"Gate takes 4 channels to 8 at stride 1, its block 4 to 8 at stride 2; pass Gate\(4,",
        ),
        (
            lambda: BasicBlock(4, 8, shortcut=Scaled(Identity())),
            ValueError,
            "identity cannot join 4 channels to 8",
        ),
    ],
)
def test_refusals(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def draw_residual(shortcut: Any, x: Tensor) -> Tensor:
    return torch.randn(shortcut(x).shape, generator=torch.Generator().manual_seed(1))


def by_hand(block: Any, x: Tensor) -> Tensor:
    """F(x), from the block's numbers alone: no module of it is called."""
    state = block.state_dict()
    numbers = [number for number in (1, 2, 3) if f"conv{number}.weight" in state]
    for number in numbers:
        weight = state[f"conv{number}.weight"]
        stride = block.conv1.stride if number == 1 else (1, 1)
        if number == 2:
            stride = block.conv2.stride
        bias = state.get(f"conv{number}.bias")
        x = F.conv2d(x, weight, bias, stride, weight.shape[-1] // 2)
        norm = f"bn{number}"
        x = F.batch_norm(
            x,
            state[f"{norm}.running_mean"],
            state[f"{norm}.running_var"],
            state[f"{norm}.weight"],
            state[f"{norm}.bias"],
        )
        if number != numbers[-1]:
            x = F.relu(x)
    return x
