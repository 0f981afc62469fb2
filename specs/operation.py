"""Operations: the smallest parts of a network, and the chains that they stand in.

An operation is one data file: its fields and what they mean, what is legal, the layers that it
writes down, the call that makes its module, what it means for the network's identity, its sign
in the picture, and samples of it. Everything else (the builder, the exporter, the picture, the
JSON Schema, the strategies, the tables of the language page) is derived from that file.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from ..errors import Fault, SpecError
from .axes import Axes, sides_text, size_text, uniform
from .base import MAX_CHANNELS, Channels, Spec, Stride, short_tree
from .by_axis import ByAxis, NumberOr
from .call import Call
from .layer import KINDS, Layer, Module
from .near import meant
from .registry import Kinds, UnionOf
from .seen import Seen
from .site import Choices, Site
from .trace import Trace

MAX_OPERATIONS = 256
"""Operations of one chain."""

Problem = tuple[str, str, str]
"""A field, what is wrong with it, and what to write instead."""

After = Literal["fresh", "same", "held"]
"""What an operation's output is to the one after it: ``fresh`` memory that may be written over,
the ``same`` as its input was, or ``held`` by a gradient or by its input."""


class Operation(Spec):
    """Base of every operation, built-in or registered.

    A subclass says what it writes down (:meth:`trace`) and which module it is (:meth:`call`).

    >>> from resforge.specs.call import call
    >>> class SpatialSpec(Operation):
    ...     "x weighed by what a convolution of x says at each pixel."
    ...
    ...     kind: Literal["spatial"] = "spatial"
    ...     kernel: Annotated[int, Field(ge=1)] = 7
    ...
    ...     def trace(self, trace, name, site):
    ...         trace.fork("attention").conv(f"{name}.conv", 1, self.kernel)
    ...
    ...     def call(self, module):
    ...         return call("Spatial", module.in_channels, self.kernel)
    >>> trace = Trace(8, (32, 32))
    >>> SpatialSpec(kernel=3).trace(trace, "weigh", None)
    >>> trace.layers[0].name, trace.layers[0].params, trace.channels
    ('weigh.conv', 72, 8)
    """

    kind: str
    #: The field that the value of the short form is: ``{conv: 3}`` is ``{kind: conv, kernel: 3}``.
    main: ClassVar[str | None] = None
    #: The text of its sign in the picture, as the legend has it; None: its layers are drawn; empty:
    #: nothing is drawn.
    sign: ClassVar[str | None] = None
    #: What the legend of the picture calls the sign; empty for a sign that needs no entry.
    legend: ClassVar[str] = ""
    #: What it is called elsewhere, for the help line of an unknown name.
    synonyms: ClassVar[tuple[str, ...]] = ()
    #: Fields of examples that strategies draw, the gallery shows and the tests try; each legal
    #: wherever the operation may stand.
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    #: What its output is to the next operation.
    after: ClassVar[After] = "held"
    #: Whether a word can be trusted wherever the shapes that it names itself meet, so that its
    #: operations need not be looked at one by one.
    self_validating: ClassVar[bool] = False
    #: Fields that change nothing in evaluation where the tensors are given: initial values, what
    #: only training uses, and widths, which tensors show.
    unevaluated: ClassVar[frozenset[str]] = frozenset()
    #: Whether what it means for the identity of a network is the same on a map of any size.
    sizeless: ClassVar[bool] = False
    #: Whether it leaves channels as they are, learns and multiplies nothing, and means the same for
    #: the identity of a network whatever the channels and the size of its map: one that writes down
    #: layers, which have channels, has a :meth:`canonical` of its own.
    bare: ClassVar[bool] = False
    #: Whether it ends in a norm and an activation of its own, so that a word puts none after it.
    ends_activated: ClassVar[bool] = False
    #: Whether a map that was activated before it is so after it, as behind a pool.
    keeps_activation: ClassVar[bool] = False
    #: Whether it may be one with the operation after it; see :meth:`with_next`.
    may_take_next: ClassVar[bool] = False
    #: Fields that hold chains of operations.
    holds: ClassVar[frozenset[str]] = frozenset()
    #: Whether it depends on the number of sums since the last change of shape, ``site.sums``.
    reads_sums: ClassVar[bool] = False
    #: What makes a vector of a map, for an operation that takes a vector; None for one that takes
    #: a map. It stands before the operation by itself.
    flattening: ClassVar[Operation | None] = None

    def settle(self, choices: Choices) -> Operation:
        """The operation with the network's own choices filled in: its norm, its activation."""
        return self

    def with_next(self, op: Operation) -> Operation | None:
        """The operation that is this one and ``op``, which follows it; None for none."""
        return None

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        """Write down the layers; nothing for what changes no shape and learns nothing.

        ``name`` is that of the module, and of its only layer; layers within it begin with it, as
        in ``trace.conv(f"{name}.conv", 64, kernel=3)``. :meth:`Trace.fork` writes down layers
        beside the path, :meth:`Trace.reshape` changes the shape without a layer.
        """

    def call(self, module: Module) -> Call:
        """The call that makes the module of one place in a network.

        ``module`` holds the channels at that place, and the layers that :meth:`trace` wrote down
        there: ``return call("MyModule", module.in_channels, stride=module.layer.stride)``.
        """
        raise NotImplementedError

    def canonical(self, module: Module) -> dict[str, Any] | None:
        """What the operation means for the identity of a network; None where it does nothing.

        Only what differs from a default, so that a field which is added to the language later
        changes no identity.
        """
        fields = {"op": self.kind, **self.differing()}
        if layers := [_identity(layer) for layer in module.layers]:
            fields["layers"] = layers
        return fields

    @property
    def parts(self) -> tuple[Operation, ...]:
        """The operations that it stands for, each of which means something by itself."""
        return (self,)

    def evaluated(self, module: Module) -> dict[str, Any] | None:
        """What it computes in evaluation from given tensors; None where it does nothing."""
        meant = self.canonical(module)
        if meant is None:
            return None
        return {name: value for name, value in meant.items() if name not in self.unevaluated}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        """What is wrong with it at one place."""
        return iter(())

    @property
    def map_size(self) -> int | None:
        """Height and width of the only map that it takes; None where it takes any."""
        return None

    def misfits(self, module: Module) -> Iterable[str]:
        """Why it cannot take the map that it meets, at one size of pictures."""
        side = self.map_size
        if side is None or set(module.layer.in_size) == {side}:
            return ()
        found = size_text(module.layer.in_size)
        wanted = sides_text(side, len(module.layer.in_size))
        return (f"{self.kind} takes a map of {wanted} positions, not of {found}",)

    def sign_of(self, module: Module) -> str | None:
        """The text of its sign at one place, with its numbers; None: its layers are drawn; empty:
        nothing is drawn."""
        return self.sign

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        """Fields that this kind may have in a network of which ``seen`` shows, likeliest first.

        They need not fit: each proposal is written down and compared with what shows. A kind
        that reads nothing proposes its defaults and its samples.
        """
        return ({}, *cls.samples)


