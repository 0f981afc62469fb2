"""Every layer of a network in plain numbers, before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import Fault, SpecError
from ..reading.load import SpecLike, as_spec
from ..specs.base import MAX_INPUT
from ..specs.layout import BlockPlan, layout_of, place_block, trace_end, trace_stem
from ..specs.network import ResNetSpec
from ..specs.plain import is_whole
from ..specs.resolve import blocks_of
from ..specs.trace import Layer, Module, Shape, Size, Trace

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
    modules: EndModules
    """The modules of stem, closing and head; those of blocks are theirs."""

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
        """Shape for one image: ``(num_classes,)``, or ``(C, H, W)`` without a linear layer."""
        if self.head:
            last = self.head[-1]
            channels = (last.out_channels,)
            return channels if last.kind == "linear" else (*channels, *last.out_size)
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


def plan(spec: SpecLike, input_size: int | Size | None = None) -> Plan:
    """Lay ``spec`` out for pictures of ``input_size`` pixels (a side, or height and width).

    ``spec`` may be a catalogue name, a file or a mapping too. Without a size it is the spec's own
    ``natural_input_size``: 224, or 32 for a stem that keeps the size. Raises :class:`SpecError`
    for a wrong spec, for a size that is no size, and where a stage would stride over a map of one
    pixel.

    >>> import resforge as rf
    >>> plan = rf.plan(rf.load("resnet50"), input_size=224)
    >>> plan.params, plan.macs, plan.depth, plan.output_shape
    (25557032, 4089184256, 50, (1000,))
    """
    spec = as_spec(spec, "plan")
    size = _as_size(spec.natural_input_size if input_size is None else input_size)
    laid = lay_out(spec, size)
    wide = too_wide(laid)
    if wide is not None:
        raise SpecError(
            Fault(
                "input",
                f"{size[0]}x{size[1]} is too small: the window of {wide.name} is wider than its "
                f"map of {wide.in_size[0]}x{wide.in_size[1]} pixels",
                _path_of(wide),
                "use a larger input",
            )
        )
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


def too_wide(plan: Plan) -> Layer | None:
    """The first layer whose window is wider than its map, padding included; None for none."""
    return next(filter(is_too_wide, plan.layers), None)


def is_too_wide(layer: Layer) -> bool:
    """Whether a layer's window is wider than its map, padding included."""
    reach = (layer.kernel - 1) * layer.dilation + 1 - 2 * layer.padding
    return reach > min(layer.in_size) and layer.kind in ("conv", "max_pool")


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


class EndModules(NamedTuple):
    """The modules of a network outside of its blocks, by the chain that they stand in."""

    stem: tuple[Module, ...]
    closing: tuple[Module, ...]
    head: tuple[Module, ...]


def lay_out(spec: ResNetSpec, size: Size) -> Plan:
    """The plan of ``spec`` at ``size``, whether or not the size makes sense."""
    trace = Trace(spec.in_channels, size)
    layers = trace.layers
    trace_stem(trace, spec)
    stem, stem_modules = tuple(layers), tuple(trace.modules)
    stages, features = [], []
    for blocks in blocks_of(spec):
        stage: list[BlockPlan] = []
        for resolved in blocks:
            start = len(layers)
            if not stage or resolved.like != stage[-1].resolved.like:
                laid = layout_of(resolved, trace.size)
            place_block(trace, resolved, laid)
            own = tuple(layers[start:])
            block = BlockPlan(resolved, own, laid.cuts, trace.receptive_field, laid.modules)
            stage.append(block)
        stages.append(tuple(stage))
        name = resolved.name.partition(".")[0]
        features.append(
            Feature(name, trace.channels, trace.jump, trace.size, trace.receptive_field)
        )
    trace.prefix, trace.modules, start = "", [], len(layers)
    cut, cut_of_modules = trace_end(trace, spec, resolved.block)
    ends = EndModules(
        stem_modules, tuple(trace.modules[:cut_of_modules]), tuple(trace.modules[cut_of_modules:])
    )
    return Plan(
        spec,
        (spec.in_channels, *size),
        tuple(layers),
        stem,
        tuple(stages),
        tuple(layers[start:cut]),
        tuple(layers[cut:]),
        tuple(features),
        ends,
    )


def _as_size(input_size: int | Size) -> Size:
    try:
        height, width = input_size if isinstance(input_size, Sequence) else (input_size, input_size)
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
    if not is_whole(side) or not 1 <= side <= MAX_INPUT:
        raise ValueError(side)
    return int(side)


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
