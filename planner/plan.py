"""Every layer of a network in plain numbers, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from ..errors import Fault, SpecError
from ..reading.load import SpecLike, as_spec
from ..specs.axes import Axes
from ..specs.layer import Layer, Module, Shape, Size
from ..specs.layout import BlockPlan
from ..specs.network import ResNetSpec
from ..specs.tally import weighted
from .placing import EndModules, Placed, placed
from .sizes import as_size, failures_of, misfits_of
from .totals import Feature, features_of, stem_map_of, totals_of

MAX_PARAMS = 2_000_000_000
MAX_ACTIVATIONS = 10_000_000_000


@dataclass(frozen=True)
class Plan:
    """A network as layers in plain numbers, for one input size.

    Counts follow one convention: ``params`` are all learnable tensors; ``macs`` are the
    multiply-accumulates of convolutions and linear layers for one image, bias not counted;
    ``activations`` are the elements those layers put out; ``depth`` counts the weighted layers
    on the longest path, shortcuts not counted.
    """

    spec: ResNetSpec
    input_shape: Shape
    """Channels, height, width; channels and a side for each axis."""
    params: int
    macs: int
    activations: int
    depth: int
    receptive_field: Axes
    """Side in input pixels of the square that one element of the last feature map sees, or one
    for each axis where they differ.

    Attention weighs channels by the whole map; that is not counted.
    """
    fits: bool
    """Whether every layer and operation can take the map that it meets at this size."""

    @cached_property
    def _placed(self) -> Placed:
        # Most of a plan's time is that of naming layers one by one, for which sums do not ask.
        return placed(self.spec, self.input_shape[1:])

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The stages' feature maps, first stage first."""
        return features_of(self.spec, self.input_shape[1:])

    @cached_property
    def stem_map(self) -> Feature:
        """The stem's map, before the pool that ends it where one does: map 0 of
        :class:`resforge.FeatureMaps`."""
        return stem_map_of(self.spec, self.input_shape[1:])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer, in the order of the state dict."""
        return self._placed.layers

    @property
    def stem(self) -> tuple[Layer, ...]:
        """The layers of the stem."""
        return self._placed.stem

    @property
    def stages(self) -> tuple[tuple[BlockPlan, ...], ...]:
        """The blocks of each stage."""
        return self._placed.stages

    @property
    def closing(self) -> tuple[Layer, ...]:
        """The norm that a network of pre-activated blocks ends in."""
        return self._placed.closing

    @property
    def head(self) -> tuple[Layer, ...]:
        """The layers of the head."""
        return self._placed.head

    @property
    def modules(self) -> EndModules:
        """The modules of stem, closing and head; those of blocks are theirs."""
        return self._placed.modules

    @property
    def before(self) -> tuple[tuple[Module, ...], ...]:
        """The modules before the first block of each stage; mostly none."""
        return self._placed.before

    @property
    def weighted(self) -> tuple[Layer, ...]:
        """The layers that ``depth`` counts, from the input on."""
        return weighted(self.layers)

    @property
    def output_shape(self) -> Shape:
        """Shape for one image: ``(num_classes,)``, or ``(C, H, W)`` without a linear layer."""
        feature, modules = self.features[-1], self.modules.head
        channels = modules[-1].out_channels if modules else feature.channels
        own = [layer for layer in self.head if layer.path != "attention"]
        if any(layer.kind in ("linear", "flatten") for layer in own):
            return (channels,)
        return (channels, *(own[-1].out_size if own else feature.size))

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

    def __str__(self) -> str:
        """The table that ``resforge show`` prints."""
        from ..drawing.text import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        from ..drawing.html import to_html

        return to_html(self)


def plan(spec: SpecLike, input_size: int | Size | None = None) -> Plan:
    """Lay ``spec`` out for pictures of ``input_size`` pixels (a side, or height and width; for a
    spec of other ``dims`` a side, or one for each axis).

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
    size = as_size(spec.natural_input_size if input_size is None else input_size, spec.dims)
    return fitting(spec, size)


def fitting(spec: ResNetSpec, size: Size) -> Plan:
    """The plan of ``spec`` at ``size``. Raises as :func:`plan` does for a size that it cannot
    take."""
    laid = lay_out(spec, size)
    if not laid.fits:
        raise SpecError(next(misfits_of(laid._placed, size)))
    return laid


def lay_out(spec: ResNetSpec, size: Size | None = None) -> Plan:
    """The plan of ``spec`` at ``size`` (one position unless given), whether or not the size makes
    sense."""
    size = spec.point if size is None else size
    sums = totals_of(spec, size)
    counts = sums.params, sums.macs, sums.activations, sums.depth
    return Plan(spec, (spec.in_channels, *size), *counts, sums.receptive_field, sums.fits)


def failure(plan: Plan) -> Fault | None:
    """Why the network cannot run on pictures of the plan's size; None where it can.

    A window may be wider than its map, or an operation may not take it. A network that only
    strides over a map of one pixel, which :func:`plan` refuses, runs.

    >>> import resforge as rf
    >>> blurred = rf.load("cifar_resnet20").replace({"block.stride_by": "blur"})
    >>> print(failure(lay_out(blurred, (1, 1))))
    error[input]: block: 1x1 does not fit: a map of 1 pixel has no 1 to reflect
      help: use an input of another size
    """
    return None if plan.fits else next(failures_of(plan._placed, plan.input_shape[1:]), None)


class Sized(Protocol):
    """What has the costs that are limited: a plan, or its figures."""

    @property
    def params(self) -> int: ...

    @property
    def activations(self) -> int: ...


def check_size(
    plan: Sized, max_params: int | None = None, max_activations: int | None = None
) -> None:
    """Refuse a network that would not fit, by arithmetic, before torch is asked for memory.

    Raises :class:`SpecError` where ``plan`` holds more than ``max_params`` parameters or puts out
    more than ``max_activations`` elements for one image. The limits can be raised from Python and
    the command line, never from a file.
    """
    most_params = MAX_PARAMS if max_params is None else max_params
    most_activations = MAX_ACTIVATIONS if max_activations is None else max_activations
    if plan.params <= most_params and plan.activations <= most_activations:
        return
    faults = []
    for name, noun, count, limit in (
        ("params", "parameters", plan.params, most_params),
        ("activations", "activations", plan.activations, most_activations),
    ):
        if count > limit:
            help_ = f"if that is meant, pass max_{name}={count} (--max-{name} {count})"
            message = f"{count:,} {noun}, of at most {limit:,}"
            faults.append(Fault("limit", message, "stages", help_))
    raise SpecError(faults)