@cache
def takes_any_map(kind: Any) -> bool:
    """Whether no operation of a kind minds the map that it meets."""
    own: Any = Operation
    return kind.misfits is own.misfits and kind.map_size is own.map_size


@cache
def is_sizeless(kind: Any) -> bool:
    """Whether operations of a kind mean the same on a map of any size; a class that derives from
    one that does must say so again."""
    own = vars(kind)
    return any(own.get(name, False) is True for name in ("sizeless", "bare"))


@cache
def is_bare(kind: Any) -> bool:
    """Whether operations of a kind are bare; a class that derives from one that is must say so
    again."""
    return vars(kind).get("bare", False) is True


def misfit(module: Module) -> str | None:
    """The first reason why an operation cannot take the map that it meets; None for none."""
    return next(iter(module.op.misfits(module)), None)


def _identity(layer: Layer) -> list[Any]:
    """What a layer is, without its name and the map that it meets."""
    return [
        layer.kind,
        *(layer.out_channels, layer.kernel, layer.stride, layer.padding),
        *(layer.groups, layer.dilation, layer.weight, layer.bias),
    ]


def meanings(modules: Iterable[Module]) -> list[dict[str, Any]]:
    """What a chain means for the identity of a network, operation by operation."""
    meant = (op.canonical(module) for module in modules for op in module.op.parts)
    return [part for part in meant if part is not None]


