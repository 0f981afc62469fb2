"""Layers in plain numbers, and the trace that writes them down.

All arithmetic on shapes, parameters and operations is in this file and nowhere else.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from .norm import NormSpec

Size = tuple[int, int]
Shape = tuple[int, ...]
Path = Literal["main", "shortcut", "attention"]
Starts = tuple[tuple[str, float], ...]
"""Tensors of a layer that start at a constant of their own, by their names within the layer."""
KINDS = frozenset(
    {
        "avg_pool",
        "batch_norm",
        "conv",
        "conv_along_channels",
        "group_norm",
        "layer_norm",
        "linear",
        "max_pool",
        "parameter",
        "zero_pad",
    }
)
"""The kinds of layers: readers of a plan know these, and no other is let into one."""
# Skips the Python-level call of a named tuple's constructor: 7% of the time of a first plan.
_new = tuple.__new__


class Layer(NamedTuple):
    """One layer, as plain numbers; sizes are ``(height, width)`` in pixels.

    >>> Trace(3, (8, 8)).conv("conv1", 16, kernel=3).params
    432
    """

    name: str
    """The layer's name in the state dict."""
    kind: str
    """conv, conv_along_channels, batch_norm, group_norm, layer_norm, linear, max_pool, avg_pool,
    zero_pad or parameter."""
    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    padding: int
    """Pixels added on each side."""
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
    path: Path
    """``main``, ``shortcut``, or ``attention`` where it only weighs the channels of the main."""
    starts: Starts
    """Constants that its tensors start at, instead of what the network's scheme draws."""
    receptive_field: int
    """Side, in input pixels, of the square an output element can see."""

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
            shape = self.weight if self.kind == "layer_norm" else (self.out_channels,)
            tensors[f"{self.name}.bias"] = shape
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


