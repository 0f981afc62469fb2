"""Layers, modules and the ends of parts, in plain numbers."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from .axes import Axes

Size = tuple[int, ...]
"""The sides of a map: height and width, or one for each axis."""
Shape = tuple[int, ...]
Tensors = tuple[tuple[str, Shape], ...]
"""Learnable tensors of a layer beside its weight and bias, by their names within the layer."""
Padding = Axes | Literal["same"]
Path = Literal["main", "shortcut", "attention", "parallel"]
Starts = tuple[tuple[str, float], ...]
"""Tensors of a layer that start at a constant of their own, by their names within the layer."""
KINDS = frozenset(
    {
        "avg_pool",
        "batch_norm",
        "blur",
        "conv",
        "conv_along_channels",
        "evo_batch_norm",
        "evo_norm",
        "flatten",
        "group_norm",
        "layer_norm",
        "linear",
        "max_pool",
        "parameter",
        "response_norm",
        "zero_pad",
    }
)
"""The kinds of layers: readers of a plan know these, and no other is let into one."""


class Layer(NamedTuple):
    """One layer, as plain numbers; sizes are ``(height, width)`` in pixels, or a side for each
    axis. What may differ by axis is one number where it does not.

    >>> from resforge.specs.trace import Trace
    >>> Trace(3, (8, 8)).conv("conv1", 16, kernel=3).params
    432
    """

    name: str
    """The layer's name in the state dict."""
    kind: str
    """One of :data:`KINDS`."""
    in_channels: int
    out_channels: int
    kernel: Axes
    stride: Axes
    padding: Padding
    """Pixels added on each side; or ``same``: of an odd number one more after the map than before
    it, and as many as ``ceil(side / stride)`` windows a side need."""
    groups: int
    dilation: Axes
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
    """``main``, ``shortcut``, ``attention`` where it only weighs the channels of the main, or
    ``parallel`` beside a layer of the main that is as far from the input."""
    starts: Starts
    """Constants that its tensors start at, instead of what the network's scheme draws."""
    tensors: Tensors
    """Its learnable tensors beside weight and bias: a gain, say."""
    receptive_field: Axes
    """Side, in input pixels, of the square an output element can see."""

    @property
    def dims(self) -> int:
        """Number of axes of the map."""
        return len(self.in_size)

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
        for name, shape in self.tensors:
            tensors[f"{self.name}.{name}"] = shape
        return tensors

    @property
    def zeros(self) -> tuple[str, ...]:
        """The parameters with which it puts out 0 where they are 0, and can still be trained."""
        gain = self.kind == "conv" and bool(self.tensors)
        own = [name for name, _ in self.tensors]
        left_out = ["weight"] if gain else own
        names = [name for name in self.parameters if name.rpartition(".")[2] not in left_out]
        return tuple(names)

    @property
    def buffers(self) -> dict[str, Shape]:
        """Names and shapes of the running statistics, as in the state dict."""
        channels = (self.out_channels,)
        if self.kind == "evo_batch_norm":
            return {f"{self.name}.running_var": channels}
        if self.kind != "batch_norm":
            return {}
        return {
            f"{self.name}.running_mean": channels,
            f"{self.name}.running_var": channels,
            f"{self.name}.num_batches_tracked": (),
        }


class End(NamedTuple):
    """The map that a part of a network leaves of the one it takes, and what its elements see."""

    channels: int
    size: Size
    stride: Axes
    """Elements of the one between neighbouring elements of the other."""
    first: Axes
    """Elements by which it moves the first that is seen."""
    last: Axes


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
    dims: int = 2
    """Number of axes of the map."""
    inner: tuple[Module, ...] = ()
    """The steps that the operation holds, where it is made of others."""

    @property
    def layer(self) -> Layer:
        """The first of its layers."""
        return self.layers[0]
