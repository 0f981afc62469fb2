"""The trace that writes layers down in plain numbers.

All arithmetic on shapes, parameters and operations is here and in :mod:`resforge.specs.windows`,
and nowhere else.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from .axes import Axes, on_axes
from .layer import End, Layer, Module, Padding, Path, Shape, Size, Starts, Tensors
from .windows import Sliding, beyond, slid, sliding, strided, usual_padding, window

if TYPE_CHECKING:
    from .norm import NormSpec

# Skips the Python-level call of a named tuple's constructor: 7% of the time of a first plan.
_new = tuple.__new__


def _plus(end: int, steps: int, jump: int) -> int:
    return end + steps * jump


def _span(first: int, last: int) -> int:
    return last - first + 1


def _times(one: int, other: int) -> int:
    return one * other


def convolved(
    channels: int,
    out_channels: int,
    way: Sliding,
    groups: int,
    bias: bool,
    tensors: Tensors,
    positions: int,
) -> tuple[int, int, int]:
    """The parameters, multiply-accumulates and activations of a convolution of ``channels`` that
    leaves a map of so many ``positions``.

    >>> convolved(3, 64, sliding(7, 2, 1, None, dims=2), 1, False, (), 112 * 112)
    (9408, 118013952, 802816)
    """
    count = out_channels * (channels // groups) * way.taps
    params = count + out_channels if bias else count
    for _, shape in tensors:
        params += prod(shape)
    return params, count * positions, out_channels * positions


class Trace:
    """Writes layers down one after another and carries the shape from each to the next.

    >>> trace = Trace(3, (224, 224))
    >>> layer = trace.conv("conv1", 64, kernel=7, stride=2)
    >>> trace.channels, trace.size, layer.macs
    (64, (112, 112), 118013952)
    """

    __slots__ = (
        "chain_width",
        "channels",
        "dilation",
        "first",
        "flat",
        "fresh",
        "inner",
        "jump",
        "last",
        "layers",
        "missing_width",
        "modules",
        "path",
        "size",
    )

    def __init__(self, channels: int, size: Size) -> None:
        self.layers: list[Layer] = []
        self.modules: list[Module] = []
        self.channels = channels
        self.size = size
        # The input pixels that the present map's first element sees, unpadded.
        self.first: Axes = 0
        self.last: Axes = 0
        self.jump: Axes = 1  # input pixels between neighbouring elements of the present map
        self.path: Path = "main"
        # What a chain that is being laid says to its operations; see trace_chain.
        self.missing_width = channels
        self.chain_width: int | None = None
        self.dilation = 1
        self.fresh = False
        self.flat = False
        self.inner: tuple[Module, ...] = ()  # what the present operation holds

    def fork(self, path: Path) -> Trace:
        """A second trace at the present shape, writing into the same lists."""
        other = Trace(self.channels, self.size)
        other.layers, other.modules = self.layers, self.modules
        other.first, other.last, other.jump = self.first, self.last, self.jump
        other.path = path
        other.dilation = self.dilation
        return other

    @property
    def dims(self) -> int:
        """Number of axes of the map."""
        return len(self.size)

    @property
    def end(self) -> End:
        """Where the trace stands."""
        return _new(End, (self.channels, self.size, self.jump, self.first, self.last))

    @property
    def receptive_field(self) -> Axes:
        """Side, in input pixels, of the square that an element of the present map sees."""
        first, last = self.first, self.last
        if type(first) is type(last) is int:
            return last - first + 1
        return on_axes(_span, first, last)

    def join(self, other: Trace) -> None:
        """Take in what the other trace's map sees: the sum of both."""
        if type(self.first) is type(self.last) is type(other.first) is type(other.last) is int:
            self.first, self.last = min(self.first, other.first), max(self.last, other.last)
            return
        self.first = on_axes(min, self.first, other.first)
        self.last = on_axes(max, self.last, other.last)

    def move(self, first: Axes, last: Axes, stride: Axes) -> None:
        """Go on at ``stride`` with windows whose ends lie so many elements of the present map
        beside the ends of what an element sees."""
        jump = self.jump
        if type(first) is type(last) is type(stride) is type(jump) is int and (
            type(self.first) is type(self.last) is int
        ):
            # As below, in a third of its time.
            self.first += first * jump
            self.last += last * jump
            self.jump = jump * stride
            return
        self.first = on_axes(_plus, self.first, first, jump)
        self.last = on_axes(_plus, self.last, last, jump)
        self.jump = on_axes(_times, jump, stride)

    def conv(
        self,
        name: str,
        out_channels: int,
        kernel: Axes = 1,
        stride: Axes = 1,
        groups: int = 1,
        bias: bool = False,
        dilation: Axes = 1,
        padding: Padding | None = None,
        starts: Starts = (),
        tensors: Tensors = (),
    ) -> Layer:
        """A convolution; ``padding`` is ``kernel // 2 * dilation`` where it is None, and ``same``
        is a number on each side where it is one for every map.

        >>> Trace(3, (16, 112, 112)).conv("conv1", 64, (3, 7, 7), stride=(1, 2, 2)).weight
        (64, 3, 3, 7, 7)
        """
        way = sliding(kernel, stride, dilation, padding, len(self.size))
        return self.convolve(name, out_channels, way, groups, bias, tensors, starts)

    def convolve(
        self,
        name: str,
        out_channels: int,
        way: Sliding,
        groups: int,
        bias: bool,
        tensors: Tensors = (),
        starts: Starts = (),
    ) -> Layer:
        """A convolution whose window slides in a ``way`` that is known."""
        kernel, stride, dilation, padding, sides, _, keeps = way
        channels, in_size = self.channels, self.size
        if not keeps:
            self.size, first, last, _ = slid(way, in_size)
            self.move(first, last, stride)
        size = self.size
        shape = channels, out_channels, kernel, stride, padding, groups, dilation
        weight = out_channels, channels // groups, *sides
        counts = convolved(channels, out_channels, way, groups, bias, tensors, prod(size))
        rest = self.path, starts, tensors, self.receptive_field
        self.channels = out_channels
        return self._write((name, "conv", *shape, weight, bias, in_size, size, *counts, *rest))

    def conv_along_channels(self, name: str, kernel: int) -> Layer:
        """A convolution over neighbouring channels, the same at each; on a map of one position."""
        shape = (1, 1, kernel)
        layer = self._still(name, "conv_along_channels", self.channels, shape, False, kernel)
        layer = self.layers[-1] = layer._replace(
            kernel=kernel, macs=self.channels * kernel, activations=self.channels
        )
        return layer

    def norm(self, name: str, norm: NormSpec, activated: bool = False) -> None:
        """A weight and a bias for each channel, and the tensors of its activation where it is
        ``activated``; nothing at all where the norm is none."""
        if not norm.layer:
            return
        channels = self.channels
        tensors: Tensors = ()
        if activated:
            tensors = tuple((own, (channels,)) for own in norm.activating)
        groups, params = norm.groups_of(channels) or 1, channels * norm.numbers(activated)
        self._still(name, norm.layer, channels, (channels,), True, params, 0, groups, (), tensors)

    def layer_norm(self, name: str) -> None:
        """A weight and a bias for each channel, over all channels of a map of one position."""
        channels = self.channels
        shape = (channels, *(1,) * self.dims)
        self._still(name, "layer_norm", channels, shape, True, 2 * channels)

    def beside(self, channels: int, parallel: bool = False) -> Trace:
        """A fork for one of several paths, which takes ``channels``; ``parallel`` says that the
        layers of another path are as far from the input."""
        side = self.fork("parallel" if parallel and self.path == "main" else self.path)
        side.channels = channels
        return side

    def take(self, *sides: Trace, channels: int) -> None:
        """Go on with ``channels`` that the maps of ``sides``, of one size, were put together to."""
        side = sides[0]
        self.size, self.jump, self.first, self.last = side.size, side.jump, side.first, side.last
        for side in sides:
            self.join(side)
        self.channels = channels

    def max_pool(
        self,
        name: str,
        kernel: Axes,
        stride: Axes,
        padding: Axes | None = None,
        ceil: bool = False,
    ) -> Layer:
        """Max-pooling, padded by ``kernel // 2`` unless ``padding`` is given; with ``ceil`` the
        last window of a row or column may be cut by the border.

        >>> Trace(3, (112, 112)).max_pool("pool", 3, 2, padding=0, ceil=True).out_size
        (56, 56)
        """
        kind, channels = "max_pool", self.channels
        return self._pool(name, kind, channels, kernel, stride, padding, ceil)

    def avg_pool(
        self,
        name: str,
        stride: Axes,
        kernel: Axes | None = None,
        padding: Axes = 0,
        ceil: bool = True,
    ) -> Layer:
        """The mean of windows, by default squares of ``stride`` pixels a side that do not overlap;
        with ``ceil`` the last of a row or column may be cut by the border, and then is the mean of
        what is left.

        >>> Trace(3, (7, 7)).avg_pool("pool", 2).out_size
        (4, 4)
        """
        kind, channels = "avg_pool", self.channels
        kernel = stride if kernel is None else kernel
        return self._pool(name, kind, channels, kernel, stride, padding, ceil)

    def same_pool(self, name: str, kind: str, kernel: Axes, stride: Axes = 1) -> Layer:
        """Pooling of a map that is padded for ``ceil(side / stride)`` windows a side, as
        TensorFlow's ``SAME``: by as few pixels as these need, of an odd number one more after the
        map than before it.

        >>> trace = Trace(3, (7, 8))
        >>> layer = trace.same_pool("pool", "avg_pool", 2)
        >>> layer.out_size, layer.receptive_field
        ((7, 8), 2)
        """
        return self._pool(name, kind, self.channels, kernel, stride, "same")

    def blur(self, name: str, kernel: int, stride: Axes) -> Layer:
        """A convolution of each channel with one fixed filter, padded by ``kernel // 2``."""
        layer = self._pool(name, "blur", self.channels, kernel, stride)
        elements = layer.out_channels * prod(layer.out_size)
        layer = self.layers[-1] = layer._replace(
            macs=elements * kernel**self.dims, activations=elements
        )
        return layer

    def zero_pad(self, name: str, out_channels: int, stride: Axes) -> Layer:
        """Every ``stride``-th pixel, then channels of zeros up to ``out_channels``."""
        return self._pool(name, "zero_pad", out_channels, 1, stride)

    def global_avg_pool(self, name: str) -> Layer:
        """The mean over all positions."""
        return self.global_pool(name, "avg_pool", self.channels)

    def global_pool(self, name: str, kind: str, out_channels: int) -> Layer:
        """One position of all of them."""
        in_size, self.size = self.size, (1,) * self.dims
        self.move(0, max(in_size) - 1, 1)
        layer = self.layers[-1] = self._still(name, kind, out_channels)._replace(in_size=in_size)
        return layer

    def linear(self, name: str, out_channels: int, bias: bool = True) -> Layer:
        """A linear layer, on a map of one position."""
        count = out_channels * self.channels
        params = count + out_channels if bias else count
        weight = (out_channels, self.channels)
        return self._still(name, "linear", out_channels, weight, bias, params, count)

    def parameter(self, name: str, *shape: int, start: float | None = None) -> Layer:
        """A free tensor: the scale of each channel, say.

        No shape at all is a single number. Without ``start`` its module fills it.
        """
        starts: Starts = () if start is None else (("", start),)
        channels, params = self.channels, prod(shape)
        return self._still(name, "parameter", channels, shape, False, params, starts=starts)

    def flatten(self, name: str, size: int) -> Layer:
        """A map of ``size`` positions a side as channels at one position.

        >>> Trace(8, (4, 4)).flatten("flat", 4).out_channels
        128
        """
        channels = self.channels * size**self.dims
        self.flat = True
        return self.global_pool(name, "flatten", channels)

    def attention_pool(self, name: str, size: int, out_channels: int) -> None:
        """Attention of the mean of a map to its ``size`` x ``size`` positions and itself, with a
        linear layer for each part, and one after it."""
        channels, tokens = self.channels, size * size + 1
        side = self.fork("attention")
        side.parameter(f"{name}.positional_embedding", tokens, channels, start=0.0)
        for part, seen in (("k", tokens), ("q", 1), ("v", tokens)):
            side.size = (1, seen)
            side.linear(f"{name}.{part}_proj", channels)
        # The products of query with keys, and of what comes of it with the values.
        self.layers[-1] = side.layers[-1]._replace(
            macs=side.layers[-1].macs + 2 * tokens * channels
        )
        self.move(0, max(self.size) - 1, 1)
        self.size, self.flat = (1,) * self.dims, True
        self.linear(f"{name}.c_proj", out_channels)

    def reshape(self, channels: int, stride: Axes = 1) -> None:
        """Go on with ``channels`` at ``stride``, without a layer of its own: squares of ``stride``
        pixels that do not overlap, of which an operation that learns nothing makes something else.

        >>> trace = Trace(3, (224, 224))
        >>> trace.reshape(48, stride=4)  # the pixels of each square as channels
        >>> trace.channels, trace.size, trace.receptive_field
        (48, (56, 56), 4)
        """
        self.channels, self.size = channels, strided(self.size, stride)
        self.move(0, on_axes(beyond, stride, 1, 0), stride)

    def place(self, layers: tuple[Layer, ...], prefix: str, end: End) -> None:
        """Write down a part that was traced alone from a map of this shape, and go on at its
        end."""
        jump = self.jump
        # A field seen alone grows by what an element of this map sees already.
        more = on_axes(_plus, self.receptive_field, -1, jump)
        if type(more) is type(jump) is int and {type(layer[-1]) for layer in layers} <= {int}:
            # As below, in a third of its time.
            self.layers += [
                _new(Layer, (prefix + layer[0], *layer[1:-1], more + jump * layer[-1]))  # type: ignore
                for layer in layers
            ]
        else:
            self.layers += [
                layer._replace(
                    name=prefix + layer.name,
                    receptive_field=on_axes(_plus, more, jump, layer.receptive_field),
                )
                for layer in layers
            ]
        self.go_on(end)

    def go_on(self, end: End, times: int = 1) -> None:
        """Go on at the end of a part that was traced alone from a map of this shape, or of so many
        parts in a row."""
        self.channels, self.size, stride, first, last = end
        if times > 1:
            if type(first) is type(last) is int:
                first, last = first * times, last * times
            else:
                first, last = on_axes(_times, first, times), on_axes(_times, last, times)
        self.move(first, last, stride)

    def _pool(
        self,
        name: str,
        kind: str,
        out_channels: int,
        kernel: Axes,
        stride: Axes,
        padding: Padding | None = None,
        ceil: bool = False,
    ) -> Layer:
        """A window that learns nothing; an average takes less at the border unless it is padded."""
        channels, in_size = self.channels, self.size
        if kernel == 1 == stride and not padding:
            padding = 0  # the map stays as it is
        else:
            if padding is None and kind != "avg_pool":
                padding = usual_padding(kernel)
            self.size, first, last = window(in_size, kernel, stride, 1, padding, ceil)
            self.move(first, last, stride)
        self.channels = out_channels
        shape = channels, out_channels, kernel, stride, padding or 0, 1, 1, (), False
        rest = in_size, self.size, 0, 0, 0, self.path, (), (), self.receptive_field
        return self._write((name, kind, *shape, *rest))

    def _still(
        self,
        name: str,
        kind: str,
        out_channels: int,
        weight: Shape = (),
        bias: bool = False,
        params: int = 0,
        products: int = 0,
        groups: int = 1,
        starts: Starts = (),
        tensors: Tensors = (),
    ) -> Layer:
        """A layer that leaves the map its size; ``products`` are the multiplications for each
        position."""
        channels, size = self.channels, self.size
        positions = prod(size) if products else 0
        self.channels = out_channels
        return self._write(
            (
                name,
                kind,
                channels,
                out_channels,
                1,
                1,
                0,
                groups,
                1,
                weight,
                bias,
                size,
                size,
                params,
                products * positions,
                out_channels * positions,
                self.path,
                starts,
                tensors,
                self.receptive_field,
            )
        )

    def _write(self, fields: tuple[Any, ...]) -> Layer:
        layer: Layer = _new(Layer, fields)
        self.layers.append(layer)
        return layer