def computed(modules: Iterable[Module]) -> list[dict[str, Any]]:
    """What a chain computes in evaluation from given tensors, operation by operation."""
    found = (op.evaluated(module) for module in modules for op in module.op.parts)
    return [part for part in found if part is not None]


Steps = tuple[tuple[str, Operation], ...]
"""A chain whose operations have names."""

OPERATIONS: Kinds[Operation] = Kinds("operation", Operation)
"""The operations that a chain in a file can hold."""


def meaning_of(model: type[Spec]) -> str:
    """The first paragraph of a kind's docstring, on one line.

    >>> from resforge.specs.operations import ConvSpec
    >>> meaning_of(ConvSpec)
    'A convolution.'
    """
    first = inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0]
    return " ".join(first.split())


def expand_operation(value: Any) -> Any:
    """The long form of an operation.

    >>> expand_operation("norm"), expand_operation({"conv": 3, "stride": 2})
    ({'kind': 'norm'}, {'kind': 'conv', 'kernel': 3, 'stride': 2})
    """
    if isinstance(value, str):
        return {"kind": value}
    if not isinstance(value, dict) or "kind" in value:
        return value
    kinds = [key for key in value if key in OPERATIONS and OPERATIONS[key].main]
    if len(kinds) > 1:  # a field may be called as an operation is: {bam: 16, norm: group}
        fields = {kind: {kind, *OPERATIONS[kind].model_fields} for kind in kinds}
        kinds = [kind for kind in kinds if fields[kind].issuperset(value)] or kinds
    if len(kinds) != 1:
        raise _no_operation(value, kinds)
    kind, main = kinds[0], str(OPERATIONS[kinds[0]].main)
    if main in value and main != kind:
        raise _twice(kind, main, value)
    rest = {key: item for key, item in value.items() if key != kind}
    return {"kind": kind, main: value[kind], **rest}


def _twice(kind: str, main: str, value: dict[Any, Any]) -> PydanticCustomError:
    """The error of a short form that names its main field once more: ``{conv: 3, kernel: 5}``."""
    message = f"{kind!r} and {main!r} say the same twice: {value[kind]!r} and {value[main]!r}"
    context = {"message": message, "help": f"leave {main} out"}
    return PydanticCustomError("operation", "{message}", context)


def _no_operation(value: dict[Any, Any], kinds: list[str]) -> PydanticCustomError:
    """The error of a mapping that is the short form of no operation, or of several."""
    if kinds:
        message = f"{' and '.join(map(repr, kinds))} are {len(kinds)} operations in one place"
        help_ = f"write each by itself: {', '.join(f'{{{kind}: ...}}' for kind in kinds)}"
    elif long := next((key for key in value if key in OPERATIONS), None):
        fields = [f"{name}: ..." for name in OPERATIONS[long].model_fields if name != "kind"]
        message = f"{long!r} has no main field, and so no short form with a value"
        help_ = f"write {{kind: {long}, {', '.join(fields)}}}" if fields else f"write {long}"
    else:
        first = next(iter(value), "")
        message = f"there is no operation {first!r}" if value else "an operation is missing"
        help_ = meant(first, OPERATIONS) if value else "write one, such as norm or {conv: 3}"
    return PydanticCustomError("operation", "{message}", {"message": message, "help": help_})


