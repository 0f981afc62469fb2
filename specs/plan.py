"""Every layer of a network in plain numbers, before anything is built."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..errors import Fault, SpecError, path_text
from .block import UNDILATED, BlockSpec
from .trace import Layer, Shape, Size, Trace, strided

if TYPE_CHECKING:
    from .network import ResNetSpec, ResolvedBlock
    from .norm import NormSpec
    from .order import Order
    from .shortcut import ShortcutSpec

MAX_INPUT = 65_536
MAX_PARAMS = 2_000_000_000
MAX_ACTIVATIONS = 10_000_000_000


class Feature(NamedTuple):
    """The map a stage puts out: what ``model.features(x)`` returns at its place."""

    name: str
    channels: int
    stride: int
    """Input pixels between neighbouring elements."""
    size: Size
    """Height and width."""
    receptive_field: int


class BlockPlan(NamedTuple):
    """One block: what it is, and its layers, in the order in which data meets them."""

    what: ResolvedBlock
    layers: tuple[Layer, ...]
    cuts: tuple[int, int, int]
    """Where among the layers the branch, the shortcut and what follows the sum begin."""
    receptive_field: int
    """Side, in input pixels, of the square that an element of the output sees."""

    def layer(self, name: str) -> Layer:
        """The layer of that name within the block. Raises ``KeyError``.

        >>> import resforge as rf
        >>> rf.plan(rf.load("resnet50")).stages[1][0].layer("conv2").stride
        2
        """
        full = f"{self.what.name}.{name}"
        for layer in self.layers:
            if layer.name == full:
                return layer
        raise KeyError(f"{full}: the block has {', '.join(layer.name for layer in self.layers)}")

    @property
    def residual_end(self) -> Layer | None:
        """The layer with which the residual branch is 0 where its weights are; None where the
        kind of block knows none."""
        return self.spec.residual_end(self.branch)

    @property
    def name(self) -> str:
        """The block's name in the state dict."""
        return self.what.name

    @property
    def spec(self) -> BlockSpec:
        return self.what.block

    @property
    def shortcut(self) -> ShortcutSpec:
        return self.what.shortcut

    @property
    def in_channels(self) -> int:
        return self.what.in_channels

    @property
    def out_channels(self) -> int:
        return self.what.out_channels

    @property
    def stride(self) -> int:
        return self.what.stride

    @property
    def entry(self) -> tuple[Layer, ...]:
        """What a pre-activated block begins with."""
        return self.layers[: self.cuts[0]]

    @property
    def branch(self) -> tuple[Layer, ...]:
        """The layers of the residual branch F(x), from there to the sum."""
        return self.layers[self.cuts[0] : self.cuts[1]]

    @property
    def bypass(self) -> tuple[Layer, ...]:
        """The layers of the shortcut."""
        return self.layers[self.cuts[1] : self.cuts[2]]

    @property
    def exit(self) -> tuple[Layer, ...]:
        """What follows the sum."""
        return self.layers[self.cuts[2] :]