class Module(NamedTuple):
    """One step of a chain: an operation, and the layers it wrote down."""

    name: str
    """Its name within the part of the network that holds it: ``conv1``, ``downsample.0``."""
    op: Any
    """The operation: how its module is made, what it means, how it is drawn."""
    in_channels: int
    out_channels: int
    layers: tuple[Layer, ...]
    in_place: bool
    """Whether it may write over its input: nothing else reads that, and no gradient needs it."""

    @property
    def layer(self) -> Layer:
        """The first of its layers."""
        return self.layers[0]


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

    __slots__ = (
        "channels",
        "dilation",
        "first",
        "flat",
        "fresh",
        "jump",
        "last",
        "layers",
        "missing_width",
        "modules",
        "path",
        "prefix",
        "size",
    )

    def __init__(self, channels: int, size: Size) -> None:
        self.layers: list[Layer] = []
        self.modules: list[Module] = []
        self.channels = channels
        self.size = size
        self.first = 0  # the input pixels that the present map's first element sees, unpadded
        self.last = 0
        self.jump = 1  # input pixels between neighbouring elements of the present map
        self.prefix = ""
        self.path: Path = "main"
        # What a chain that is being laid says to its operations; see trace_chain.
        self.missing_width = channels
        self.dilation = 1
        self.fresh = False
        self.flat = False

    def fork(self, path: Path) -> Trace:
        """A second trace at the present shape, writing into the same lists."""
        other = Trace(self.channels, self.size)
        other.layers, other.modules = self.layers, self.modules
        other.first, other.last, other.jump = self.first, self.last, self.jump
        other.prefix, other.path = self.prefix, path
        other.dilation = self.dilation
        return other

    @property
    def receptive_field(self) -> int:
        """Side, in input pixels, of the square that an element of the present map sees."""
        return self.last - self.first + 1

    def join(self, other: Trace) -> None:
        """Take in what the other trace's map sees: the sum of both."""
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
        padding: int | None = None,
        starts: Starts = (),
    ) -> Layer:
        """A square convolution; ``padding`` is ``kernel // 2 * dilation`` where it is None."""
        in_channels = self.channels // groups
        weight = (out_channels, in_channels, kernel, kernel)
        count = out_channels * in_channels * kernel * kernel
        return self._write(
            name,
            "conv",
            out_channels,
            kernel,
            stride,
            groups,
            weight,
            bias,
            count,
            dilation,
            padding,
            starts,
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

    def layer_norm(self, name: str) -> None:
        """A weight and a bias for each channel, over all channels of a map of one position."""
        shape = (self.channels, 1, 1)
        self._write(name, "layer_norm", self.channels, weight=shape)
        layer = self.layers[-1]
        self.layers[-1] = layer._replace(bias=True, params=2 * self.channels)

    def max_pool(self, name: str, kernel: int, stride: int, padding: int | None = None) -> Layer:
        """Max-pooling, padded by ``kernel // 2`` unless ``padding`` is given."""
        return self._write(name, "max_pool", self.channels, kernel, stride, padding=padding)

    def avg_pool(self, name: str, stride: int) -> Layer:
        """The mean of squares of ``stride`` pixels a side that do not overlap; the last of a row
        or column may be cut by the border, and then is the mean of what is left."""
        return self._write(name, "avg_pool", self.channels, stride, stride)

    def same_avg_pool(self, name: str, kernel: int) -> Layer:
        """The mean of the window at each pixel, which keeps the size of the map: it is padded by
        ``(kernel - 1) // 2`` pixels before and ``kernel // 2`` after.

        >>> trace = Trace(3, (7, 8))
        >>> layer = trace.same_avg_pool("pool", 2)
        >>> layer.out_size, layer.receptive_field
        ((7, 8), 2)
        """
        before = (kernel - 1) // 2 * self.jump
        layer = self._write(name, "avg_pool", self.channels, kernel)
        self.first, self.last = self.first - before, self.last - before
        return layer

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

    def parameter(self, name: str, *shape: int, start: float | None = None) -> Layer:
        """A free tensor: the scale of each channel, say.

        No shape at all is a single number. Without ``start`` its module fills it.
        """
        starts: Starts = () if start is None else (("", start),)
        return self._write(name, "parameter", self.channels, weight=shape, starts=starts)

    def reshape(self, channels: int, stride: int = 1) -> None:
        """Go on with ``channels`` at ``stride``, without a layer of its own: squares of ``stride``
        pixels that do not overlap, of which an operation that learns nothing makes something else.

        >>> trace = Trace(3, (224, 224))
        >>> trace.reshape(48, stride=4)  # the pixels of each square as channels
        >>> trace.channels, trace.size, trace.receptive_field
        (48, (56, 56), 4)
        """
        self.channels, self.size = channels, strided(self.size, stride)
        self.last += (stride - 1) * self.jump
        self.jump *= stride

    def place(self, layers: tuple[Layer, ...], prefix: str) -> None:
        """Write ``layers`` down once more, which were traced alone from a map of this shape."""
        jump = self.jump
        # A field seen alone grows by what an element of this map sees already.
        more = self.last - self.first + 1 - jump
        # As layer._replace(name=..., receptive_field=...), in half of its time.
        self.layers += [
            _new(Layer, (prefix + layer[0], *layer[1:-1], more + jump * layer[-1]))
            for layer in layers
        ]

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
        padding: int | None = None,
        starts: Starts = (),
    ) -> Layer:
        """``products`` are the multiplications for each position of the output.

        Unless ``padding`` says otherwise, a window is padded so that only its stride shrinks the
        map; an average takes less at the border instead.
        """
        in_size = size = self.size
        if padding is None and kernel % 2 == 0 and kind != "avg_pool":
            padding = kernel // 2 * dilation
        if padding is None:
            padding = 0 if kernel == 1 or kind == "avg_pool" else kernel // 2 * dilation
            if stride > 1:
                self.size = size = strided(size, stride)
        else:
            cut = dilation * (kernel - 1) + 1 - 2 * padding
            self.size = size = (
                max(1, (size[0] - cut) // stride + 1),
                max(1, (size[1] - cut) // stride + 1),
            )
        if kernel > 1:
            self.first -= padding * self.jump
            self.last += (dilation * (kernel - 1) - padding) * self.jump
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
                padding,
                groups,
                dilation,
                weight,
                bias,
                in_size,
                size,
                params + out_channels if bias else params,
                products * positions,
                out_channels * positions,
                self.path,
                starts,
                self.last - self.first + 1,
            ),
        )
        self.channels = out_channels
        self.layers.append(layer)
        return layer