def shorten_operation(op: Operation) -> Any:
    """The shortest way to write ``op``; the inverse of :func:`expand_operation`.

    >>> from resforge.specs.operations import ConvSpec
    >>> shorten_operation(ConvSpec(kernel=3, stride=2))
    {'conv': 3, 'stride': 2}
    """
    tree = short_tree(op)
    if isinstance(tree, str):
        return tree
    del tree["kind"]
    tree |= {name: _shorten_held(getattr(op, name)) for name in tree if name in op.holds}
    value = None if op.main is None else tree.pop(op.main, getattr(op, op.main))
    value = list(value) if isinstance(value, tuple) else value
    if value is not None:
        return {op.kind: value, **tree}
    return {"kind": op.kind, **tree}


def _shorten_held(chains: tuple[tuple[Operation, ...], ...]) -> list[list[Any]]:
    """The shortest way to write the chains that an operation holds."""
    return [shorten_chain(chain) for chain in chains]


def shorten_chain(chain: tuple[Operation, ...]) -> list[Any]:
    """The shortest way to write ``chain``."""
    return [shorten_operation(op) for op in chain]


AnyOperation = Annotated[Operation, UnionOf(lambda: OPERATIONS, expand_operation, dict[str, Any])]
Chain = Annotated[tuple[AnyOperation, ...], Field(strict=False, max_length=MAX_OPERATIONS)]
"""Operations in a row, as a file writes them."""
FullChain = Annotated[
    tuple[AnyOperation, ...], Field(strict=False, min_length=1, max_length=MAX_OPERATIONS)
]
"""A chain of at least one operation."""

Side = Annotated[int, Field(ge=1, le=256)]
"""Height and width of a map of fixed size."""
_Block = Literal["block"]
BlockStride = Annotated[Stride | _Block, NumberOr(Stride, _Block), ByAxis(Stride)]
"""A stride, or the block's own: that of its stage in the first block, 1 in the others."""
MULTIPLE_PATTERN = r"((x|in)[1-9][0-9]{0,4}(/[1-9][0-9]{0,4})?|in)"
_Multiple = Annotated[str, Field(pattern=f"^({MULTIPLE_PATTERN}|inner)$")]
Width = Annotated[Channels | _Multiple, NumberOr(Channels, _Multiple)]
"""A number of channels, a multiple of the stage's width (``x4``, ``x1/2``), or of the channels of
the block's input (``in``, ``in4``, ``in1/4``), or the ``inner`` width that the stage gives."""


