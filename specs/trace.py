"""Layers in plain numbers, and the pen that writes them down.

All arithmetic on shapes, parameters and operations stands in this file and nowhere else.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from .norm import NormSpec

Size = tuple[int, int]
Shape = tuple[int, ...]
Path = Literal["main", "shortcut", "attention"]
# Skips the call that a named tuple makes to come here: a fifth of the time of a plan.
_new = tuple.__new__


class Layer(NamedTuple):
    """One layer, as plain numbers; sizes are ``(height, width)`` in pixels.

    >>> Trace(3, (8, 8)).conv("conv1", 16, kernel=3).params
    432
    """

    name: str
    """The layer's name in the state dict."""
    kind: str
    """conv, conv_along_channels, batch_norm, group_norm, linear, max_pool, avg_pool, zero_pad or
    parameter."""
    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    groups: int
    dilation: int
    weight: Shape
    """Shape of the weight; empty where there is none."""
    bias: bool
    in_size: Size
    out_size: Size
    params: int
    """Learnable elements."""
    macs: int
    """Multiply-accumulates of convolutions and linear layers for one image, bias not counted."""
    activations: int
    """Elements put out by convolutions and linear layers (Radosavovic et al. 2020, arXiv
    2003.13678, section 3.2)."""
    receptive_field: int
    """Side, in input pixels, of the square an output element can see."""
    path: Path
    """``main``, ``shortcut``, or ``attention`` where it only weighs the channels of the main."""

    @property
    def shortcut(self) -> bool:
        """Whether the layer stands on a shortcut."""
        return self.path == "shortcut"

    @property
    def parameters(self) -> dict[str, Shape]:
        """Names and shapes of the learnable tensors, as in the state dict."""
        if self.kind == "parameter":
            return {self.name: self.weight}
        if not self.weight:
            return {}
        tensors = {f"{self.name}.weight": self.weight}
        if self.bias:
            tensors[f"{self.name}.bias"] = (self.out_channels,)
        return tensors

    @property
    def buffers(self) -> dict[str, Shape]:
        """Names and shapes of the running statistics, as in the state dict."""
        if self.kind != "batch_norm":
            return {}
        channels = (self.out_channels,)
        return {
            f"{self.name}.running_mean": channels,
            f"{self.name}.running_var": channels,
            f"{self.name}.num_batches_tracked": (),
        }


def strided(size: Size, stride: int) -> Size:
    """The size of a map after a window of odd side n, padded by n // 2, at ``stride``.

    >>> strided((7, 8), 2)
    (4, 4)
    """
    # (side + 2 * (n // 2) - n) // stride + 1 for odd n
    return (size[0] - 1) // stride + 1, (size[1] - 1) // stride + 1


