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

from .base import MAX_CHANNELS, Spec, Stride
from .call import Call
from .registry import Kinds, UnionOf
from .seen import Seen
from .site import Site
from .trace import Layer, Module, Trace

MAX_OPERATIONS = 256
"""Operations of one chain."""

Problem = tuple[str, str, str]
"""A field, what is wrong with it, and what to write instead."""

After = Literal["fresh", "same", "held"]
"""What an operation's output is to the one after it: ``fresh`` memory that may be written over,
the ``same`` as its input was, or ``held`` by a gradient or by its input."""


class Operation(Spec):
    """Base of every operation, built-in or registered.

    A subclass says what it writes down (:meth:`lay`) and which module it is (:meth:`call`).
    """

    kind: str
    #: The field that the value of the short form is: ``{conv: 3}`` is ``{kind: conv, kernel: 3}``.
    main: ClassVar[str | None] = None
    #: The text of its sign on a wire of the picture; None: its layers are drawn as bars.
    sign: ClassVar[str | None] = None
    #: What the legend of the picture calls the sign.
    legend: ClassVar[str] = ""
    #: Fields of examples that strategies draw, the gallery shows and the tests try; each legal
    #: wherever the operation may stand.
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    #: What its output is to the next operation.
    after: ClassVar[After] = "held"
    #: Whether a word can be trusted wherever the shapes that it names itself meet, so that its
    #: operations need not be looked at one by one.
    self_validating: ClassVar[bool] = False
    #: Whether it takes a vector, so that the map before it has to be flattened.
    takes_vector: ClassVar[bool] = False

    def settle(self, site: Site) -> Operation:
        """The operation with the network's own choices filled in: its norm, its activation."""
        return self

    def lay(self, trace: Trace, name: str, site: Site) -> None:
        """Write down the layers, under ``name``; none for what changes no shape and learns
        nothing."""

    def call(self, module: Module) -> Call:
        """The call that makes the module of one place in a network."""
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

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        """What is wrong with it at one place."""
        return iter(())

    def sign_of(self, module: Module) -> str | None:
        """The text of its sign at one place; None for none."""
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
    kind = _short_kind(value)
    if kind is None:
        return value
    rest = {key: item for key, item in value.items() if key != kind}
    return {"kind": kind, str(OPERATIONS[kind].main): value[kind], **rest}


def _short_kind(value: Any) -> str | None:
    """The operation that a mapping without ``kind`` is the short form of."""
    if not isinstance(value, dict) or "kind" in value:
        return None
    kinds = [key for key in value if key in OPERATIONS and OPERATIONS[key].main]
    return kinds[0] if len(kinds) == 1 else None


def shorten_operation(op: Operation) -> Any:
    """The shortest way to write ``op``; the inverse of :func:`expand_operation`.

    >>> from resforge.specs.operations import ConvSpec
    >>> shorten_operation(ConvSpec(kernel=3, stride=2))
    {'conv': 3, 'stride': 2}
    """
    tree = op.model_dump(mode="json", exclude_defaults=True)
    tree.pop("kind", None)
    if not tree:
        return op.kind
    if op.main in tree:
        return {op.kind: tree.pop(op.main), **tree}
    return {"kind": op.kind, **tree}


def shorten_chain(chain: tuple[Operation, ...]) -> list[Any]:
    """The shortest way to write ``chain``."""
    return [shorten_operation(op) for op in chain]


AnyOperation = Annotated[Operation, UnionOf(lambda: OPERATIONS, expand_operation, dict[str, Any])]
Chain = Annotated[tuple[AnyOperation, ...], Field(strict=False, max_length=MAX_OPERATIONS)]
"""Operations in a row, as a file writes them."""

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


def lay_chain(
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
        if op.takes_vector and not trace.flat:
            flatten = OPERATIONS["flatten"]()  # type: ignore[call-arg]
            prefix = name[: name.rfind(".") + 1]
            modules.append(
                Module(f"{prefix}flatten", flatten, trace.channels, trace.channels, (), False)
            )
            trace.flat = True
        channels, start = trace.channels, len(trace.layers)
        trace.missing_width = channels if missing_width is None else missing_width
        op.lay(trace, name, site)
        layers = tuple(trace.layers[start:])
        modules.append(Module(name, op, channels, trace.channels, layers, trace.fresh))
        if op.after != "same":
            trace.fresh = op.after == "fresh"
