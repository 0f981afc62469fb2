"""Strategies for words and operations: fields drawn from what their classes say.

Hypothesis shrinks to what takes the fewest choices, and of those to the first of each. So what is
simplest stands first here, and takes no more choices than anything else of its family.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from pydantic import BaseModel, ValidationError

from ..errors import Fault, SpecError
from ..specs import ACTIVATIONS, OPERATIONS, Operation, ShortcutSpec
from ..specs.activation import ACTIVATION_KINDS, ActivationSpec
from ..specs.attention import AttentionSpec, attention_kinds
from ..specs.by_axis import fields_by_axis
from ..specs.norm import Normalisation
from .kinds import NORMS

Tree = dict[str, Any]
Pools = dict[str, SearchStrategy[Any]]
Registry = Mapping[str, type[Operation]]
Kinds = tuple[tuple[str, type[Operation]], ...]
Names = tuple[str, ...]

WIDTHS = ("x2", "x1/2", "in")
"""Widths that are multiples of others."""
MOST_FIELDS = 5
"""Fields of one kind that are drawn at most, those that it needs left aside."""
_NUMBERS = {int: (1, 2, 3, 4), float: (0.0, 0.1, 0.5, 1.0)}
"""Values tried for a field that holds a number."""
_ANOTHER = st.sampled_from([False, False, True, True, True])
_KEPT = st.booleans()


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn for one kind."""

    kind: str
    needed: Pools
    """Values of the fields that it cannot do without."""
    pools: Pools = field(default_factory=dict)
    """Values of the others."""
    together: tuple[Tree, ...] = ()
    """Several fields with values that are legal together, each of which is kept or not."""

    def ways(self) -> SearchStrategy[Any] | None:
        """A name of ``pools``, or fields of ``together``."""
        every = [*self.pools, *self.together]
        return st.sampled_from(every) if every else None


def one_of_kinds(kinds: Sequence[Drawn]) -> SearchStrategy[Tree]:
    """One of the kinds, with the fields that it needs and some of the others."""
    return _one_kind(st.sampled_from([(kind, kind.ways()) for kind in kinds]))


@st.composite
def _one_kind(draw: DrawFn, kinds: SearchStrategy[tuple[Drawn, Any]]) -> Tree:
    kind, ways = draw(kinds)
    tree: Tree = {"kind": kind.kind}
    for name, pool in kind.needed.items():
        tree[name] = draw(pool)
    for _ in range(MOST_FIELDS):
        # Asked of every kind, so that one without fields does not take fewer choices.
        if not draw(_ANOTHER) or ways is None:
            break
        way = draw(ways)
        if isinstance(way, str):
            tree[way] = draw(kind.pools[way])
        else:
            tree |= {name: value for name, value in way.items() if draw(_KEPT)}
    return tree


@cache
def norms(*, kinds: Names = NORMS) -> SearchStrategy[Tree]:
    """A norm, in its long form; group norms have 1, 2 or 4 groups."""
    eps: Pools = {"eps": st.sampled_from([1e-5, 1e-3])}
    momentum: Pools = {"momentum": st.sampled_from([0.1, 0.01])}
    fields = {"batch": eps | momentum, "evonorm_b0": eps | momentum, "none": {}}
    sizes = [{"groups": 1}, {"groups": 2}, {"groups": 4}, {"size": 1}, {"size": 2}]
    # Drawn for every kind, so that a group norm shrinks to another one choice by choice.
    size: Pools = {"size": st.sampled_from(sizes)}
    return one_of_kinds([Drawn(kind, size, fields.get(kind, eps)) for kind in kinds]).map(_sized)


def _sized(norm: Tree) -> Tree:
    size = norm.pop("size")
    return {**norm, **size} if norm["kind"] in ("group", "evonorm_s0") else norm


def activations(*, kinds: Names = ()) -> SearchStrategy[Any]:
    """An activation: a name, or one with fields of its own."""
    return _activations(kinds or tuple(ACTIVATIONS))


@cache
def _activations(names: Names) -> SearchStrategy[Any]:
    every = [variant for name in names for variant in variants_of(ACTIVATION_KINDS[name])]
    return st.sampled_from([*names, *every])


def variants_of(model: type[BaseModel]) -> list[Tree]:
    """A word of a small family with one of its fields, each with a value that it has not by
    default.

    >>> variants_of(ACTIVATION_KINDS["elu"])
    [{'kind': 'elu', 'gain': 0.5}, {'kind': 'elu', 'alpha': 0.5}]
    """
    kind = model.model_fields["kind"].default
    found: list[Tree] = []
    for name, about in model.model_fields.items():
        values = _choices(about.annotation) if name != "kind" else []
        if about.annotation is float:
            # What is tiny, such as an eps, has another tiny value.
            values = [0.5] if about.default > 1e-3 else [1e-3]
        found += [{"kind": kind, name: value} for value in values if value != about.default]
    return found


