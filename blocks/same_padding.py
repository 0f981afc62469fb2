"""Padding for as many windows as the stride asks for, whatever the size of the map."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import Tensor


def same_padding(
    x: Tensor,
    kernels: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...] | None = None,
) -> list[int]:
    """The pixels before and after each axis of x, the last axis first, as `F.pad` takes them.

    There are ceil(side / stride) windows a side, and x is padded for them, of an odd number of
    pixels by one more after the map than before it: the padding of TensorFlow's `SAME`. The
    arguments have a number for each axis of a window; `dilations` are 1 unless given.

    >>> import torch
    >>> same_padding(torch.zeros(1, 1, 4, 5), (3, 3), (2, 2))
    [1, 1, 0, 1]
    """
    padding: list[int] = []
    dims = len(kernels)
    for axis in range(dims - 1, -1, -1):
        spread = (kernels[axis] - 1) * (dilations[axis] if dilations else 1)
        missing, stride = spread, strides[axis]
        if stride > 1:
            side = x.shape[axis - dims]
            strided = (side + stride - 1) // stride * stride
            missing = strided - stride + spread + 1 - side
            if spread < stride - 1:
                # Where the last windows leave pixels out it is 0. Tracers know no max.
                missing = (missing + abs(missing)) // 2
        padding += [missing // 2, missing - missing // 2]
    return padding
