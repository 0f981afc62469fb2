"""Strategies for words and operations: fields drawn from what their classes say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from pydantic import BaseModel

from ..specs import ACTIVATIONS, OPERATIONS, Operation
from ..specs.activation import ActivationSpec
from ..specs.attention import AttentionSpec, attention_kinds
from ..specs.by_axis import fields_by_axis
from ..specs.norm import Normalisation

Tree = dict[str, Any]
Registry = Mapping[str, type[Operation]]
Kinds = tuple[tuple[str, type[Operation]], ...]

NORMS = ("batch", "group", "evonorm_b0", "evonorm_s0", "filter_response", "none")
WIDTHS = ("x2", "x1/2", "in")
"""Widths that are multiples of others."""


@cache
def norms(*, kinds: tuple[str, ...] = NORMS) -> SearchStrategy[Tree]:
    """A norm, in its long form; group norms have 1, 2 or 4 groups."""
    eps = st.sampled_from([1e-5, 1e-3])
    fields: dict[str, dict[str, SearchStrategy[Any]]] = {
        "batch": {"eps": eps, "momentum": st.sampled_from([0.1, 0.01])},
        "evonorm_b0": {"eps": eps},
        "filter_response": {"eps": eps},
    }
    every: dict[str, SearchStrategy[Tree]] = {
        kind: st.fixed_dictionaries({"kind": st.just(kind)}, optional=fields.get(kind, {}))
        for kind in NORMS
    }
    for kind in ("group", "evonorm_s0"):
        number = {"kind": st.just(kind), "groups": st.sampled_from([1, 2, 4])}
        size = {"kind": st.just(kind), "size": st.sampled_from([1, 2])}
        every[kind] = st.one_of(st.fixed_dictionaries(number), st.fixed_dictionaries(size))
    return st.one_of([every[kind] for kind in kinds])


def activations() -> SearchStrategy[Any]:
    """An activation: a name, or one with fields of its own."""
    return _activations(tuple(ACTIVATIONS))


@cache
def _activations(names: tuple[str, ...]) -> SearchStrategy[Any]:
    return st.sampled_from([*names, *_ACTIVATION_FIELDS])


_ACTIVATION_FIELDS: tuple[Tree, ...] = (
    {"kind": "leaky_relu", "slope": 0.1},
    {"kind": "elu", "alpha": 0.5},
    {"kind": "celu", "alpha": 0.3},
    {"kind": "prelu", "shared": True},
    {"kind": "gelu", "gain": 1.7},
)
"""Activations whose fields are not the usual ones."""


def words(
    kinds: Registry, leave_out: Collection[str] = (), first: str = "", *, axes: int = 2
) -> SearchStrategy[Tree]:
    """A word of a family, or an operation, in a network of ``axes`` axes.

    Fields are drawn from the samples of the kind and from what their annotations allow: the names
    of a choice, true and false, operations and chains of them. ``first`` is the kind that
    shrinking prefers. A single field is legal, all of them together need not be.
    """
    known = tuple((kind, model) for kind, model in kinds.items() if kind not in leave_out)
    return _words(_defined(known, axes), first, axes, _anywhere(axes))


def operations(*, axes: int = 2) -> SearchStrategy[Tree]:
    """An operation that takes maps of every size."""
    return _words(_anywhere(axes), "act", axes, ())


def attentions(*, axes: int = 2) -> SearchStrategy[Any]:
    """An attention, or none."""
    return _or_none(words(attention_kinds(), axes=axes))


@cache
def _or_none(drawn: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.none(), drawn)


@st.composite
def chains(draw: DrawFn, usual: Collection[Any] = ([],), *, axes: int = 2) -> list[Any]:
    """One of the ``usual`` chains, with up to two operations more."""
    chain = list(draw(st.sampled_from(list(usual))))
    for _ in range(draw(_MORE)):
        chain.insert(draw(st.integers(0, len(chain))), draw(operations(axes=axes)))
    return chain


_MORE = st.sampled_from([0, 0, 1, 2])


def _anywhere(axes: int) -> Kinds:
    """The operations that take maps of every size."""
    return _unsized(tuple(OPERATIONS.items()), axes)


@cache
def _unsized(kinds: Kinds, axes: int) -> Kinds:
    sized = {kind for kind, model in kinds if model(**model.samples[0]).map_size is not None}
    return _defined(tuple(pair for pair in kinds if pair[0] not in sized), axes)


def _defined(kinds: Kinds, axes: int) -> Kinds:
    """The kinds that are defined for maps of ``axes`` axes."""
    return tuple((kind, model) for kind, model in kinds if axes in model.legal_dims)


@cache
def _words(kinds: Kinds, first: str, axes: int, inner: Kinds) -> SearchStrategy[Tree]:
    """As :func:`words`; made once for each set of kinds, since a draw asks for it many times.

    ``inner`` are the operations that may stand in a field; they are part of the key.
    """
    ordered = sorted(kinds, key=lambda pair: pair[0] != first)
    return st.one_of([_fields(kind, model, axes) for kind, model in ordered])


def _fields(kind: str, model: type[Operation], axes: int) -> SearchStrategy[Tree]:
    """A sample of a kind; or its fields drawn one by one."""
    samples = [dict(sample) for sample in model.samples]
    every = {name: _pool(model, name, axes) for name in model.model_fields}
    pools = {name: pool for name, pool in every.items() if pool is not None}
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    whole = st.integers(0, 11).map(lambda number: samples[number % len(samples)])
    mixed: SearchStrategy[Tree] = st.fixed_dictionaries(
        {name: pool for name, pool in pools.items() if name in required},
        optional={name: pool for name, pool in pools.items() if name not in required},
    )
    # A kind without fields makes as many choices as the others, so that none is shrunk to for it.
    drawn = st.one_of(whole, mixed if pools and required <= set(pools) else whole)
    return drawn.map(lambda sample: {"kind": kind, **sample})


def _pool(model: type[Operation], name: str, axes: int) -> SearchStrategy[Any] | None:
    """Values of one field; None where nothing says any."""
    if name in ("kind", "of"):
        return None
    annotation = model.model_fields[name].annotation
    values = [sample[name] for sample in model.samples if name in sample]
    more = [*_choices(annotation), *(WIDTHS if name == "width" and _holds(annotation, str) else ())]
    values += [value for value in more if value not in values]
    pools = [] if not values else [st.sampled_from(values)]
    if axes > 1 and name in fields_by_axis(model):
        numbers = [value for value in values if type(value) is int] or [1, 2, 3]
        pools.append(st.lists(st.sampled_from(numbers), min_size=axes, max_size=axes))
    if (part := _part(model, name, axes)) is not None:
        pools.append(part)
    return st.one_of(pools) if pools else None


def _part(model: type[Operation], name: str, axes: int) -> SearchStrategy[Any] | None:
    """Values of a field that holds a part of the language: an operation, a norm, ..."""
    annotation = model.model_fields[name].annotation
    if _holds(annotation, AttentionSpec):
        return words(attention_kinds(), axes=axes)
    if _holds(annotation, Operation):
        if not _is_chain(annotation):
            striding = _words(_that_stride(axes), "", axes, ())
            return striding if "stride" in name else st.one_of(striding, operations(axes=axes))
        usual = [sample[name] for sample in model.samples if isinstance(sample.get(name), list)]
        return chains(usual or [[]], axes=axes)
    if _holds(annotation, Normalisation):
        return norms()
    return activations() if _holds(annotation, ActivationSpec) else None


def _that_stride(axes: int) -> Kinds:
    return tuple(pair for pair in _anywhere(axes) if "stride" in pair[1].model_fields)


def _is_chain(annotation: Any) -> bool:
    """Whether an annotation is that of operations in a row."""
    return get_origin(annotation) is tuple or any(map(_is_chain, get_args(annotation)))


def _holds(annotation: Any, wanted: type) -> bool:
    """Whether an annotation allows an instance of a class, through unions and lists."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return issubclass(annotation, wanted)
    return any(_holds(part, wanted) for part in get_args(annotation))


def choices_of(model: type[BaseModel], name: str) -> list[Any]:
    """The values that a literal or a truth value can have in a field, through unions."""
    return _choices(model.model_fields[name].annotation)


def _choices(annotation: Any) -> list[Any]:
    if annotation is bool:
        return [True, False]
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for part in get_args(annotation) for value in _choices(part)]