@dataclass(frozen=True)
class Plan:
    """A network as layers in plain numbers, for one input size.

    Counts follow one convention: ``params`` are all learnable tensors; ``macs`` are the
    multiply-accumulates of convolutions and linear layers for one image, bias not counted;
    ``activations`` are the elements those layers put out; ``depth`` counts the weighted layers
    on the longest path, shortcuts not counted.
    """

    spec: ResNetSpec
    input_shape: tuple[int, int, int]
    """Channels, height, width."""
    layers: tuple[Layer, ...]
    """Every layer, in the order of the state dict."""
    stem: tuple[Layer, ...]
    stages: tuple[tuple[BlockPlan, ...], ...]
    closing: tuple[Layer, ...]
    """The norm that a network of pre-activated blocks ends in."""
    head: tuple[Layer, ...]
    features: tuple[Feature, ...]
    """The stages' feature maps, first stage first."""

    @property
    def params(self) -> int:
        return sum([layer.params for layer in self.layers])

    @property
    def macs(self) -> int:
        return sum([layer.macs for layer in self.layers])

    @property
    def activations(self) -> int:
        return sum([layer.activations for layer in self.layers])

    @property
    def weighted(self) -> tuple[Layer, ...]:
        """The layers that ``depth`` counts, from the input on."""
        return weighted(self.layers)

    @property
    def depth(self) -> int:
        return len(self.weighted)

    @property
    def receptive_field(self) -> int:
        """Side in input pixels of the square that one element of the last feature map sees.

        Attention weighs channels by the whole map; that is not counted.
        """
        return self.features[-1].receptive_field

    @property
    def output_shape(self) -> Shape:
        """Shape for one image: ``(num_classes,)``, or ``(C, H, W)`` where there is no head."""
        if self.head:
            return (self.head[-1].out_channels,)
        return (self.features[-1].channels, *self.features[-1].size)

    @property
    def parameters(self) -> dict[str, Shape]:
        """Names and shapes of every learnable tensor."""
        return {name: shape for layer in self.layers for name, shape in layer.parameters.items()}

    @property
    def state_dict(self) -> dict[str, Shape]:
        """Names and shapes of every tensor of the state dict."""
        return {
            name: shape
            for layer in self.layers
            for tensors in (layer.parameters, layer.buffers)
            for name, shape in tensors.items()
        }

    def to_svg(self, against: Plan | None = None) -> str:
        """The network's picture: one self-contained SVG, for light and dark pages.

        With ``against`` it marks what is not so in that plan's network.
        """
        from ..drawing.diagram import to_svg

        return to_svg(self, against)

    def _repr_html_(self) -> str:
        from ..drawing.html import to_html

        return to_html(self)


