"""The fast option A equals pad-then-add: forward, gradient, and under every transformation."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import gc
import weakref
from typing import Any, Literal

import pytest
import torch
import torch.nn.functional as F
from conversions import each_conversion
from hypothesis import given
from hypothesis import strategies as st
from resforge.blocks import ZeroPad
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

FORMATS = (torch.contiguous_format, torch.channels_last)


def pad_then_add(residual: Tensor, x: Tensor, stride: int, before: int) -> Tensor:
    """Option A as it is usually written: a padded copy, then the sum."""
    after = residual.shape[1] - x.shape[1] - before
    out = residual.clone(memory_format=torch.preserve_format)
    out += F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, before, after))
    return out


def draw_pair(
    shortcut: ZeroPad,
    size: tuple[int, int] = (6, 5),
    batch: int = 2,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> tuple[Tensor, Tensor]:
    """A residual and an x that the shortcut joins, both leaves that want gradients."""
    generator = torch.Generator().manual_seed(0)
    height, width = (-(-length // shortcut.stride) for length in size)
    shapes = (
        (batch, shortcut.out_channels, height, width),
        (batch, shortcut.in_channels, *size),
    )
    residual, x = (torch.randn(s, generator=generator, dtype=dtype).to(device) for s in shapes)
    return residual.requires_grad_(), x.requires_grad_()


class Join(nn.Module):
    """The join on a fresh residual, as a block calls it."""

    def __init__(self, shortcut: ZeroPad) -> None:
        super().__init__()
        self.shortcut = shortcut

    def forward(self, residual: Tensor, x: Tensor) -> Tensor:
        # 1 * residual is a fresh tensor whose gradient does not need its value.
        return self.shortcut.join(1.0 * residual, x)


class Reference(Join):
    """The same through pad-then-add."""

    def forward(self, residual: Tensor, x: Tensor) -> Tensor:
        return pad_then_add(1.0 * residual, x, self.shortcut.stride, self.shortcut.before)


def output_and_gradients(join: Any, residual: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    out = join(residual, x)
    weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype, device=out.device)
    grads = torch.autograd.grad((out * weights.view_as(out)).sum(), (residual, x))
    return out, *grads


def assert_same(actual: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> None:
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.dtype == theirs.dtype
        assert torch.equal(ours, theirs)


@st.composite
def shortcuts(draw: st.DrawFn) -> ZeroPad:
    in_channels = draw(st.integers(1, 5))
    out_channels = in_channels + draw(st.integers(0, 5))
    pad: Literal["end", "both"] = draw(st.sampled_from(["end", "both"]))
    return ZeroPad(in_channels, out_channels, draw(st.integers(1, 3)), pad)


@given(
    shortcut=shortcuts(),
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    batch=st.integers(0, 3),
    formats=st.tuples(st.sampled_from(FORMATS), st.sampled_from(FORMATS)),
)
def test_equals_pad_then_add(
    shortcut: ZeroPad,
    size: tuple[int, int],
    batch: int,
    formats: tuple[torch.memory_format, torch.memory_format],
) -> None:
    residual, x = (
        tensor.detach().contiguous(memory_format=format).requires_grad_()
        for tensor, format in zip(draw_pair(shortcut, size, batch), formats, strict=True)
    )
    actual = output_and_gradients(Join(shortcut), residual, x)
    assert_same(actual, output_and_gradients(Reference(shortcut), residual, x))
    assert torch.equal(
        shortcut(x), pad_then_add(torch.zeros_like(residual), x, shortcut.stride, shortcut.before)
    )


@pytest.mark.parametrize("format", FORMATS, ids=str)
@pytest.mark.parametrize("stride", [1, 2])
def test_layouts_are_kept(format: torch.memory_format, stride: int, device: torch.device) -> None:
    shortcut = ZeroPad(4, 8, stride)
    residual, x = (
        tensor.detach().contiguous(memory_format=format).requires_grad_()
        for tensor in draw_pair(shortcut, device=device)
    )
    actual = output_and_gradients(Join(shortcut), residual, x)
    assert_same(actual, output_and_gradients(Reference(shortcut), residual, x))
    assert actual[0].is_contiguous(memory_format=format)
    if stride == 2:  # at stride 1 the gradient is a view of the residual's
        assert actual[2].is_contiguous(memory_format=format)


def test_x_in_no_layout_of_its_own() -> None:
    shortcut = ZeroPad(4, 8, 2, "both")
    residual, x = draw_pair(shortcut)
    x = x.detach().expand(2, 4, 6, 5).transpose(2, 3).requires_grad_()
    residual = residual.detach().transpose(2, 3).requires_grad_()
    actual = output_and_gradients(Join(shortcut), residual, x)
    assert_same(actual, output_and_gradients(Reference(shortcut), residual, x))


@pytest.mark.parametrize("shortcut", [ZeroPad(2, 5), ZeroPad(2, 5, 2, "both")], ids=repr)
def test_gradients_of_every_order_are_right(shortcut: ZeroPad) -> None:
    pair = draw_pair(shortcut, (3, 4))
    join = Join(shortcut)
    assert torch.autograd.gradcheck(join, pair, check_forward_ad=True)
    # Cubed, so that the second derivative is not zero.
    assert torch.autograd.gradgradcheck(lambda r, x: join(r, x) ** 3, pair)


@pytest.mark.parametrize("wants", [(True, False), (False, True), (False, False)])
def test_either_side_may_want_no_gradient(wants: tuple[bool, bool]) -> None:
    shortcut = ZeroPad(2, 5, 2)
    residual, x = (
        tensor.detach().requires_grad_(want)
        for tensor, want in zip(draw_pair(shortcut), wants, strict=True)
    )
    out = Join(shortcut)(residual, x)
    assert torch.equal(out, Reference(shortcut)(residual, x))
    assert out.requires_grad is any(wants)
    if any(wants):
        torch.autograd.backward(out.sum())
    assert [tensor.grad is not None for tensor in (residual, x)] == list(wants)


@pytest.mark.parametrize("context", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_writes_into_the_residual(context: Any, device: torch.device) -> None:
    shortcut = ZeroPad(2, 5, 2, "both")
    with context():
        residual, x = (tensor.detach() for tensor in draw_pair(shortcut, device=device))
        expected = pad_then_add(residual, x, 2, 1)
        out = shortcut.join(residual, x)
        assert out.data_ptr() == residual.data_ptr()
        assert torch.equal(out, expected)


def test_the_gradient_of_the_residual_is_not_copied() -> None:
    shortcut = ZeroPad(2, 5, 2)
    leaf, x = draw_pair(shortcut)
    residual = 1.0 * leaf
    seen: list[int] = []
    residual.register_hook(  # type: ignore[no-untyped-call]
        lambda grad: seen.append(grad.data_ptr())
    )
    out = shortcut.join(residual, x)
    grad = torch.ones_like(out)
    torch.autograd.backward(out, grad)
    assert seen == [grad.data_ptr()]


class FreshMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lists the operations that return memory they were not given, and how many bytes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.taken: list[tuple[str, int]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {leaf.untyped_storage().data_ptr() for leaf in args if isinstance(leaf, Tensor)}
        result = func(*args, **(kwargs or {}))
        storage = result.untyped_storage()
        if storage.data_ptr() not in given:
            self.taken.append((func.overloadpacket.__name__, storage.nbytes()))
        return result


@pytest.mark.parametrize("stride", [1, 2])
def test_no_memory_is_taken_but_for_the_gradient_of_x(stride: int) -> None:
    shortcut = ZeroPad(2, 5, stride)
    leaf, x = draw_pair(shortcut)
    residual, fresh = 1.0 * leaf, FreshMemory()
    with fresh:
        out = shortcut.join(residual, x)
    assert fresh.taken == []
    grad = torch.ones_like(out)
    with fresh:
        torch.autograd.grad(out, (leaf, x), grad)
    # Autograd's part for 1.0 * leaf is one product of the residual's size.
    assert sorted(fresh.taken) == sorted(
        [("mul", out.nbytes), *([("new_empty_strided", x.nbytes)] if stride == 2 else [])]
    )


def test_x_is_not_kept_for_the_backward() -> None:
    shortcut = ZeroPad(2, 5, 2)
    residual, leaf = draw_pair(shortcut)
    x = 1.0 * leaf
    alive = weakref.ref(x)
    out = Join(shortcut)(residual, x)
    del x
    gc.collect()
    assert alive() is None
    torch.autograd.backward(out.sum())
    assert leaf.grad is not None


def test_a_residual_that_autograd_needs_is_refused() -> None:
    # exp needs its output for its gradient: overwriting it must not pass unseen.
    shortcut = ZeroPad(2, 5, 2)
    leaf, x = draw_pair(shortcut)
    out = shortcut.join(leaf.exp(), x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.backward(out.sum())


@pytest.mark.parametrize(
    "dtypes",
    [(torch.bfloat16, torch.float32), (torch.float32, torch.bfloat16)],
    ids=["low into full", "full into low"],
)
def test_mixed_dtypes_as_autocast_makes_them(
    dtypes: tuple[torch.dtype, torch.dtype], device: torch.device
) -> None:
    shortcut = ZeroPad(2, 5, 2, "both")
    residual, x = (
        tensor.detach().to(dtype).requires_grad_()
        for tensor, dtype in zip(draw_pair(shortcut, device=device), dtypes, strict=True)
    )
    actual = output_and_gradients(Join(shortcut), residual, x)
    assert_same(actual, output_and_gradients(Reference(shortcut), residual, x))
    assert [tensor.dtype for tensor in actual] == [dtypes[0], *dtypes]


@each_conversion
@pytest.mark.parametrize(
    "dtypes", [(torch.float32, torch.float32), (torch.bfloat16, torch.float32)], ids=str
)
def test_conversions(
    convert: Any, dtypes: tuple[torch.dtype, torch.dtype], device: torch.device
) -> None:
    shortcut = ZeroPad(3, 8, 2, "both")
    residual, x = (
        tensor.detach().to(dtype).requires_grad_()
        for tensor, dtype in zip(draw_pair(shortcut, device=device), dtypes, strict=True)
    )
    converted = convert(Join(shortcut), (residual, x))
    expected = output_and_gradients(Reference(shortcut), residual, x)
    for _ in range(3):  # TorchScript changes its graph after the first calls
        assert_same(output_and_gradients(converted, residual, x), expected)


def test_a_symbolic_trace_keeps_the_fast_form() -> None:
    graph = torch.fx.symbolic_trace(Join(ZeroPad(3, 8, 2))).graph
    assert [node.name for node in graph.nodes if node.op == "call_function"][-1].startswith(
        "add_zero_padded"
    )


def jacobian(join: Any, residual: Tensor, x: Tensor) -> Any:
    return torch.func.jacrev(lambda x: join(residual, x).sin())(x)


def forward_jacobian(join: Any, residual: Tensor, x: Tensor) -> Any:
    return torch.func.jacfwd(lambda x: join(residual, x).sin())(x)


def hessian(join: Any, residual: Tensor, x: Tensor) -> Any:
    return torch.func.hessian(lambda x: join(residual, x).sin().sum())(x)


def gradient(join: Any, residual: Tensor, x: Tensor) -> Any:
    return torch.func.grad(lambda x: join(residual, x).sin().sum())(x)


def vmap(join: Any, residual: Tensor, x: Tensor) -> Any:
    return torch.func.vmap(join)(residual[:, None], x[:, None])


def gradient_per_image(join: Any, residual: Tensor, x: Tensor) -> Any:
    one = torch.func.grad(lambda r, x: join(r[None], x[None]).sin().sum(), argnums=1)
    return torch.func.vmap(one)(residual, x)


@pytest.mark.parametrize(
    "transform",
    [jacobian, forward_jacobian, hessian, gradient, vmap, gradient_per_image],
    ids=lambda transform: transform.__name__,
)
def test_function_transforms(transform: Any) -> None:
    shortcut = ZeroPad(2, 3, 2)
    pair = draw_pair(shortcut, (3, 3))
    actual = transform(Join(shortcut), *pair)

    def out_of_place(residual: Tensor, x: Tensor) -> Tensor:
        return residual + F.pad(x[..., ::2, ::2], (0, 0, 0, 0, 0, 1))

    assert torch.equal(actual, transform(out_of_place, *pair))


def test_meta_tensors() -> None:
    shortcut = ZeroPad(2, 5, 2)
    residual, x = draw_pair(shortcut, device="meta")
    out = Join(shortcut)(residual, x)
    torch.autograd.backward(out.sum())
    assert out.shape == (2, 5, 3, 3)
    assert x.grad is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((8, 4), r"zero_pad cannot narrow 8 channels to 4; pass Projection\(8, 4, stride=1\)"),
        ((4, 8, 1, "front"), r"pad='front' is not a side; choose 'end' or 'both'"),
        ((0, 8), r"in_channels=0 must be at least 1"),
        ((4, 8, 0), r"stride=0 must be at least 1"),
    ],
)
def test_refusals(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ZeroPad(*arguments)


def test_where_the_channels_go() -> None:
    x = torch.ones(1, 2, 1, 1)
    assert ZeroPad(2, 5)(x).flatten().tolist() == [1, 1, 0, 0, 0]
    assert ZeroPad(2, 5, pad="both")(x).flatten().tolist() == [0, 1, 1, 0, 0]
    assert ZeroPad(2, 2, pad="both")(x).flatten().tolist() == [1, 1]