def words(
    kinds: Registry,
    leave_out: Collection[str] = (),
    first: str = "",
    *,
    axes: int = 2,
    attention: Names = (),
) -> SearchStrategy[Tree]:
    """A word of a family, or an operation, in a network of ``axes`` axes.

    Fields are drawn from the samples of the kind and from what their annotations allow: the names
    of a choice, true and false, small numbers, operations and chains of them. ``first`` is the kind
    that shrinking prefers; with ``attention`` every word has one of those kinds. A single field is
    legal, all of them together need not be.
    """
    known = tuple((kind, model) for kind, model in kinds.items() if kind not in leave_out)
    return _words(_defined(known, axes), first, axes, _anywhere(axes), attention)


def operations(*, axes: int = 2, kinds: Names = ()) -> SearchStrategy[Tree]:
    """An operation that takes maps of every size."""
    every = _anywhere(axes)
    return _words(tuple(pair for pair in every if pair[0] in kinds or not kinds), "act", axes, ())


def attentions(*, axes: int = 2, kinds: Names = ()) -> SearchStrategy[Any]:
    """An attention, or none; one of the ``kinds`` where some are named."""
    drawn = _attentions(axes, kinds)
    return drawn if kinds else _or_none(drawn)


def _attentions(axes: int, kinds: Names) -> SearchStrategy[Tree]:
    every = attention_kinds().items()
    return words({name: m for name, m in every if name in kinds or not kinds}, axes=axes)


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
def _words(
    kinds: Kinds, first: str, axes: int, inner: Kinds, attention: Names = ()
) -> SearchStrategy[Tree]:
    """As :func:`words`; made once for each set of kinds, since a draw asks for it many times.

    ``inner`` are the operations that may stand in a field; they are part of the key.
    """
    ordered = sorted(kinds, key=lambda pair: pair[0] != first)
    return one_of_kinds([_fields(kind, model, axes, attention) for kind, model in ordered])


def _fields(kind: str, model: type[Operation], axes: int, attention: Names) -> Drawn:
    """The fields of a kind: one by one, and some of them from a sample."""
    drawn = {name: _pool(model, name, axes) for name in model.model_fields}
    pools = {name: pool for name, pool in drawn.items() if pool is not None}
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    if attention and "attention" in pools:
        pools["attention"], required = _attentions(axes, attention), {*required, "attention"}
    if not required <= pools.keys():
        message = f"no sample of {kind} has {', '.join(sorted(required - pools.keys()))}"
        raise SpecError(Fault("value", message, kind, "add one to its samples"))
    needed = {name: pool for name, pool in pools.items() if name in required}
    optional = {name: pool for name, pool in pools.items() if name not in required}
    return Drawn(kind, needed, optional, tuple(dict(s) for s in model.samples if len(s) > 1))


def _pool(model: type[Operation], name: str, axes: int) -> SearchStrategy[Any] | None:
    """Values of one field; None where nothing says any."""
    annotation = model.model_fields[name].annotation
    # The shortcut within another is drawn with that one.
    if name == "kind" or _holds(annotation, ShortcutSpec):
        return None
    part = _part(model, name, axes)
    # What a family of words covers needs no samples, and takes one choice less without.
    if part is not None and _holds(annotation, AttentionSpec):
        return part
    values = [sample[name] for sample in model.samples if name in sample]
    more = [*_choices(annotation), *(WIDTHS if name == "width" and _holds(annotation, str) else ())]
    more += _numbers(model, name)
    values += [value for value in more if value not in values]
    pools = [] if not values else [st.sampled_from(values)]
    if axes > 1 and name in fields_by_axis(model):
        numbers = [value for value in values if type(value) is int] or [1, 2, 3]
        pools.append(st.lists(st.sampled_from(numbers), min_size=axes, max_size=axes))
    if part is not None:
        pools.append(part)
    return st.one_of(pools) if pools else None


def _part(model: type[Operation], name: str, axes: int) -> SearchStrategy[Any] | None:
    """Values of a field that holds a part of the language: an operation, a norm, ..."""
    annotation = model.model_fields[name].annotation
    if _holds(annotation, AttentionSpec):
        return _attentions(axes, ())
    if _holds(annotation, Operation):
        if not _is_chain(annotation):
            striding = _words(_that_stride(axes), "", axes, ())
            return striding if "stride" in name else st.one_of(striding, operations(axes=axes))
        usual = [sample[name] for sample in model.samples if isinstance(sample.get(name), list)]
        return chains(usual or [[]], axes=axes)
    if _holds(annotation, Normalisation):
        return norms()
    return activations() if _holds(annotation, ActivationSpec) else None


def _numbers(model: type[Operation], name: str) -> Iterator[Any]:
    """Small numbers that a field can hold, in a word that is else its first sample."""
    annotation = model.model_fields[name].annotation
    for type_, numbers in _NUMBERS.items():
        for number in numbers if _holds(annotation, type_) else ():
            try:
                model(**{**model.samples[0], name: number})
            except ValidationError:
                continue
            yield number


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
