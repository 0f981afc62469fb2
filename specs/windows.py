"""Windows that slide over maps: how many there are, and what they see."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from operator import neg
from typing import NamedTuple

from .axes import Axes, each, on_axes
from .layer import Padding, Size


def rounded(channels: int, divisor: int, reduction: int = 1) -> int:
    """The multiple of ``divisor`` nearest to ``channels / reduction``, halves upwards, and at least
    ``divisor``.

    >>> rounded(20, 8), rounded(24, 8, reduction=16)
    (24, 8)
    """
    step = reduction * divisor
    return max(1, (2 * channels + step) // (2 * step)) * divisor


@lru_cache(4096)
def window(
    size: Size,
    kernel: Axes,
    stride: Axes,
    dilation: Axes,
    padding: Padding | None,
    ceil: bool = False,
) -> tuple[Size, Axes, Axes]:
    """A window on a map of ``size``: the size of the map that it leaves, and by how many elements
    of the first map the first and the last that an element sees move.

    Without ``padding`` it takes less at the border, and with ``ceil`` the last window of a row or
    column may be cut there.

    >>> window((7, 8), 3, 2, 1, 1), window((7, 8), 3, 2, 1, "same")
    (((4, 4), -1, 1), ((4, 4), (-1, 0), (1, 2)))
    """
    # Networks have few windows: kept, they cost less than numbers by axis do.
    before: Axes = 0
    if padding is None or padding == "same":
        out = strided(size, stride)
        if padding:
            before = on_axes(_before, size, kernel, stride, dilation)
    else:
        before, out = padding, _windows(size, on_axes(_cut, kernel, dilation, padding), stride)
        if ceil:
            out = _with_cut_windows(out, size, kernel, stride, padding)
    return out, on_axes(neg, before), on_axes(beyond, kernel, dilation, before)


@lru_cache(4096)
def strided(size: Size, stride: Axes) -> Size:
    """The size of a map after a window of odd side n, padded by n // 2, at ``stride``.

    >>> strided((7, 8), 2), strided((16, 7, 8), (1, 2, 2))
    ((4, 4), (16, 4, 4))
    """
    # (side + 2 * (n // 2) - n) // stride + 1 for odd n
    return _windows(size, 1, stride)


def _windows(size: Size, cut: Axes, stride: Axes) -> Size:
    """The number of windows on each axis, the first of which leaves ``cut - 1`` pixels less."""
    if type(cut) is type(stride) is int:
        return tuple([max(1, (side - cut) // stride + 1) for side in size])
    sides = zip(size, each(cut, len(size)), each(stride, len(size)), strict=True)
    return tuple([max(1, (side - cut) // stride + 1) for side, cut, stride in sides])


def usual_padding(kernel: Axes, dilation: Axes = 1) -> Axes:
    """Half of a window, which keeps the size of the map where its sides are odd.

    >>> usual_padding((1, 7, 7)), usual_padding(3, 2)
    ((0, 3, 3), 2)
    """
    if type(kernel) is type(dilation) is int:
        return _half(kernel, dilation)
    return on_axes(_half, kernel, dilation)


def same_everywhere(kernel: Axes, stride: Axes, dilation: Axes) -> Padding:
    """``same``, or the padding on each side that it is whatever the size of the map.

    >>> same_everywhere(3, 1, 2), same_everywhere(1, 2, 1), same_everywhere(3, 2, 1)
    (2, 0, 'same')
    """
    halves = on_axes(_half_of_even, kernel, stride, dilation)
    return "same" if -1 in each(halves, 1) else halves


class Sliding(NamedTuple):
    """The way in which the window of a convolution slides over any map."""

    kernel: Axes
    stride: Axes
    dilation: Axes
    padding: Padding
    sides: tuple[int, ...]
    """The kernel, one number for each axis."""
    taps: int
    """Positions of the kernel."""
    keeps: bool
    """Whether it leaves each map as large as it is, and looks at single positions."""


@lru_cache(4096)
def sliding(
    kernel: Axes, stride: Axes, dilation: Axes, padding: Padding | None, dims: int
) -> Sliding:
    """The way of a convolution over ``dims`` axes; ``padding`` is half of its window where it is
    None.

    >>> way = sliding(3, 2, 1, None, dims=2)
    >>> way.sides, way.taps, way.padding
    ((3, 3), 9, 1)
    """
    if kernel == 1:
        dilation = 1  # a window of one pixel has no neighbours
    if padding == "same":
        padding = same_everywhere(kernel, stride, dilation)
    keeps = kernel == 1 == stride and not padding
    if padding is None:
        padding = usual_padding(kernel, dilation)
    sides = each(kernel, dims)
    return Sliding(kernel, stride, dilation, padding, sides, prod(sides), keeps)


@lru_cache(4096)
def slid(way: Sliding, size: Size) -> tuple[Size, Axes, Axes, bool]:
    """A convolution on a map of ``size``: what :func:`window` says, and whether the map is one that
    it should take.

    >>> slid(sliding(3, 2, 1, None, dims=2), (7, 7)), slid(sliding(3, 2, 1, None, dims=2), (1, 1))
    (((4, 4), -1, 1, True), ((1, 1), -1, 1, False))
    """
    kernel, stride, dilation, padding = way[:4]
    fits = not (is_wider(kernel, dilation, padding, size) or steps_over_one(stride, size))
    return (*window(size, kernel, stride, dilation, padding), fits)


def _half_of_even(kernel: int, stride: int, dilation: int) -> int:
    spread = dilation * (kernel - 1)
    return -1 if spread and (spread % 2 or stride != 1) else spread // 2


def _before(side: int, kernel: int, stride: int, dilation: int) -> int:
    """Pixels before the map under ``same``.

    >>> _before(7, 3, 2, 1), _before(8, 3, 2, 1), _before(8, 7, 2, 1)
    (1, 0, 2)
    """
    needed = (max(1, -(-side // stride)) - 1) * stride + dilation * (kernel - 1) + 1
    return max(0, needed - side) // 2


def _half(kernel: int, dilation: int) -> int:
    return kernel // 2 * dilation


def _cut(kernel: int, dilation: int, padding: int) -> int:
    return dilation * (kernel - 1) + 1 - 2 * padding


def beyond(kernel: int, dilation: int, padding: int) -> int:
    return dilation * (kernel - 1) - padding


def is_wider(kernel: Axes, dilation: Axes, padding: Padding, size: Size) -> bool:
    """Whether a window is wider than a map of ``size``, padding included."""
    if kernel == 1 or padding == "same":
        return False
    if type(kernel) is type(dilation) is type(padding) is int:
        return _cut(kernel, dilation, padding) > min(size)
    cut = on_axes(_cut, kernel, dilation, padding)
    return any(one > side for one, side in zip(each(cut, len(size)), size, strict=True))


def steps_over_one(stride: Axes, size: Size) -> bool:
    """Whether a window strides on a map of ``size``, but only along axes of one pixel."""
    if isinstance(stride, int):
        return stride > 1 and max(size) == 1
    strides = each(stride, len(size))
    return all(side == 1 for side, stride in zip(size, strides, strict=True) if stride > 1)


def _with_cut_windows(size: Size, of: Size, kernel: Axes, stride: Axes, padding: Axes) -> Size:
    """``size`` and the windows that the border cuts; none begins in the padding after the map."""
    dims = len(size)
    sides = zip(size, of, each(kernel, dims), each(stride, dims), each(padding, dims), strict=True)
    return tuple(
        [
            # A window that is wider than its map is the first and the last.
            n + ((left := side - k + 2 * pad) >= 0 and left % step > 0 and n * step < side + pad)
            for n, side, k, step, pad in sides
        ]
    )