class Trace:
    """Writes layers down one after another and carries the shape from each to the next.

    >>> trace = Trace(3, (224, 224))
    >>> layer = trace.conv("conv1", 64, kernel=7, stride=2)
    >>> trace.channels, trace.size, layer.macs
    (64, (112, 112), 118013952)
    """

    __slots__ = ("channels", "first", "jump", "last", "layers", "path", "prefix", "size")

    def __init__(self, channels: int, size: Size) -> None:
        self.layers: list[Layer] = []
        self.channels = channels
        self.size = size
        self.first = 0  # the input pixels that the present map's first element sees, unpadded
        self.last = 0
        self.jump = 1  # input pixels between neighbouring elements of the present map
        self.prefix = ""
        self.path: Path = "main"

    def fork(self, path: Path) -> Trace:
        """A second pen at the present shape, writing into the same list."""
        other = Trace(self.channels, self.size)
        other.layers = self.layers
        other.first, other.last, other.jump = self.first, self.last, self.jump
        other.prefix, other.path = self.prefix, path
        return other

    @property
    def receptive_field(self) -> int:
        """Side, in input pixels, of the square that an element of the present map sees."""
        return self.last - self.first + 1

    def join(self, other: Trace) -> None:
        """Take in what the other pen's map sees: the sum of both."""
        if other.first < self.first:
            self.first = other.first
        if other.last > self.last:
            self.last = other.last

    def conv(
        self,
        name: str,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        dilation: int = 1,
    ) -> Layer:
        """A square convolution of odd ``kernel``, padded by ``kernel // 2 * dilation``."""
        in_channels = self.channels // groups
        weight = (out_channels, in_channels, kernel, kernel)
        count = out_channels * in_channels * kernel * kernel
        return self._write(
            name, "conv", out_channels, kernel, stride, groups, weight, bias, count, dilation
        )

    def conv_along_channels(self, name: str, kernel: int) -> Layer:
        """A convolution over neighbouring channels, the same at each; on a map of one position."""
        layer = self._write(name, "conv_along_channels", self.channels, weight=(1, 1, kernel))
        layer = self.layers[-1] = layer._replace(
            kernel=kernel, macs=self.channels * kernel, activations=self.channels
        )
        return layer

    def norm(self, name: str, norm: NormSpec) -> None:
        """A weight and a bias for each channel; nothing at all where the norm is none."""
        if norm.kind != "none":
            kind, groups = (
                ("group_norm", norm.groups) if norm.kind == "group" else ("batch_norm", 1)
            )
            channels = self.channels
            self._write(name, kind, channels, 1, 1, groups, (channels,), True)

    def max_pool(self, name: str, kernel: int, stride: int) -> Layer:
        """Max-pooling padded by ``kernel // 2``."""
        return self._write(name, "max_pool", self.channels, kernel, stride)

    def avg_pool(self, name: str, stride: int) -> Layer:
        """The mean of squares of ``stride`` pixels a side that do not overlap; the last of a row
        or column may be cut by the border, and then is the mean of what is left."""
        return self._write(name, "avg_pool", self.channels, stride, stride)

    def zero_pad(self, name: str, out_channels: int, stride: int) -> Layer:
        """Every ``stride``-th pixel, then channels of zeros up to ``out_channels``."""
        return self._write(name, "zero_pad", out_channels, 1, stride)

    def global_avg_pool(self, name: str) -> Layer:
        """The mean over all positions."""
        in_size, self.size = self.size, (1, 1)
        self.last += (max(in_size) - 1) * self.jump
        layer = self.layers[-1] = self._write(name, "avg_pool", self.channels)._replace(
            in_size=in_size
        )
        return layer

    def linear(self, name: str, out_channels: int) -> Layer:
        """A linear layer with a bias, on a map of one position."""
        weight = (out_channels, self.channels)
        count = out_channels * self.channels
        return self._write(name, "linear", out_channels, 1, 1, 1, weight, True, count)

    def parameter(self, name: str, *shape: int) -> Layer:
        """A free tensor, for custom blocks that hold one (a scale of each channel, say).

        No shape at all is a single number.
        """
        return self._write(name, "parameter", self.channels, weight=shape)

    def repeat(
        self, layers: tuple[Layer, ...], old: str, new: str, growth: tuple[int, int]
    ) -> None:
        """Write ``layers`` once more, named ``new`` for ``old``.

        For a block that is the one before it again: same sizes, same counts. ``growth`` is how
        far the block moves the first and the last pixel that is seen.
        """
        cut = len(old)
        wider = growth[1] - growth[0]
        self.layers += [
            _new(Layer, (new + layer[0][cut:], *layer[1:15], layer[15] + wider, layer[16]))
            for layer in layers
        ]
        self.first += growth[0]
        self.last += growth[1]

    def _write(
        self,
        name: str,
        kind: str,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        weight: Shape = (),
        bias: bool = False,
        products: int = 0,
        dilation: int = 1,
    ) -> Layer:
        """``products`` are the multiplications for each position of the output."""
        in_size = size = self.size
        if stride > 1:
            self.size = size = strided(size, stride)
        if kernel > 1:
            if kind == "avg_pool":
                self.last += (kernel - 1) * self.jump
            else:
                reach = kernel // 2 * dilation * self.jump
                self.first -= reach
                self.last += reach
        self.jump *= stride
        params = products or (prod(weight) if weight or kind == "parameter" else 0)
        positions = size[0] * size[1] if products else 0
        layer = _new(
            Layer,
            (
                self.prefix + name,
                kind,
                self.channels,
                out_channels,
                kernel,
                stride,
                groups,
                dilation,
                weight,
                bias,
                in_size,
                size,
                params + out_channels if bias else params,
                products * positions,
                out_channels * positions,
                self.last - self.first + 1,
                self.path,
            ),
        )
        self.channels = out_channels
        self.layers.append(layer)
        return layer
