"""Operations: the smallest parts of a network, and the chains that they stand in.

An operation is one data file: its fields and what they mean, what is legal, the layers that it
writes down, the call that makes its module, what it means for the network's identity, its sign
in the picture, and samples of it. Everything else (the builder, the exporter, the picture, the
JSON Schema, the strategies, the tables of the language page) is derived from that file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from ..errors import Fault, SpecError
from .base import MAX_CHANNELS, Spec, Stride, short_tree
from .call import Call
from .paths import nearest
from .registry import Kinds, UnionOf
from .seen import Seen
from .site import Site
from .trace import KINDS, Layer, Module, Trace

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
    #: What makes a vector of a map, for an operation that takes a vector; None for one that takes
    #: a map. It stands before the operation by itself.
    flattening: ClassVar[Operation | None] = None

    def settle(self, site: Site) -> Operation:
        """The operation with the network's own choices filled in: its norm, its activation."""
        return self

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

    def evaluated(self, module: Module) -> dict[str, Any] | None:
        """What it computes in evaluation from given tensors; None where it does nothing."""
        meant = self.canonical(module)
        if meant is None:
            return None
        return {name: value for name, value in meant.items() if name not in self.unevaluated}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        """What is wrong with it at one place."""
        return iter(())

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


def _identity(layer: Layer) -> list[Any]:
    """What a layer is, without its name and the map that it meets."""
    return [
        layer.kind,
        *(layer.out_channels, layer.kernel, layer.stride, layer.padding),
        *(layer.groups, layer.dilation, layer.weight, layer.bias),
    ]


Steps = tuple[tuple[str, Operation], ...]
"""A chain whose operations have names."""

OPERATIONS: Kinds[Operation] = Kinds("operation", Operation)
"""The operations that a chain in a file can hold."""


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
    if len(kinds) != 1:
        raise _no_operation(value, kinds)
    rest = {key: item for key, item in value.items() if key != kinds[0]}
    return {"kind": kinds[0], str(OPERATIONS[kinds[0]].main): value[kinds[0]], **rest}


def _no_operation(value: dict[Any, Any], kinds: list[str]) -> PydanticCustomError:
    """The error of a mapping that is the short form of no operation, or of several."""
    if kinds:
        message = f"{' and '.join(map(repr, kinds))} are {len(kinds)} operations in one place"
        help_ = f"write each by itself: {', '.join(f'{{{kind}: ...}}' for kind in kinds)}"
    else:
        first = next(iter(value), "")
        close = nearest(first, list(OPERATIONS))
        message = f"there is no operation {first!r}" if value else "an operation is missing"
        help_ = f"did you mean {close!r}?" if close else f"use {', '.join(OPERATIONS)}"
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
    value = None if op.main is None else tree.pop(op.main, getattr(op, op.main))
    if value is not None:
        return {op.kind: value, **tree}
    return {"kind": op.kind, **tree}


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

BlockStride = Stride | Literal["block"]
"""A stride, or the block's own: that of its stage in the first block, 1 in the others."""
Width = (
    Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
    | Annotated[str, Field(pattern=r"^x[1-9][0-9]{0,4}(/[1-9][0-9]{0,4})?$")]
)
"""A number of channels, or a multiple of the stage's width: ``x4``, ``x1/2``."""


def width_at(width: int | str | None, trace: Trace, site: Site) -> int:
    """The number of channels that ``width`` comes to; what is left out is the chain's."""
    if width is None:
        return trace.missing_width
    if isinstance(width, int):
        return width
    times, _, parts = width[1:].partition("/")
    return site.width * int(times) // int(parts or 1)


def named(chain: tuple[Operation, ...], prefix: str) -> Steps:
    """A chain as a file writes it, each operation named by its kind and number."""
    counts: dict[str, int] = {}
    steps = []
    for op in chain:
        number = counts[op.kind] = counts.get(op.kind, 0) + 1
        steps.append((f"{prefix}{op.kind}{number}", op))
    return tuple(steps)


def _unknown_layer(op: Operation, kinds: set[str]) -> SpecError:
    message = f"{op.kind} writes down a layer of an unknown kind, {min(kinds)!r}"
    return SpecError(Fault("operation", message, help="write layers by the methods of the trace"))


def trace_chain(
    trace: Trace, steps: Steps, site: Site, missing_width: int | None, fresh: bool
) -> None:
    """Write down a chain, one operation after another.

    ``missing_width`` is the width of an operation that names none (None: that of the map it
    takes); ``fresh`` whether the first may write over its input.
    """
    trace.fresh = fresh
    modules = trace.modules
    for name, op in steps:
        op = op.settle(site)
        if op.flattening is not None and not trace.flat:
            beside, channels = name[: name.rfind(".") + 1], trace.channels
            flatten = Module(f"{beside}flatten", op.flattening, channels, channels, (), False)
            modules.append(flatten)
            trace.flat = True
        channels, start = trace.channels, len(trace.layers)
        trace.missing_width = channels if missing_width is None else missing_width
        op.trace(trace, name, site)
        layers = tuple(trace.layers[start:])
        if unknown := {layer.kind for layer in layers} - KINDS:
            raise _unknown_layer(op, unknown)
        modules.append(Module(name, op, channels, trace.channels, layers, trace.fresh))
        if op.after != "same":
            trace.fresh = op.after == "fresh"