def weighted(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Those of the layers that depth counts."""
    kinds = ("conv", "linear")
    return tuple([layer for layer in layers if layer.kind in kinds and layer.path == "main"])


def plan(spec: ResNetSpec | str | os.PathLike[str], input_size: int | Size | None = None) -> Plan:
    """Lay ``spec`` out for pictures of ``input_size`` pixels (a side, or height and width).

    ``spec`` may be a catalogue name or a file too. Without a size it is the spec's own
    ``natural_input_size``: 224, or 32 for a stem that keeps the size. Raises :class:`SpecError`
    for a wrong spec, for a size that is no size, and where a stage would stride over a map of one
    pixel.

    >>> import resforge as rf
    >>> plan = rf.plan(rf.load("resnet50"), input_size=224)
    >>> plan.params, plan.macs, plan.depth, plan.output_shape
    (25557032, 4089184256, 50, (1000,))
    """
    from ..reading.load import as_spec

    spec = as_spec(spec, "plan")
    size = _as_size(spec.natural_input_size if input_size is None else input_size)
    laid = lay_out(spec, size)
    for layer in laid.layers:
        if layer.stride > 1 and layer.in_size == (1, 1):
            raise SpecError(
                Fault(
                    "input",
                    f"{size[0]}x{size[1]} is too small: {layer.name} would stride over a map "
                    "of one pixel",
                    _path_of(layer),
                    f"use an input of more than {_total_stride(laid, layer)} pixels a side, "
                    "or fewer strides",
                )
            )
    return laid


def check_size(
    plan: Plan, max_params: int | None = None, max_activations: int | None = None
) -> None:
    """Refuse a network that would not fit, by arithmetic, before torch is asked for memory.

    Raises :class:`SpecError` where ``plan`` holds more than ``max_params`` parameters or puts out
    more than ``max_activations`` elements for one image. The limits can be raised from Python and
    the command line, never from a file.
    """
    counts = (
        ("params", "parameters", plan.params, max_params, MAX_PARAMS),
        ("activations", "activations", plan.activations, max_activations, MAX_ACTIVATIONS),
    )
    faults = []
    for name, noun, count, limit, default in counts:
        limit = default if limit is None else limit
        if count > limit:
            help_ = f"if that is meant, pass max_{name}={count} (--max-{name} {count})"
            message = f"{count:,} {noun}, of at most {limit:,}"
            faults.append(Fault("limit", message, "stages", help_))
    if faults:
        raise SpecError(faults)


def lay_out(spec: ResNetSpec, size: Size) -> Plan:
    """The plan of ``spec`` at ``size``, whether or not the size makes sense."""
    trace = Trace(spec.in_channels, size)
    layers = trace.layers
    spec.stem.lay(trace, spec.norm)
    stem = tuple(layers)
    stages, features = [], []
    for blocks in spec.blocks():
        stage: list[BlockPlan] = []
        growth = (0, 0)
        for what in blocks:
            start, first, last_pixel = len(layers), trace.first, trace.last
            if stage and what.like == stage[-1].what.like:
                last = stage[-1]
                trace.repeat(last.layers, last.name, what.name, growth)
                cuts = last.cuts
            else:
                cuts = lay_block(trace, what, spec.norm)
            growth = (trace.first - first, trace.last - last_pixel)
            stage.append(BlockPlan(what, tuple(layers[start:]), cuts, trace.receptive_field))
        stages.append(tuple(stage))
        name = what.name.partition(".")[0]
        features.append(
            Feature(name, trace.channels, trace.jump, trace.size, trace.receptive_field)
        )
    trace.prefix, start = "", len(layers)
    cut = lay_end(trace, spec, what.block.arrangement)
    closing, head = tuple(layers[start:cut]), tuple(layers[cut:])
    shape = (spec.in_channels, *size)
    return Plan(spec, shape, tuple(layers), stem, tuple(stages), closing, head, tuple(features))


def lay_end(trace: Trace, spec: ResNetSpec, order: Order) -> int:
    """Write what follows the last block, which is of that ``order``; where the head begins."""
    if order == "full_pre":
        trace.norm("norm", spec.norm)
    cut = len(trace.layers)
    if spec.head is not None:
        spec.head.lay(trace)
    return cut


def lay_block(trace: Trace, what: ResolvedBlock, norm: NormSpec) -> tuple[int, int, int]:
    """Write the block's layers; the cuts between them, as :class:`BlockPlan` has them."""
    block = what.block
    trace.prefix = f"{what.name}."
    start = len(trace.layers)
    order = block.arrangement
    size = strided(trace.size, what.stride)
    if order == "full_pre" and what.entry_activates:
        trace.norm("bn0", norm)
    shortcut = trace.fork("shortcut")
    branch = len(trace.layers) - start
    # Kinds that do not dilate need not know the word: the rules keep it from them.
    if what.dilations == UNDILATED:
        block.lay(trace, what.width, what.stride, norm)
    else:
        block.lay(trace, what.width, what.stride, norm, what.dilations)  # type: ignore[call-arg]
    if trace.channels != what.out_channels or trace.size != size:
        # Only a registered kind can get this wrong, and torch might broadcast it in silence.
        written = f"{trace.channels} channels of {trace.size[0]}x{trace.size[1]}"
        raise SpecError(
            Fault(
                "block",
                f"the branch of {what.name} ends in {written}, the block puts out "
                f"{what.out_channels} of {size[0]}x{size[1]}",
                path_text(what.block_path),
                f"mend 'lay' or 'out_channels' of {type(block).__name__}",
            )
        )
    bypass = len(trace.layers) - start
    what.shortcut.lay(shortcut, "downsample", what, norm)
    trace.join(shortcut)
    exit_ = len(trace.layers) - start
    if order == "norm_after_add":
        trace.norm("bn_sum", norm)
    return branch, bypass, exit_


def _as_size(input_size: int | Size) -> Size:
    try:
        height, width = (
            input_size if isinstance(input_size, tuple | list) else (input_size, input_size)
        )
        size = _as_side(height), _as_side(width)
    except (TypeError, ValueError):
        raise SpecError(
            Fault(
                "input",
                f"{input_size!r} is not an input size",
                help=f"give one side or (height, width) in pixels, from 1 to {MAX_INPUT}",
            )
        ) from None
    return size


def _as_side(side: object) -> int:
    number = operator.index(side)  # type: ignore[arg-type]
    if isinstance(side, bool) or not 1 <= number <= MAX_INPUT:
        raise ValueError(side)
    return number


def _path_of(layer: Layer) -> str:
    """Where in a spec the layer's stride was given."""
    head = layer.name.partition(".")[0]
    return f"stages[{int(head[5:]) - 1}].stride" if head.startswith("layer") else "stem"


def _total_stride(laid: Plan, last: Layer) -> int:
    total = 1
    for layer in laid.layers[: laid.layers.index(last)]:
        if not layer.shortcut:
            total *= layer.stride
    return total
