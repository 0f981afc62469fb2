"""Named changes from one network to another: a neighbourhood for local search."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, get_args

from ..errors import Fault, SpecError
from ..planner.plan import plan
from ..planner.scale import widths_of
from ..specs.activation import ACTIVATIONS
from ..specs.attention import attention_kinds
from ..specs.block import BLOCKS
from ..specs.network import ResNetSpec
from ..specs.operation import Operation
from ..specs.order import Order
from ..specs.paths import nearest
from ..specs.plain import as_seed
from ..specs.shortcut import SHORTCUTS
from .dice import Dice

Changes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Child:
    """A network made from others."""

    move: str
    """Name of the change: ``deeper``, ``other shortcut``, ``crossover``."""
    spec: ResNetSpec
    digest: str


class NoChildError(SpecError):
    """No other legal network was found by changing a network, or by crossing two.

    A search goes on with other parents; an error of another class is a fault in what it was given.
    """


def neighbours(parent: ResNetSpec, moves: Collection[str] | None = None) -> Iterator[Child]:
    """Every network that one of ``moves`` makes of ``parent``, each once.

    ``moves`` are names of :data:`MOVES`, by default all. Every neighbour is legal, can be planned
    at the parent's natural input size, and has another digest. Raises :class:`SpecError` for an
    unknown move.

    >>> import resforge as rf
    >>> children = list(neighbours(rf.load("resnet18"), ["shallower", "other block"]))
    >>> [child.move for child in children[:4]], [child.spec.block.kind for child in children[4:]]
    (['shallower', 'shallower', 'shallower', 'shallower'], ['bottleneck', 'd2l', 'x'])
    """
    seen = {parent.digest}
    for name in _known(moves):
        for changes in MOVES[name](parent):
            child = _child(parent, name, changes)
            if child is not None and child.digest not in seen:
                seen.add(child.digest)
                yield child


def mutate(parent: ResNetSpec, seed: int = 0, moves: Collection[str] | None = None) -> Child:
    """A random one of the :func:`neighbours`: first a move is chosen, then one of its children.

    The same seed gives the same child on any machine. Raises :class:`NoChildError` where no move
    gives another legal network.

    >>> import resforge as rf
    >>> mutate(rf.load("resnet18"), seed=3).move
    'other block'
    """
    digest = parent.digest
    dice = Dice("mutate", digest, as_seed("mutate", seed))
    for name in dice.shuffled(_known(moves)):
        for changes in dice.shuffled(list(MOVES[name](parent))):
            child = _child(parent, name, changes)
            if child is not None and child.digest != digest:
                return child
    message = "no move makes another legal network of this one"
    raise NoChildError(Fault("mutate", message, help=f"the moves are {', '.join(MOVES)}"))


def _known(moves: Collection[str] | None) -> list[str]:
    if moves is None:
        return list(MOVES)
    for name in moves:
        if name not in MOVES:
            close = nearest(name, list(MOVES))
            help_ = f"did you mean {close!r}?" if close else f"the moves are {', '.join(MOVES)}"
            raise SpecError(Fault("mutate", f"there is no move {name!r}", help=help_))
    return list(moves)


def _child(parent: ResNetSpec, move: str, changes: Changes) -> Child | None:
    try:
        spec = parent.replace({**changes, "name": ""})
        plan(spec, parent.natural_input_size)
    except SpecError:
        return None
    return Child(move, spec, spec.digest)


def _by_blocks(parent: ResNetSpec, more: int) -> Iterator[Changes]:
    """One block more or less at the end of a stage."""
    for index, stage in enumerate(parent.stages):
        if stage.depth is not None:
            yield {f"stages[{index}].depth": stage.depth + more}
        elif stage.blocks is not None:
            entries = [entry.to_tree() for entry in stage.blocks]
            yield {f"stages[{index}].blocks": [*entries, entries[-1]] if more > 0 else entries[:-1]}


def _by_widths(parent: ResNetSpec, more: int) -> Iterator[Changes]:
    """A stage, or the stem, an eighth wider or narrower, in multiples that its groups divide.

    The stem changes alone, with the first stage, and with all stages.
    """
    step = widths_of(parent).step

    def scaled(width: int) -> int:
        return width + more * step * max(1, round(width / 8 / step))

    stages: list[Changes] = [
        {f"stages[{index}].width": scaled(stage.width)}
        for index, stage in enumerate(parent.stages)
        if stage.width is not None
    ]
    field: Changes = {}
    for name in parent.stem.width_fields[-1:]:
        value = getattr(parent.stem, name)
        wider = scaled(value) if isinstance(value, int) else [*value[:-1], scaled(value[-1])]
        field = {f"stem.{name}": wider}
    yield from stages
    if field:
        yield from [field, field | stages[0], *([field | _all(stages)] if stages[1:] else [])]


def _all(changes: list[Changes]) -> Changes:
    return {path: value for change in changes for path, value in change.items()}


def _by_stride(parent: ResNetSpec) -> Iterator[Changes]:
    """The strides of two stages exchanged, or another convolution of a bottleneck strided."""
    for one, two in combinations(range(len(parent.stages)), 2):
        strides = parent.stages[one].stride, parent.stages[two].stride
        if strides[0] != strides[1]:
            yield {f"stages[{one}].stride": strides[1], f"stages[{two}].stride": strides[0]}
    yield from _other_values(parent, "stride_on", ["conv2", "conv1"])


def _by_shortcut(parent: ResNetSpec) -> Iterator[Changes]:
    """Another shortcut for the network, or for a stage that has one of its own."""
    for kind in (*_bare_kinds(SHORTCUTS), {"match": "projection", "change": "projection"}):
        yield {"shortcut": kind}
        for index, stage in enumerate(parent.stages):
            if stage.shortcut is not None:
                yield {f"stages[{index}].shortcut": kind}


def _by_block(parent: ResNetSpec) -> Iterator[Changes]:
    """Another kind of block, or another expansion of a bottleneck."""
    for kind in _bare_kinds(BLOCKS):
        if kind != parent.block.kind:
            yield {"block": kind}
    if parent.block.kind == "bottleneck":
        yield from _other_values(parent, "expansion", [1, 2, 4])


def _bare_kinds(kinds: Mapping[str, type[Operation]]) -> list[str]:
    """The kinds of a family that need no field."""
    return [
        kind
        for kind, model in kinds.items()
        if not any(field.is_required() for field in model.model_fields.values())
    ]


def _by_attention(parent: ResNetSpec) -> Iterator[Changes]:
    return _other_values(parent, "attention", [None, *attention_kinds()])


def _other_values(parent: ResNetSpec, field: str, values: list[Any]) -> Iterator[Changes]:
    """Another of ``values`` for a field of the network's block, or of a stage's own block."""
    holders = [("block", parent.block)]
    holders += [
        (f"stages[{index}].block", stage.block)
        for index, stage in enumerate(parent.stages)
        if stage.block is not None
    ]
    for path, block in holders:
        if hasattr(block, field):
            yield from ({f"{path}.{field}": v} for v in values if v != getattr(block, field))


def _by_activation(parent: ResNetSpec) -> Iterator[Changes]:
    names = [name for name in ACTIVATIONS if name not in ("none", parent.activation)]
    return ({"activation": name} for name in names)


MOVES: dict[str, Callable[[ResNetSpec], Iterator[Changes]]] = {
    "deeper": partial(_by_blocks, more=1),
    "shallower": partial(_by_blocks, more=-1),
    "wider": partial(_by_widths, more=1),
    "narrower": partial(_by_widths, more=-1),
    "other shortcut": _by_shortcut,
    "other stride site": _by_stride,
    "other block": _by_block,
    "other order": partial(_other_values, field="order", values=list(get_args(Order))),
    "other attention": _by_attention,
    "other activation": _by_activation,
}
"""The changes of a spec that each move proposes, by its name; some may be illegal."""
