"""The small parts that blocks, stems and heads are composed of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from torch import nn

Norm = Callable[[int], nn.Module]
"""Makes a norm for a number of channels: `nn.BatchNorm2d`, `partial(nn.GroupNorm, 8)`, `NoNorm`."""

Stride = int | tuple[int, ...]
"""A stride, or one for each axis."""

Activation = Callable[[], nn.Module]
"""Makes an activation: `nn.ReLU`, `nn.SiLU`, `partial(nn.LeakyReLU, 0.1)`."""

# These compute their gradient from their output, so writing over the input saves a copy. Others
# (SiLU, Mish, Hardswish) would have to clone their input first and are left out of place.
_IN_PLACE: dict[Activation, Activation] = {
    kind: partial(kind, inplace=True) for kind in (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU)
}


class NoNorm(nn.Identity):
    """n(x) = x: stands where a norm would, for networks without one; has no parameters.

    >>> NoNorm(64)
    NoNorm()
    """

    def __init__(self, channels: int) -> None:
        super().__init__()


class NamedSequential(nn.Sequential):
    """A `nn.Sequential` whose constructor takes numbers; slices of it are plain `nn.Sequential`s.

    `nn.Sequential` makes a slice by calling the class with the children, which a constructor
    with arguments of its own cannot answer.
    """

    def __getitem__(self, index: Any) -> Any:
        """The child at `index`, or a plain `nn.Sequential` of the children in a slice."""
        if isinstance(index, slice):
            return nn.Sequential(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    *,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    norm: Norm = nn.BatchNorm2d,
    bias: bool | None = None,
) -> tuple[nn.Conv2d, nn.Module]:
    """A convolution padded by `kernel_size // 2 * dilation` and the norm that follows it.

    `bias=None` gives the convolution a bias exactly where no norm follows, since a norm with
    an offset of its own would make it redundant. Raises `ValueError` for sizes below 1, for an
    even `kernel_size` and for `groups` that divide the channels unevenly.

    >>> conv, norm = conv_norm(64, 128, 3, stride=2, norm=NoNorm)
    >>> conv.bias is None
    False
    """
    check_positive(
        in_channels=in_channels,
        out_channels=out_channels,
        stride=stride,
        groups=groups,
        dilation=dilation,
    )
    check_odd(kernel_size=kernel_size)
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise ValueError(
                f"groups={groups} does not divide {name}={channels}; "
                f"choose a divisor of {channels} or a multiple of {groups}"
            )
    follower = norm(out_channels)
    if bias is None:
        bias = isinstance(follower, nn.Identity)
    padding = kernel_size // 2 * dilation
    conv = nn.Conv2d(
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
    )
    return conv, follower


def make_activation(activation: Activation, in_place: bool = True) -> nn.Module:
    """The activation, in place where the class itself is given and that saves memory.

    After a norm, a convolution or a sum, none of which needs its output for its gradient, a
    factory other than a class (a `partial`, a function) is called as it is. With
    `in_place=False` the input stays as it is, whatever the factory says.

    >>> make_activation(nn.ReLU)
    ReLU(inplace=True)
    """
    if in_place:
        return _IN_PLACE.get(activation, activation)()
    module = activation()
    if hasattr(module, "inplace"):
        module.inplace = False  # type: ignore[assignment]
    return module


def make_pool(pool: Literal["max", "none"]) -> nn.MaxPool2d | None:
    """The 3x3 max-pool of stride 2 that ends an ImageNet stem, or `None` for "none".

    Raises `ValueError` for any other name.
    """
    if pool not in ("max", "none"):
        raise ValueError(f"pool={pool!r} is not a pool; choose 'max' or 'none'")
    return nn.MaxPool2d(kernel_size=3, stride=2, padding=1) if pool == "max" else None


def make_avg_pool(stride: Stride, dims: int = 2) -> nn.Module:
    """The mean of squares of `stride` pixels a side, of what is left of one at the border.

    >>> make_avg_pool(1)
    Identity()
    """
    if stride == 1:
        return nn.Identity()
    pool: nn.Module = of_dims("AvgPool", dims)(
        stride, stride, ceil_mode=True, count_include_pad=False
    )
    return pool


def of_dims(name: str, dims: int) -> Any:
    """PyTorch's module class of that name for maps of `dims` axes. Raises `ValueError` for other
    numbers of axes than 1, 2 and 3.

    >>> of_dims("Conv", 3)
    <class 'torch.nn.modules.conv.Conv3d'>
    """
    if dims not in (1, 2, 3):
        raise ValueError(f"dims={dims} is no number of axes; choose 1, 2 or 3")
    return getattr(nn, f"{name}{dims}d")


def check_positive(**sizes: int) -> None:
    """Raises `ValueError` naming the first of `sizes` that is below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}={size} must be at least 1")


def check_stride(stride: Stride) -> None:
    """Raises `ValueError` for a stride below 1."""
    for step in (stride,) if isinstance(stride, int) else stride:
        check_positive(stride=step)


def check_odd(**kernels: int) -> None:
    """Raises `ValueError` naming the first of `kernels` that is below 1 or even."""
    check_positive(**kernels)
    for name, kernel in kernels.items():
        if kernel % 2 == 0:
            raise ValueError(f"{name}={kernel} has no middle; choose {kernel - 1} or {kernel + 1}")