def width_at(width: int | str | None, missing_width: int, site: Site) -> int:
    """The number of channels that ``width`` comes to; what is left out is the chain's
    ``missing_width``."""
    if width is None:
        return missing_width
    if isinstance(width, int):
        return width
    # In whole numbers: fractions would take a tenth of the time of a first plan. What comes to none
    # or to too many is a problem of the operation.
    of_input, times, parts = _multiple(width)
    of = site.in_channels if of_input else site.width
    return min(max(1, of * times // parts), MAX_CHANNELS)


def multiple(width: str, site: Site) -> Fraction:
    """The number of channels that a multiple comes to, whole or not.

    >>> from resforge.specs.norm import BatchNormSpec
    >>> site = Site.of_end(64, BatchNormSpec(), "relu")
    >>> multiple("x1/2", site), multiple("in", site)
    (Fraction(32, 1), Fraction(64, 1))

    An ``inner`` width that no stage gives is the stage's width.
    """
    of_input, times, parts = _multiple(width)
    return Fraction((site.in_channels if of_input else site.width) * times, parts)


@lru_cache(1024)
def _multiple(width: str) -> tuple[bool, int, int]:
    """Whether it is one of the block's input, and the fraction that it is of that."""
    if width == "inner":
        return False, 1, 1
    of, times = _MULTIPLE.fullmatch(width).groups()  # type: ignore[union-attr]
    fraction = Fraction(times or "1")
    return of == "in", fraction.numerator, fraction.denominator


_MULTIPLE = re.compile(r"(x|in)(.*)")


def width_problems(width: int | str | None, site: Site, exactly: bool = True) -> Iterator[Problem]:
    """What is wrong with a ``width`` that is a multiple, and must be whole if ``exactly``."""
    exact = multiple(width, site) if isinstance(width, str) else Fraction(1)
    if exact != int(exact) and (exactly or exact < 1):
        yield (
            "width",
            f"{width} comes to {exact} channels, which is no whole number",
            "write the number of channels",
        )
    elif exact > MAX_CHANNELS:
        yield (
            "width",
            f"{width} comes to {exact} channels, of at most {MAX_CHANNELS}",
            "use a smaller one",
        )


def stride_at(stride: Axes | Literal["block"], site: Site) -> Axes:
    """The stride that a field comes to at one place."""
    return site.stride if isinstance(stride, str) else uniform(stride)


def dims_of(module: Module) -> dict[str, int]:
    """The argument ``dims`` of a module, where its maps are no pictures."""
    return {} if module.dims == 2 else {"dims": module.dims}


def named(chain: tuple[Operation, ...], prefix: str) -> Steps:
    """A chain as a file writes it, each operation named by its kind and number."""
    counts: dict[str, int] = {}
    steps = []
    for op in chain:
        number = counts[op.kind] = counts.get(op.kind, 0) + 1
        steps.append((f"{prefix}{op.kind}{number}", op))
    return tuple(steps)


def _unknown_layer(op: Operation, layers: Iterable[Layer]) -> SpecError:
    unknown = min({layer.kind for layer in layers} - KINDS)
    message = f"{op.kind} writes down a layer of an unknown kind, {unknown!r}"
    return SpecError(Fault("operation", message, help="write layers by the methods of the trace"))


# Skips the Python-level call of a named tuple's constructor, as a trace does for its layers.
_new = tuple.__new__


@lru_cache(1024)
def settled(steps: Steps, choices: Choices) -> Steps:
    """A chain with a network's choices filled in, and those operations in one that are one.

    Blocks of many widths have one chain: it is settled once for all of them.
    """
    found: list[tuple[str, Operation]] = []
    taken = False
    for number, (name, op) in enumerate(steps, start=1):
        if taken:
            taken = False
            continue
        op = op.settle(choices)
        if op.may_take_next and number < len(steps):
            both = op.with_next(steps[number][1])
            if both is not None:
                op, taken = both, True
        found.append((name, op))
    return tuple(found)


def trace_chain(
    trace: Trace, steps: Steps, site: Site, missing_width: int | None, fresh: bool
) -> None:
    """Write down a chain, one operation after another.

    ``missing_width`` is the width of an operation that names none (None: that of the map it
    takes); ``fresh`` whether the first may write over its input.
    """
    trace.fresh, trace.chain_width = fresh, missing_width
    if not steps:
        return
    modules, written = trace.modules, trace.layers
    for name, op in settled(steps, site.choices):
        if op.flattening is not None and not trace.flat:
            _flatten(trace, name, op.flattening)
        channels, start = trace.channels, len(written)
        trace.missing_width = channels if missing_width is None else missing_width
        trace.inner = ()
        op.trace(trace, name, site)
        layers = tuple(written[start:]) if len(written) > start else ()
        for layer in layers:
            if layer.kind not in KINDS:
                raise _unknown_layer(op, layers)
        # PyTorch's modules for vectors are those for signals.
        dims = 1 if trace.flat else len(trace.size)
        place = name, op, channels, trace.channels, layers, trace.fresh, dims, trace.inner
        modules.append(_new(Module, place))
        if op.after != "same":
            trace.fresh = op.after == "fresh"


def _flatten(trace: Trace, name: str, op: Operation) -> None:
    """Make a vector of the map, before the operation of that ``name`` takes it."""
    beside, channels = name[: name.rfind(".") + 1], trace.channels
    place = f"{beside}flatten", op, channels, channels, (), False, trace.dims
    trace.modules.append(Module(*place))
    trace.flat = True
