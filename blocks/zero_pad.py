"""Option A: the shortcut that subsamples and pads with zero channels, without the padding."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.autograd import forward_ad

from .layers import Stride, check_positive, check_stride, make_avg_pool
from .shortcut import Shortcut, faster_sum


class ZeroPad(Shortcut):
    """S(x) = x subsampled by `stride`, then zero channels; He et al. 2015, option A.

    `pad="end"` puts all zero channels after those of x (fb.resnet.torch), `pad="both"` half of
    them before (the CIFAR networks of akamaster; of an odd number the larger half comes after).
    `subsample="avg_pool"` takes the mean of each square instead of its first pixel (the code of
    PyramidNet; Han et al. 2017, arXiv 1610.02915). It has no parameters. Raises `ValueError`
    where it would narrow, and for sizes below 1. `dims` is the number of axes of the maps.

    >>> ZeroPad(1, 3)(torch.ones(1, 1, 1, 1)).flatten()
    tensor([1., 0., 0.])
    >>> ZeroPad(1, 3, pad="both")(torch.ones(1, 1, 1, 1)).flatten()
    tensor([0., 1., 0.])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: Stride = 1,
        pad: Literal["end", "both"] = "end",
        subsample: Literal["pixel", "avg_pool"] = "pixel",
        dims: int = 2,
    ) -> None:
        super().__init__()
        check_positive(in_channels=in_channels, out_channels=out_channels)
        check_stride(stride)
        if out_channels < in_channels:
            raise ValueError(
                f"zero_pad cannot narrow {in_channels} channels to {out_channels}; "
                f"pass Projection({in_channels}, {out_channels}, stride={stride})"
            )
        if pad not in ("end", "both"):
            raise ValueError(f"pad={pad!r} is not a side; choose 'end' or 'both'")
        if subsample not in ("pixel", "avg_pool"):
            raise ValueError(f"subsample={subsample!r} is unknown; choose 'pixel' or 'avg_pool'")
        self.pool: nn.Module | None = None
        if subsample == "avg_pool" and stride != 1:
            self.pool = make_avg_pool(stride, dims)
        self.step = stride if self.pool is None else 1
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stride = stride
        self.dims = dims
        self.pad = pad
        self.before = (out_channels - in_channels) // 2 if pad == "both" else 0
        self.after = out_channels - in_channels - self.before

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Raises `ValueError` if the block's sizes are not the shortcut's."""
        own = (self.in_channels, self.out_channels, self.stride)
        self._compare(own, (in_channels, out_channels, stride))

    def forward(self, x: Tensor) -> Tensor:
        """S(x): (N, out_channels, H', W') for x: (N, in_channels, H, W)."""
        if self.pool is not None:
            x = self.pool(x)
        if self.step != 1:
            x = x[every(self.step, self.dims)]
        if self.in_channels < self.out_channels:
            x = F.pad(x, [0, 0] * self.dims + [self.before, self.after])
        return x

    @faster_sum
    def join(self, residual: Tensor, x: Tensor) -> Tensor:
        """F(x) + S(x), written into `residual`; the padded copy of x is never made.

        So `forward` is not called, nor are hooks on it.
        """
        if self.pool is not None:
            x = self.pool(x)
        return add_zero_padded(residual, x, self.step, self.before)

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return f"{self.in_channels}, {self.out_channels}, stride={self.stride}, pad={self.pad!r}"


def every(stride: Stride, dims: int) -> tuple[slice, ...]:
    """The index of every `stride`-th element along each axis of a map of `dims` axes."""
    steps = (stride,) * dims if isinstance(stride, int) else stride
    return (slice(None), slice(None), *(slice(None, None, step) for step in steps))


def zero_padded(x: Tensor, channels: int, stride: Stride, before: int) -> Tensor:
    """x subsampled, with `before` zero channels in front and the rest of `channels` behind."""
    after = channels - x.shape[1] - before
    # A slice of the whole and a pad of nothing are operations that batched gradients lack. What is
    # traced has sizes that are tensors, and must not be asked.
    subsampled = x[every(stride, x.dim() - 2)] if stride != 1 else x
    if torch.jit.is_tracing() or before or after:  # type: ignore[attr-defined, no-untyped-call]
        subsampled = F.pad(subsampled, [0, 0] * (x.dim() - 2) + [before, after])
    return subsampled


def add_zero_padded(residual: Tensor, x: Tensor, stride: Stride, before: int) -> Tensor:
    """`residual + zero_padded(x, ...)` in the dtype of `residual`, in its memory where possible.

    Compilers, function transforms and forward-mode differentiation get pad-then-add in plain
    operations: they fuse or differentiate it themselves, and do not all accept a custom gradient
    that writes in place.
    """
    if _in_transform() or _is_dual(residual) or _is_dual(x):
        return _pad_then_add(residual, x, stride, before)
    if not torch.is_grad_enabled():
        return _add_to_slice(residual, x, stride, before)
    out: Tensor = _AddZeroPadded.apply(  # type: ignore[no-untyped-call]
        residual, x, stride, before
    )
    return out


# In a symbolic_trace graph the sum stays one node, so a traced network keeps the fast form.
fx.wrap("add_zero_padded")


def _pad_then_add(residual: Tensor, x: Tensor, stride: Stride, before: int) -> Tensor:
    padded = zero_padded(x, residual.shape[1], stride, before)
    return (residual + padded).to(residual.dtype)


def _add_to_slice(residual: Tensor, x: Tensor, stride: Stride, before: int) -> Tensor:
    residual[:, before : before + x.shape[1]] += x[every(stride, x.dim() - 2)]
    return residual


def _in_transform() -> bool:
    """Whether torch.compile, torch.export, torch.jit.trace or torch.func is at work."""
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        # Not public, but what autograd.Function.apply itself asks before it runs.
        or torch._C._are_functorch_transforms_active()
    )


def _is_dual(tensor: Tensor) -> bool:
    """Whether the tensor carries a tangent: forward-mode differentiation is at work."""
    dual = forward_ad.unpack_dual(tensor)  # type: ignore[no-untyped-call]
    return dual.tangent is not None


class _AddZeroPadded(torch.autograd.Function):
    """residual[:, before : before + C] += x[:, :, ::stride, ::stride], in place; on any axes.

    Autograd's own rule for writing into a slice clones the gradient of the whole residual.
    Here it passes through untouched, and that of x is read from its slice.
    """

    @staticmethod
    def forward(ctx: Any, residual: Tensor, x: Tensor, stride: Stride, before: int) -> Tensor:
        ctx.mark_dirty(residual)
        ctx.stride, ctx.before = stride, before
        # x itself is not kept, only what its gradient must look like.
        ctx.shape, ctx.strides, ctx.dtype = x.shape, _dense_strides(x), x.dtype
        return _add_to_slice(residual, x, stride, before)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        if not ctx.needs_input_grad[1]:
            return grad, None, None, None
        part = grad.narrow(1, ctx.before, ctx.shape[1])
        if ctx.stride == 1:
            return grad, part.to(ctx.dtype), None, None
        # Made from the gradient, which holds many at once where gradients are batched.
        grad_x = grad.new_empty_strided(ctx.shape, ctx.strides, dtype=ctx.dtype).zero_()
        grad_x[every(ctx.stride, grad_x.dim() - 2)] = part
        return grad, grad_x, None, None


def _dense_strides(x: Tensor) -> tuple[int, ...]:
    """The strides of x where it is contiguous in either layout, else those of a contiguous one."""
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    if x.is_contiguous() or (
        x.dim() in layouts and x.is_contiguous(memory_format=layouts[x.dim()])
    ):
        return x.stride()
    sizes = x.shape[1:]
    return tuple(math.prod(sizes[axis:]) for axis in range(len(sizes) + 1))
