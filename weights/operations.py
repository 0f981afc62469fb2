"""Operations that may stand where some layers show.

Every kind of the registry is tried: its proposals, and what :func:`nearest` makes of them, are
written down as a plan does and compared with the layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple

import torch
from pydantic import ValidationError
from torch import nn

from ..builder.make import MODULES, make
from ..errors import ResforgeError
from ..planner.calls import call_of
from ..specs.layer import Module
from ..specs.operation import OPERATIONS, Operation, Steps, trace_chain
from ..specs.seen import Seen
from ..specs.site import Site
from ..specs.trace import Trace
from .laid import misfits
from .nearest import SAME, Cost, nearest
from .observed import settings_of
from .values import Numbers

_KINDS = 3
"""Kinds whose fields are changed one by one, those that are nearest as they are proposed."""
_LOOKED_AT = 48
"""Operations among which those are that mean something else than the others."""
_MOST = 6
"""Operations that are returned for one place."""
_UNTOLD = frozenset({"training", "inplace", "in_place", "fresh"})
"""Attributes that say nothing of what a module computes, or follow from its place."""


class Place(NamedTuple):
    """Where an operation stands."""

    channels: int
    site: Site
    missing_width: int | None
    """Channels that it puts out where it does not say how many; None: as many as it takes."""
    flat: bool = False
    """Whether it takes a vector."""

    def laid(self, name: str, op: Operation) -> tuple[Module, Trace] | None:
        """The operation written down; None for one that cannot stand there."""
        trace = Trace(self.channels, self.site.point)
        trace.flat, trace.dilation = self.flat, self.site.dilations.first
        try:
            trace_chain(trace, ((name, op),), self.site, self.missing_width, fresh=False)
            return trace.modules[-1], trace
        except (ResforgeError, ValueError, ArithmeticError, LookupError):
            return None

    def fills(self, name: str, op: Operation) -> bool:
        """Whether the operation has tensors there."""
        laid = self.laid(name, op)
        return laid is not None and any(layer.parameters for layer in laid[0].layers)

    def problems(self, module: Module) -> int:
        """How many things are wrong with what is written down there."""
        try:
            return len([*module.op.problems(module, self.site)])
        except (ResforgeError, ValueError, ArithmeticError, LookupError):
            return 1


class Found(NamedTuple):
    """An operation that has the layers which show, and the channels that it puts out."""

    op: Operation
    channels: int
    flat: bool


def operations_at(
    seen: Seen,
    name: str,
    place: Place,
    kinds: Mapping[str, type[Operation]] = OPERATIONS,
) -> list[Found]:
    """The operations of ``kinds`` that have the layers ``name`` of ``seen``, likeliest first."""
    shown = seen.only(name)
    key = shown.key, name, place, tuple(kinds.values())
    if key not in _KNOWN:
        if len(_KNOWN) >= _REMEMBERED:
            _KNOWN.clear()
        _KNOWN[key] = _search(shown, name, place, kinds)
    return _KNOWN[key]


_REMEMBERED = 1024
_KNOWN: dict[Any, list[Found]] = {}
"""What was found; networks repeat their blocks."""


def _search(
    seen: Seen, name: str, place: Place, kinds: Mapping[str, type[Operation]]
) -> list[Found]:
    def cost(op: Operation) -> Cost:
        laid = place.laid(name, op)
        if laid is None:
            return inf, inf
        # What is not legal may lead to what is.
        wrong = misfits(laid[0].layers, seen) + place.problems(laid[0])
        return wrong, inf if wrong else _unlike(laid[0], seen)

    ranked = sorted(
        ((cost(op), number, op) for number, op in enumerate(_proposed(kinds, seen.below(name)))),
        key=itemgetter(0, 1),
    )
    nothing = misfits((), seen)
    numbers = Numbers(seen, (place.channels, place.missing_width or place.channels))
    tried: set[str] = set()
    # What has no tensors of its own gets none by other fields: such kinds come last.
    likeliest = sorted(ranked, key=lambda each: (each[0] != SAME, not place.fills(name, each[2])))
    for least, _, op in likeliest:
        # What has no layer in common with those that show is far from them.
        if least == SAME or least[0] > 2 * nothing or len(tried) == _KINDS:
            break
        if op.kind not in tried:
            tried.add(op.kind)
            found, now = nearest(op, cost, numbers)
            if now < least:
                ranked.append((now, len(ranked), found))
                ranked.sort(key=itemgetter(0, 1))
            if now == SAME:
                break
    meant: dict[str, Found] = {}
    for least, _, op in ranked[:_LOOKED_AT]:
        laid = place.laid(name, op) if least[0] == 0 and least == ranked[0][0] else None
        if laid is not None:
            module, trace = laid
            # Other values of fields may mean the same at this place.
            meant.setdefault(repr(op.canonical(module)), Found(op, trace.channels, trace.flat))
    return [*meant.values()][:_MOST]


def _proposed(kinds: Mapping[str, type[Operation]], seen: Seen) -> Iterator[Operation]:
    for model in kinds.values():
        for fields in (*model.proposals(seen), *model.samples):
            try:
                yield model(**fields)
            except (ValidationError, ResforgeError):
                continue


def unlike_steps(steps: Steps, site: Site, seen: Seen) -> int:
    """How many settings of the modules of a chain are not those that show, and how many modules
    of it do not show; those that show beside it count for all chains alike."""
    trace = Trace(site.in_channels, site.point)
    trace_chain(trace, steps, site, None, fresh=False)
    names = [module.name for module in trace.modules]
    # An identity in the place of a module, as in `model.maxpool = nn.Identity()`, is none.
    shown = [name for name, of in seen.settings.items() if name and of.get("class") != "Identity"]
    beside = [name for name in shown if not _within(name, names)]
    missing = sum(name not in seen.settings for name in names)
    return (
        sum(_unlike(module, seen.only(module.name)) for module in trace.modules)
        + 8 * missing
        + 8 * len(beside)
    )


def _within(name: str, parts: Iterable[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def _unlike(module: Module, seen: Seen) -> int:
    """How many settings of the modules of an operation are not those that show; 0 where it is
    other code that shows."""
    shown = seen.settings.get(module.name)
    if shown is None:
        return 0
    try:
        with torch.device("meta"):
            made = make(call_of(module))
    except (ResforgeError, ValueError, ArithmeticError, TypeError):
        return len(shown)
    if type(made).__name__ != (other := str(shown.get("class"))) and not _is_known(other):
        return 0
    ours = {
        f"{module.name}.{name}".removesuffix("."): settings_of(each)
        for name, each in made.named_modules()
    }
    theirs = {n: values for n, values in seen.settings.items() if _within(n, [module.name])}
    wrong = 8 * len(ours.keys() ^ theirs.keys())
    for name in ours.keys() & theirs.keys():
        wrong += len(_telling(ours[name]) ^ _telling(theirs[name]))
    return wrong


def _is_known(name: str) -> bool:
    """Whether an operation may be a module of this class."""
    return name in MODULES or hasattr(nn, name)


def _telling(values: Mapping[str, Any]) -> set[tuple[str, Any]]:
    return {(name, value) for name, value in values.items() if name not in _UNTOLD}
