"""Windows that slide over maps: how many there are, and what they see."""

from __future__ import annotations

from functools import lru_cache
from operator import neg

from .axes import Axes, each, on_axes
from .layer import Layer, Padding, Size


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


def is_wider_than_map(layer: Layer) -> bool:
    """Whether a layer's window is wider than its map, padding included."""
    kernel, dilation, padding = layer.kernel, layer.dilation, layer.padding
    if kernel == 1 or padding == "same":
        return False
    if type(kernel) is type(dilation) is type(padding) is int:
        return _cut(kernel, dilation, padding) > min(layer.in_size)
    cut = on_axes(_cut, kernel, dilation, padding)
    return any(one > side for one, side in zip(each(cut, layer.dims), layer.in_size, strict=True))


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
