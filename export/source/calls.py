"""The calls of a plan as text: those of several blocks at once, which differ in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ...specs.call import IDENTITY, Call, ChannelCount
from .arguments import Column
from .layout import literal, sequence
from .modules import parameters_of

Calls = Mapping[int, Call]
"""Calls by the place of their blocks."""

_SEQUENCES = ("nn.Sequential", "ShortcutPath")
_MISSING = object()
#: What arguments are called whose parameters have names that say less, or more.
_FIELDS = {"kernel_size": "kernel", "p": "rate"}
#: Modules of ours that PyTorch has too.
_NATIVE = {"Identity": "nn.Identity"}


class Numbers(Protocol):
    """Writes the numbers of calls."""

    classes: set[str]
    """The classes that calls named and PyTorch does not have."""

    def channel(self, column: Column, likely: str = "") -> str:
        """A number of channels."""

    def number(self, field: str, column: Column) -> str:
        """Any other number."""

    def stride(self) -> str:
        """The blocks' stride."""


def write(calls: Calls, numbers: Numbers, flow: str) -> tuple[str, str]:
    """The text that makes any of ``calls``, and the name of the channels that it puts out.

    ``flow`` is the name of the channels that come in. Where some are identities, the others are
    those of blocks that stride.
    """
    some = calls
    if IDENTITY in calls.values():
        some = {at: made for at, made in calls.items() if made != IDENTITY}
    if not some:
        return "nn.Identity()", flow
    made = next(iter(some.values()))
    if made.name in _SEQUENCES:
        return _write_sequence(some, numbers, flow)
    text, after = _write_call(some, numbers, flow)
    if len(some) < len(calls):
        text = f"nn.Identity() if {numbers.stride()} == 1 else {text}"
    return text, after


def write_each(parts: Mapping[str, Calls], numbers: Numbers, flow: str) -> dict[str, str]:
    """The texts of modules in a row, by their names."""
    texts = {}
    for name, calls in parts.items():
        texts[name], flow = write(calls, numbers, flow)
    return texts


def parted(calls: Calls) -> dict[str, Calls]:
    """The calls of sequences by the names of their modules; identities are left out where the
    others do not count on their place."""
    names = next(iter(calls.values())).options
    parts: dict[str, Calls] = {
        name: {at: made.options[name] for at, made in calls.items()} for name in names
    }
    if all(name.isdigit() for name in parts):
        return parts
    return {name: part for name, part in parts.items() if not is_nothing(part)}


def is_nothing(calls: Calls) -> bool:
    """Whether all of the calls leave their input as it is."""
    return all(made == IDENTITY for made in calls.values())


def _write_sequence(calls: Calls, numbers: Numbers, flow: str) -> tuple[str, str]:
    texts = []
    for name, part in parted(calls).items():
        text, flow = write(part, numbers, flow)
        texts.append((name, text))
    return sequence(texts), flow


def _write_call(calls: Calls, numbers: Numbers, flow: str) -> tuple[str, str]:
    made = next(iter(calls.values()))
    bound = bind(calls)
    count = max(len(each.args) for each in calls.values())
    likely, after, texts = flow, flow, []
    for place, (name, column) in enumerate(bound.items()):
        value = next(iter(column.values()))
        if isinstance(value, Call):
            text, after = write(column, numbers, flow)
        elif ChannelCount in map(type, column.values()):
            text = after = numbers.channel(column, likely)
            likely = ""
        else:
            text = _write_value(made.name, name, bound, numbers)
        texts.append(text if place < count else f"{name}={text}")
    name = _NATIVE.get(made.name, made.name)
    if not name.startswith("nn."):
        numbers.classes.add(name)
    return f"{name}({', '.join(texts)})", after


def _write_value(owner: str, name: str, bound: Mapping[str, Column], numbers: Numbers) -> str:
    column = bound[name]
    values = list(column.values())
    if not is_number(values[0]):
        return literal(values[0])
    if name == "padding" and len(set(values)) > 1 and "dilation" in bound:
        # As a rule so many pixels as keep the size at any dilation.
        dilation = bound["dilation"]
        reach = values[0] // dilation[next(iter(column))]
        if column == {at: reach * pixels for at, pixels in dilation.items()}:
            text = numbers.number("dilation", dilation)
            return text if reach == 1 else f"{reach} * {text}"
    return numbers.number(_field(owner, name, bound), column)


def _field(owner: str, name: str, bound: Mapping[str, Column]) -> str:
    """What an argument is called; PyTorch's windows stride by their side unless told otherwise."""
    if name == "kernel_size" and "stride" not in bound:
        default = parameters_of(owner).get("stride", _MISSING)
        return "stride" if default is None else "kernel"
    return _FIELDS.get(name, name)


def bind(calls: Calls) -> dict[str, Column]:
    """The arguments of calls of one class, by their parameters' names, without options that are
    what they are by default."""
    made = next(iter(calls.values()))
    parameters = parameters_of(made.name)
    known = [*parameters, *map(str, range(len(parameters), len(made.args)))]
    rows = {
        at: {**dict(zip(known, each.args, strict=False)), **each.options}
        for at, each in calls.items()
    }
    places = max(len(each.args) for each in calls.values())
    found = {}
    for place, name in enumerate(_names(known, list(rows.values()))):
        default = parameters.get(name, _MISSING)
        column = {at: row.get(name, default) for at, row in rows.items()}
        if place < places or any(value != default for value in column.values()):
            found[name] = column
    return found


def _names(known: list[str], rows: list[dict[str, Any]]) -> list[str]:
    """The names in rows: in the order of those that are ``known``, if one row has not all."""
    names = list(rows[0])
    if all(row.keys() == rows[0].keys() for row in rows):
        return names
    given = {name for row in rows for name in row}
    return [*(name for name in known if name in given), *(x for x in names if x not in known)]


def is_number(value: Any) -> bool:
    """Whether a value may differ between blocks of one class."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shape_of(made: Call) -> Any:
    """What calls have in common that differ in numbers alone."""
    if made.name in _SEQUENCES:
        return "nn.Sequential", *((name, shape_of(part)) for name, part in made.options.items())
    parameters = parameters_of(made.name)
    shape: list[Any] = [made.name]
    for name, value in (*zip(parameters, made.args, strict=False), *made.options.items()):
        default = parameters.get(name, _MISSING)
        if isinstance(value, Call):
            shape.append((name, shape_of(value)))
        elif is_number(value):
            # One that is not given is its default, if that is a number too.
            if not is_number(default):
                shape.append(name)
        elif value != default:
            shape.append((name, value))
    return tuple(shape)


NOTHING = shape_of(IDENTITY)
"""The shape of an identity."""


def alike(still: Any, strided: Any) -> bool:
    """Whether two shapes are one, but for what only the block that strides does."""
    if still in (strided, NOTHING):
        return True
    tuples = isinstance(still, tuple) and isinstance(strided, tuple)
    return tuples and len(still) == len(strided) and all(map(alike, still, strided))
